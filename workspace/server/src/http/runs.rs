//! Runs: asked for, followed, cancelled, gone on from.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use editscale_core::ImageSize;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::caller::Caller;
use super::error::{ApiError, ErrorBody};
use super::fields::{Fields, from_data_url, size_of};
use super::parts::{Path, Query};
use super::reply;
use crate::form::RunForm;
use crate::refusal::Refusal;
use crate::runs::{Idempotency, Live, State as RunState};
use crate::service::Service;
use crate::wish::{MaskRule, Picture, Wish};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(begin, list))
        .routes(routes!(show, cancel))
        .routes(routes!(events))
        .routes(routes!(trace))
}

/// Where a run stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RunStatus {
    /// Its name.
    pub(crate) id: String,
    /// `queued`, `running`, `done`, `failed`, `cancelled`, `expired` (its deadline passed) or `paused` (it goes on when the
    /// server is started again).
    pub(crate) state: &'static str,
    /// Why it failed.
    pub(crate) message: Option<String>,
    /// The recipe.
    pub(crate) recipe: String,
    /// What was asked for.
    pub(crate) instruction: String,
    /// The candidate of an earlier run that this one goes on from, as `RUN:CANDIDATE`.
    pub(crate) continues: Option<String>,
    /// Seconds since 1970 at which it was accepted.
    pub(crate) created: u64,
    /// The best candidate so far; at the end, the chosen one.
    pub(crate) best: Option<u32>,
    /// The candidate that a person picked.
    pub(crate) picked: Option<u32>,
}

impl RunStatus {
    pub(crate) fn of(live: &Live) -> Self {
        let state = live.state();
        Self {
            id: live.id().to_string(),
            state: state.word(),
            message: if let RunState::Failed(why) = &state { Some(why.clone()) } else { None },
            recipe: live.recipe(),
            instruction: live.instruction(),
            continues: live.continues(),
            created: live.accepted(),
            best: live.events().best().map(|id| id.0),
            picked: live.picked(),
        }
    }
}

/// A run, and all that is known of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RunDetail {
    #[serde(flatten)]
    status: RunStatus,
    /// Its trace so far; nothing where its folder was damaged or removed.
    trace: Option<RunForm>,
}

/// A small picture, for whoever tries the document out.
const EXAMPLE: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mM4UWGDFTEMLQkAQfNfASkqKa0AAAAASUVORK5CYII=";

/// What to edit and how; as JSON, or as a form whose `image` and `mask` are files and whose other fields are texts.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = RunRequest, example = json!({"image": EXAMPLE, "instruction": "make it warmer"}))]
#[expect(dead_code, reason = "it is read field by field, for messages that say which one is wrong")]
pub(crate) struct RunRequest {
    /// A picture as a data URL.
    image: Option<String>,
    /// A candidate of an earlier run, to go on from, in place of `image`.
    from: Option<FromForm>,
    /// What to do to it.
    instruction: String,
    /// The recipe's name; the first one where it is not said.
    recipe: Option<String>,
    /// A picture of the source's size as a data URL: white is where to edit.
    mask: Option<String>,
    /// `WIDTHxHEIGHT` in pixels.
    size: Option<String>,
    /// The root of all seeds; 0 where it is not said.
    seed: Option<u64>,
    /// What the run may spend, in the words of recipes; never more than its recipe allows.
    budget: Option<Value>,
    /// Another search than the recipe's, in the words of recipes.
    search: Option<Value>,
    /// Another rule to stop by than the recipe's, in the words of recipes.
    stop: Option<Value>,
    /// How many seconds it may take, waiting included.
    deadline_secs: Option<f64>,
}

/// A candidate of an earlier run.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub(crate) struct FromForm {
    /// The run.
    run: String,
    /// The candidate.
    candidate: u32,
}

/// A size such as `1024x768`.
pub(crate) fn size(text: &str) -> Result<ImageSize, ApiError> {
    size_of(text).ok_or_else(|| {
        let found: String = text.chars().take(40).collect();
        ApiError::invalid("size", format!("`{found}`: expected WIDTHxHEIGHT in pixels, as in 1024x768"))
    })
}

/// How long something may take; what is beyond all time is as long as the server allows.
pub(crate) fn seconds(param: &'static str, secs: f64) -> Result<Duration, ApiError> {
    if secs > 0.0 {
        return Ok(Duration::try_from_secs_f64(secs).unwrap_or(Duration::MAX));
    }
    Err(ApiError::invalid(param, format!("`{param}`: expected seconds above 0, found {secs}")))
}

/// The sections of a recipe that a request has others for.
pub(crate) fn sections(fields: &mut Fields) -> Result<Vec<(&'static str, Value)>, ApiError> {
    let mut sections = Vec::new();
    for name in ["search", "stop", "budget"] {
        if let Some(value) = fields.object(name)? {
            sections.push((name, value));
        }
    }
    Ok(sections)
}

/// The picture of a field: a file of a form, or a data URL.
pub(crate) fn file(fields: &mut Fields, name: &'static str) -> Result<Option<super::fields::File>, ApiError> {
    let mut files = fields.files_of(name);
    if files.len() > 1 {
        return Err(ApiError::invalid(name, format!("`{name}`: expected one picture, found {}", files.len())));
    }
    match files.pop() {
        Some(file) => Ok(Some(file)),
        None => fields.text(name)?.map(|text| from_data_url(name, &text)).transpose(),
    }
}

/// The key under which a request may come again.
pub(crate) fn idempotency(headers: &HeaderMap, wish: &Wish) -> Result<Option<Idempotency>, ApiError> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let key = key.to_str().ok().filter(|key| (1..=255).contains(&key.len()));
    let bad = || ApiError::invalid("idempotency-key", "expected 1 to 255 characters of ASCII as idempotency key");
    Ok(Some(Idempotency { key: key.ok_or_else(bad)?.to_owned(), digest: wish.digest() }))
}

fn wish(mut fields: Fields, caller: Caller, headers: &HeaderMap) -> Result<Wish, ApiError> {
    let from = fields.object("from")?;
    let source = match (file(&mut fields, "image")?, from) {
        (Some(file), None) => Picture::File { name: file.name, bytes: file.bytes },
        (None, Some(from)) => {
            let from: FromForm = serde_json::from_value(from)
                .map_err(|error| ApiError::invalid("from", format!("expected `run` and `candidate`: {error}")))?;
            Picture::Candidate { run: from.run, id: from.candidate }
        }
        _ => return Err(ApiError::invalid("image", "expected either `image` or `from`")),
    };
    let instruction = fields.text("instruction")?.ok_or_else(|| {
        ApiError::invalid("instruction", "`instruction` is missing: say what to change, for example \"make it warmer\"")
    })?;
    let mut wish = Wish {
        recipe: fields.text("recipe")?,
        source,
        instruction,
        mask: file(&mut fields, "mask")?.map(|file| (file.bytes, MaskRule::White)),
        size: fields.text("size")?.map(|text| size(&text)).transpose()?,
        seed: fields.whole("seed")?,
        sections: sections(&mut fields)?,
        deadline: fields.number("deadline_secs")?.map(|secs| seconds("deadline_secs", secs)).transpose()?,
        owner: caller.0,
        idempotency: None,
        tied: false,
    };
    fields.check_all_taken()?;
    wish.idempotency = idempotency(headers, &wish)?;
    Ok(wish)
}

/// Begins a run and answers at once.
///
/// It is on disk when the answer comes: it outlives a kill of the server. With an `idempotency-key`, a request that comes
/// again gets the run that it got before.
#[utoipa::path(
    post, path = "/v1/runs", tag = "runs",
    params(("idempotency-key" = Option<String>, Header, description = "under which the same request may come again")),
    request_body(content((RunRequest = "application/json"), (RunRequest = "multipart/form-data"))),
    responses(
        (status = 202, description = "accepted", body = RunStatus),
        (status = 400, description = "the request is wrong", body = ErrorBody),
        (status = 401, description = "no key, or one that is not known", body = ErrorBody),
        (status = 403, description = "from another site", body = ErrorBody),
        (status = 404, description = "no such recipe, run or candidate", body = ErrorBody),
        (status = 409, description = "the idempotency key was used for something else", body = ErrorBody),
        (status = 413, description = "too large", body = ErrorBody),
        (status = 415, description = "neither JSON nor a form", body = ErrorBody),
        (status = 429, description = "the queue is full", body = ErrorBody),
        (status = 503, description = "the server is shutting down", body = ErrorBody),
    )
)]
async fn begin(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, ApiError> {
    let live = app.service.accept(wish(fields, caller, &headers)?).await.map_err(in_our_words)?;
    Ok((StatusCode::ACCEPTED, Json(RunStatus::of(&live))).into_response())
}

/// The images API calls some fields otherwise.
fn in_our_words(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Invalid { param: "prompt", message } => Refusal::Invalid { param: "instruction", message },
        other => other,
    }
}

/// How many.
#[derive(Debug, Deserialize, IntoParams)]
struct ListQuery {
    /// At most this many; 50 where it is not said, 1000 at most.
    limit: Option<u16>,
}

/// Runs of one caller.
#[derive(Debug, Serialize, ToSchema)]
struct RunList {
    /// The latest first.
    data: Vec<RunStatus>,
}

/// The caller's runs, the latest first.
#[utoipa::path(
    get, path = "/v1/runs", tag = "runs", params(ListQuery),
    responses(
        (status = 200, body = RunList),
        (status = 400, description = "the query is wrong", body = ErrorBody),
        (status = 401, description = "no key, or one that is not known", body = ErrorBody),
        (status = 403, description = "from another site", body = ErrorBody),
    )
)]
async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<RunList>, ApiError> {
    let most = usize::from(query.limit.unwrap_or(50)).min(1000);
    let runs = app.service.runs().clone();
    // Those that ended long ago are read from their folders.
    let listed = move || runs.of(&caller.0, most).iter().map(|live| RunStatus::of(live)).collect();
    let data = app.service.beside(listed).await?;
    Ok(Json(RunList { data }))
}

/// Reads a run's record beside the runtime's threads.
async fn record(service: &Arc<Service>, live: &Arc<Live>) -> Result<RunForm, Refusal> {
    let (service, live) = (Arc::clone(service), Arc::clone(live));
    let read = tokio::task::spawn_blocking(move || {
        let record = service.record(&live).ok_or_else(|| Refusal::absent("trace of the run", live.id().as_str()))?;
        Ok(RunForm::from(&*record))
    });
    read.await.map_err(Refusal::broken)?
}

/// Where a run stands, and its trace so far.
#[utoipa::path(
    get, path = "/v1/runs/{id}", tag = "runs", params(("id" = String, Path, description = "the run")),
    responses(
        (status = 200, body = RunDetail),
        (status = 401, description = "no key, or one that is not known", body = ErrorBody),
        (status = 403, description = "from another site", body = ErrorBody),
        (status = 404, description = "no such run of this caller", body = ErrorBody),
    )
)]
async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<RunDetail>, ApiError> {
    let live = app.service.run(&id, &caller.0).await?;
    let trace = record(&app.service, &live).await.ok();
    let mut status = RunStatus::of(&live);
    status.best = status.best.or(trace.as_ref().and_then(|trace| trace.winner));
    Ok(Json(RunDetail { status, trace }))
}

/// Cancels a run. What was made until then stays.
#[utoipa::path(
    delete, path = "/v1/runs/{id}", tag = "runs", params(("id" = String, Path, description = "the run")),
    responses(
        (status = 200, description = "where it stands; one that is at work ends within moments", body = RunStatus),
        (status = 401, description = "no key, or one that is not known", body = ErrorBody),
        (status = 403, description = "from another site", body = ErrorBody),
        (status = 404, description = "no such run of this caller", body = ErrorBody),
    )
)]
async fn cancel(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<RunStatus>, ApiError> {
    let live = app.service.run(&id, &caller.0).await?;
    app.service.cancel(&live).await?;
    Ok(Json(RunStatus::of(&live)))
}

/// What happens in a run, as server-sent events.
///
/// `started`, `proposed`, `editing`, `step`, `edited`, `scored`, `critiqued`, `rewritten`, `failed`, `best`, `ended`; each has a number
/// as its id, from which a client that was cut off goes on with `Last-Event-ID`. Steps are not told any more once the run has ended, and
/// a run of an earlier life of the server that has ended tells `ended` alone: its trace has the rest.
#[utoipa::path(
    get, path = "/v1/runs/{id}/events", tag = "runs",
    params(
        ("id" = String, Path, description = "the run"),
        ("last-event-id" = Option<String>, Header, description = "the number of the last event that was seen"),
    ),
    responses(
        (status = 200, description = "events", content_type = "text/event-stream", body = reply::StreamEvent),
        (status = 400, description = "the number is none", body = ErrorBody),
        (status = 401, description = "no key, or one that is not known", body = ErrorBody),
        (status = 403, description = "from another site", body = ErrorBody),
        (status = 404, description = "no such run of this caller", body = ErrorBody),
    )
)]
async fn events(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let live = app.service.run(&id, &caller.0).await?;
    let from = match headers.get("last-event-id") {
        None => 0,
        Some(value) => {
            let number = value.to_str().ok().and_then(|text| text.parse::<u32>().ok());
            let bad = || ApiError::invalid("last-event-id", "`last-event-id`: expected the number of an event");
            let next = number.ok_or_else(bad)? as usize + 1;
            // More than there are were seen in an earlier life of the server: what happened in this one is all new.
            if next > live.events().count() { 0 } else { next }
        }
    };
    Ok(reply::events(app.service.runs().clone(), live, from).into_response())
}

/// A run's trace: every candidate with its lineage and scores, the verdict, what was spent, the recipe.
#[utoipa::path(
    get, path = "/v1/runs/{id}/trace", tag = "runs", params(("id" = String, Path, description = "the run")),
    responses(
        (status = 200, body = RunForm),
        (status = 401, description = "no key, or one that is not known", body = ErrorBody),
        (status = 403, description = "from another site", body = ErrorBody),
        (status = 404, description = "no such run of this caller", body = ErrorBody),
    )
)]
async fn trace(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>) -> Result<Json<RunForm>, ApiError> {
    let live = app.service.run(&id, &caller.0).await?;
    Ok(Json(record(&app.service, &live).await?))
}
