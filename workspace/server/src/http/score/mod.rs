//! Rewards as a scoring service: in our own shape, in that of `UniRL`, and, where it is switched on, in that of `flow_grpo`.

mod body;
mod form;
mod pairs;
mod pickled;
mod unirl;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use editscale_picture::Limits;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::body::Body;
use self::form::{ItemReply, RewardInfo, RewardList, RewardReply, ScoreReply, ScoreRequest};
use self::pairs::{Desk, Item, Pair};
use super::App;
use super::caller::Caller;
use super::error::{ApiError, ErrorBody};
use crate::batching::Answer;
use crate::refusal::Refusal;
use crate::rewards::Scorer;
use crate::service::Service;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(score))
        .routes(routes!(rewards))
        .routes(routes!(unirl::score))
        .routes(routes!(pickled::score))
}

/// Less than this is read where it arrives: it takes tens of microseconds, about as long as to hand it to another thread.
const SMALL_BYTES: usize = 64 << 10;

/// Does what takes a processor's time over so many bytes, where it keeps nobody from being answered.
async fn computed<T: Send + 'static>(
    service: &Service,
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    if bytes <= SMALL_BYTES { Ok(work()) } else { service.beside(work).await }
}

/// Refuses work that would not be done any more, before its body is read.
fn check_open(service: &Service) -> Result<(), Refusal> {
    if service.runs().is_closing() { Err(Refusal::Closing) } else { Ok(()) }
}

fn limits(service: &Service) -> Limits {
    let settings = service.settings();
    Limits { pixels: settings.pixels, bytes: settings.body_bytes as u64, ..Limits::default() }
}

/// Items of these pairs, if there is room for them.
fn items(scorer: &Scorer, pairs: &[Pair<'_>], desk: &mut Desk<'_>) -> Result<Vec<Item>, Refusal> {
    // What cannot be taken is refused before its pictures are looked at.
    scorer.check_room(pairs.len())?;
    Ok(desk.items(pairs))
}

/// One answer an item: what cannot be scored is not asked about.
async fn answers(scorer: &Scorer, items: Vec<Item>) -> Result<Vec<Answer>, Refusal> {
    let good = items.iter().flatten().cloned().collect();
    let mut said = scorer.ask(good).await?.into_iter();
    let missing = || Refusal::broken("a scoring was not answered");
    items.into_iter().map(|item| item.map_or_else(|why| Ok(Err(why)), |_| said.next().ok_or_else(missing))).collect()
}

/// What is asked, with the pictures read.
struct Read {
    reward: Option<String>,
    items: Vec<Item>,
}

fn read(service: &Service, body: &Body) -> Result<Read, ApiError> {
    let question = body.question()?;
    let scorer = service.reward(question.reward.as_deref())?;
    let items = items(scorer, &question.pairs, &mut Desk::new(&limits(service)))?;
    Ok(Read { reward: question.reward, items })
}

/// Scores candidates.
///
/// What is asked for by several callers is scored together, that of one source side by side. An item that fails does not
/// fail the others. Whoever hangs up is not worked for any longer.
#[utoipa::path(
    post, path = "/v1/score", tag = "scores",
    request_body(content((ScoreRequest = "application/json"), (ScoreRequest = "multipart/form-data"))),
    responses(
        (status = 200, description = "an answer for each item, in order", body = ScoreReply),
        (status = 400, description = "the request is wrong", body = ErrorBody),
        (status = 401, description = "no key, or one that is not known", body = ErrorBody),
        (status = 403, description = "from another site", body = ErrorBody),
        (status = 404, description = "no such reward", body = ErrorBody),
        (status = 413, description = "too large", body = ErrorBody),
        (status = 415, description = "neither JSON nor a form", body = ErrorBody),
        (status = 429, description = "too much waits at this reward", body = ErrorBody),
        (status = 503, description = "the server is shutting down", body = ErrorBody),
    )
)]
async fn score(State(app): State<Arc<App>>, _: Caller, request: Request) -> Result<Json<ScoreReply>, ApiError> {
    check_open(&app.service)?;
    let body = Body::of(request).await?;
    let service = Arc::clone(&app.service);
    let Read { reward, items } = computed(&app.service, body.len(), move || read(&service, &body)).await??;
    let scorer = app.service.reward(reward.as_deref())?;
    let scores = answers(scorer, items).await?.iter().map(ItemReply::from).collect();
    Ok(Json(ScoreReply { scores, reward: RewardReply::of(scorer, reward) }))
}

/// The rewards that can be asked, the usual one first.
#[utoipa::path(
    get, path = "/v1/rewards", tag = "scores",
    responses(
        (status = 200, body = RewardList),
        (status = 401, description = "no key, or one that is not known", body = ErrorBody),
        (status = 403, description = "from another site", body = ErrorBody),
    )
)]
async fn rewards(State(app): State<Arc<App>>, _: Caller) -> Json<RewardList> {
    Json(RewardList { data: app.service.rewards().iter().map(RewardInfo::from).collect() })
}
