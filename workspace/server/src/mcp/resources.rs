//! Pictures and traces of a caller's runs, as resources.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use editscale_core::{Outcome, RunId};
use editscale_engine::read_outcome;
use rmcp::ErrorData;
use rmcp::model::{
    ListResourceTemplatesResult, ListResourcesResult, ReadResourceResult, Resource, ResourceContents, ResourceTemplate,
};
use serde_json::json;

use super::desk::Desk;
use super::trouble::quoted;
use super::uri::{self, Place};
use crate::form::RunForm;
use crate::http::image::{Which, find};
use crate::refusal::Refusal;
use crate::runs::{Live, Owner, Runs, is_ours};
use crate::service::Service;

/// Runs on a page of the list.
const PAGE: usize = 50;

/// The latest runs of a caller: their winners and their traces. The cursor is the last run of the page before.
pub(crate) async fn list(
    desk: &Arc<Desk>,
    owner: Owner,
    cursor: Option<String>,
) -> Result<ListResourcesResult, ErrorData> {
    let (service, runs) = (Arc::clone(&desk.service), desk.service.runs().clone());
    let before = cursor.map(|cursor| place(&runs, &owner, &cursor)).transpose()?;
    let mut page = runs.names_of(&owner, before.as_ref(), PAGE + 1);
    let has_more = page.len() > PAGE;
    page.truncate(PAGE);
    let next = page.last().filter(|_| has_more).map(ToString::to_string);
    let listed = desk.desks.work(move || {
        let found = page.iter().filter_map(|run| runs.find(run.as_str(), &owner).ok());
        found.flat_map(|live| of(&service, &live)).collect()
    });
    let mut result = ListResourcesResult::with_all_items(listed.await.map_err(broken)?);
    result.next_cursor = next;
    Ok(result)
}

/// The run that a cursor names. It may have been removed since: the page goes on behind its place.
fn place(runs: &Runs, owner: &Owner, cursor: &str) -> Result<RunId, ErrorData> {
    let is_known = |id: &RunId| is_ours(id) || runs.at_hand(id.as_str(), owner).is_ok();
    let named = RunId::new(cursor).ok().filter(is_known);
    named.ok_or_else(|| ErrorData::invalid_params("the cursor is none of ours", None))
}

/// A run's winner, where there is one, and its trace. Reads files.
fn of(service: &Service, live: &Live) -> Vec<Resource> {
    let run = live.id().as_str();
    let outcome = read_outcome(live.path()).ok().flatten();
    let winner = outcome.as_ref().and_then(Outcome::winner).or_else(|| live.events().best()).map(|id| id.0);
    let picture = winner.and_then(|id| Some((id, find(service, live, Which::Candidate(id)).ok()?)));
    let picture = picture.map(|(id, image)| {
        Resource::new(uri::candidate(run, id), format!("{run}-candidate-{id}.{}", image.media().extension()))
            .with_title(format!("The best candidate of run {run}"))
            .with_description(format!("candidate {id} of run {run}, {}", image.size()))
            .with_mime_type(image.media().mime())
    });
    let trace = Resource::new(uri::trace(run), format!("{run}-trace.json"))
        .with_title(format!("The trace of run {run}"))
        .with_description(format!("how run {run} was searched: every candidate with its lineage and scores"))
        .with_mime_type("application/json");
    picture.into_iter().chain([trace]).collect()
}

/// What can be asked for by run and number.
pub(crate) fn templates() -> ListResourceTemplatesResult {
    ListResourceTemplatesResult::with_all_items(vec![
        ResourceTemplate::new(uri::CANDIDATE, "candidate")
            .with_title("A candidate's picture")
            .with_description("The picture of a candidate, as its editor made it."),
        ResourceTemplate::new(uri::SOURCE, "source")
            .with_title("A run's source")
            .with_description("The picture that a run edits."),
        ResourceTemplate::new(uri::TRACE, "trace")
            .with_title("A run's trace")
            .with_description(
                "How a run was searched: its request, every candidate with its lineage and scores, the verdict.",
            )
            .with_mime_type("application/json"),
    ])
}

/// A picture in base64, or a trace as JSON.
pub(crate) async fn read(desk: &Arc<Desk>, owner: Owner, uri: String) -> Result<ReadResourceResult, ErrorData> {
    let place = uri::read(&uri).ok_or_else(|| absent(&uri))?;
    let desk = Arc::clone(desk);
    let contents = tokio::task::spawn_blocking(move || match contents(&desk, &owner, place, &uri) {
        Err(Refusal::Absent { .. }) => Err(absent(&uri)),
        Err(refusal) => Err(broken(refusal)),
        Ok(contents) => Ok(contents),
    });
    Ok(ReadResourceResult::new(vec![contents.await.map_err(broken)??]))
}

fn contents(desk: &Desk, owner: &Owner, place: Place, uri: &str) -> Result<ResourceContents, Refusal> {
    let find_run = |run: &str| desk.service.runs().find(run, owner);
    let (live, which) = match place {
        Place::Trace(run) => return trace(&desk.service, &*find_run(&run)?, uri),
        Place::Source(run) => (find_run(&run)?, Which::Source),
        Place::Candidate(run, candidate) => (find_run(&run)?, Which::Candidate(candidate)),
    };
    let image = find(&desk.service, &live, which)?;
    let bytes = image.read().map_err(|_| Refusal::absent("picture any more", uri))?;
    Ok(ResourceContents::blob(STANDARD.encode(bytes), uri).with_mime_type(image.media().mime()))
}

fn trace(service: &Service, live: &Live, uri: &str) -> Result<ResourceContents, Refusal> {
    let record = service.record(live).ok_or_else(|| Refusal::absent("record of the run", live.id().as_str()))?;
    let text = serde_json::to_string(&RunForm::from(&*record)).map_err(Refusal::broken)?;
    Ok(ResourceContents::text(text, uri).with_mime_type("application/json"))
}

fn absent(uri: &str) -> ErrorData {
    ErrorData::resource_not_found("there is no such resource of this caller", Some(json!({"uri": quoted(uri, 200)})))
}

fn broken(error: impl std::fmt::Display) -> ErrorData {
    tracing::error!(%error, "a resource cannot be read");
    ErrorData::internal_error("the resource cannot be read", None)
}
