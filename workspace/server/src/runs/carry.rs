//! One run carried out by the engine, and what it came to.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use editscale_config::Retain;
use editscale_core::{Digest, Ending, Image, Outcome};
use editscale_engine::{RunRecord, read_run};

use super::live::{Live, State};
use super::record::EndedBy;
use super::registry::Ready;

/// Carries a run out, and hands out what it came to.
pub(crate) async fn carry_out(mut ready: Ready) -> State {
    let live = Arc::clone(&ready.live);
    live.set_state(State::Running);
    let signal = live.stopper().signal();
    let outcome = editscale_engine::run(&ready.job, &mut ready.directory, signal).await;
    let state = match outcome {
        Ok(outcome) => state_after(&live, &outcome).await,
        Err(error) => failed(&live, error.to_string()).await,
    };
    if state == State::Done {
        let (path, retain, directory) = (live.path().to_owned(), ready.retain, ready.directory);
        let tidied = tokio::task::spawn_blocking(move || {
            read_run(&path).map_err(|error| error.to_string()).and_then(|record| tidy(&record, retain, &directory))
        });
        if let Ok(Err(error)) = tidied.await {
            tracing::warn!(run = %live.id(), error, "cannot remove pictures that the recipe does not keep");
        }
    }
    tracing::info!(run = %live.id(), state = state.word(), "run ended");
    state
}

/// What a run came to that broke down, which is written down.
pub(crate) async fn failed(live: &Arc<Live>, why: String) -> State {
    let (noted, failure) = (Arc::clone(live), EndedBy::Failure(why.clone()));
    if let Err(panic) = tokio::task::spawn_blocking(move || noted.end_by(failure)).await {
        tracing::error!(run = %live.id(), %panic, "why a run failed cannot be written down");
    }
    State::Failed(why)
}

/// What a run came to that the engine ended.
async fn state_after(live: &Live, outcome: &Outcome) -> State {
    let ended = live.record().ended.clone();
    match (outcome.ending, ended) {
        (Ending::Search, _) if outcome.winner().is_some() => State::Done,
        (Ending::Search, _) => {
            let path = live.path().to_owned();
            let looked = tokio::task::spawn_blocking(move || reasons(&path));
            State::Failed(looked.await.unwrap_or_else(|panic| panic.to_string()))
        }
        (Ending::Cancelled, Some(EndedBy::Caller)) => State::Cancelled,
        (Ending::Cancelled, Some(EndedBy::Deadline)) => State::Expired,
        (Ending::Cancelled, Some(EndedBy::Failure(why))) => State::Failed(why),
        (Ending::Cancelled, None) => State::Paused,
    }
}

/// Why nothing came of the run in this folder. Reads files.
pub(crate) fn reasons(path: &Path) -> String {
    read_run(path).map_or_else(|error| error.to_string(), |record| why_in_vain(&record))
}

/// Why nothing came of a run: the first edit that failed, else the first judgement, in its own words.
fn why_in_vain(record: &RunRecord) -> String {
    let made = record.candidates.iter().filter_map(|candidate| candidate.made.as_ref());
    let edits = made.filter_map(|made| made.as_ref().err()).map(ToString::to_string);
    let said = record.candidates.iter().flat_map(|candidate| candidate.card.iter());
    let judged = said.filter_map(|(reward, said)| Some(format!("`{reward}` cannot judge: {}", said.as_ref().err()?)));
    match edits.chain(judged).next() {
        Some(why) => format!("no candidate could be made and judged: {why}"),
        None => "no candidate passed the gates".to_owned(),
    }
}

/// Removes the pictures that a recipe does not keep.
fn tidy(record: &RunRecord, retain: Retain, directory: &editscale_engine::RunDirectory) -> Result<(), String> {
    let most = match retain {
        Retain::All(_) => return Ok(()),
        Retain::Best(best) => best.count as usize,
        Retain::Winner(_) => 1,
    };
    let ranked = record.outcome.iter().flat_map(|outcome| &outcome.verdict.ranked).take(most);
    let image = |id: u32| record.candidates.get(id as usize)?.made.as_ref()?.as_ref().ok().map(|made| &made.image);
    let mut keep: HashSet<Digest> = ranked.filter_map(|ranked| image(ranked.id.0)).map(Image::digest).collect();
    let request = &record.manifest.request;
    keep.insert(request.source.digest());
    keep.extend(request.mask.as_ref().map(Image::digest));
    directory.images().retain(&keep).map_err(|error| error.to_string())
}
