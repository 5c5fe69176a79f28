//! The images API that existing clients speak: `POST /v1/images/edits`. What is asked for becomes a run like any other.

mod answer;
mod events;
mod pictures;
mod request;
mod tied;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::answer::{ImagesAnswer, over};
use self::pictures::Display;
use self::request::{EditImageRequest, Order};
use self::tied::{Tied, accept};
use super::App;
use super::caller::Caller;
use super::error::{ApiError, ErrorBody};
use super::fields::Fields;
use super::reply::StreamEvent;
use crate::refusal::Refusal;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(edit))
}

/// Edits a picture, in the way of the images API that existing clients speak.
///
/// `model` picks the recipe, which makes several candidates and keeps the best; `n` gives that many of the best that differ, fewer
/// if there are fewer. Fields that only other servers know are ignored, and named in the answer under `editscale.ignored`. The
/// fields `quality`, `moderation`, `input_fidelity`, `user` and `safety_identifier` are checked and have no effect; nor has
/// `output_compression` for formats that lose nothing.
///
/// With `stream`, the answer is a stream of events: `image_edit.partial_image` when there is a better candidate than before, at most
/// `partial_images` times, then an `image_edit.completed` for each picture, the best first; or `error`.
///
/// A client that hangs up cancels its run, unless it sent an `idempotency-key`. A run whose deadline passes answers with the best
/// so far, and `editscale.state` is `expired`.
///
/// Tokens are told as far as editors and rewards tell them. They do not say which went in and which came out: all are told as output.
#[utoipa::path(
    post, path = "/v1/images/edits", tag = "images",
    params(("idempotency-key" = Option<String>, Header, description = "under which the same request may come again; the run then goes on when the client hangs up")),
    request_body(content((EditImageRequest = "application/json"), (EditImageRequest = "multipart/form-data"))),
    responses(
        (status = 200, description = "the pictures, the best first", content((ImagesAnswer = "application/json"), (StreamEvent = "text/event-stream"))),
        (status = 400, description = "the request is wrong", body = ErrorBody),
        (status = 401, description = "no key, or one that is not known", body = ErrorBody),
        (status = 403, description = "from another site", body = ErrorBody),
        (status = 404, description = "no such model; or the pictures of an earlier request with this idempotency key are gone", body = ErrorBody),
        (status = 408, description = "the body did not arrive in time", body = ErrorBody),
        (status = 409, description = "the run was cancelled, or the idempotency key was used for something else", body = ErrorBody),
        (status = 413, description = "too large", body = ErrorBody),
        (status = 415, description = "neither JSON nor a form", body = ErrorBody),
        (status = 422, description = "the run ended, or its deadline passed, without a picture", body = ErrorBody),
        (status = 429, description = "the queue is full", body = ErrorBody),
        (status = 503, description = "the server is shutting down", body = ErrorBody),
    )
)]
async fn edit(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, ApiError> {
    let Order { wish, display, partials } = Order::read(fields, caller, &headers)?.keeping_enough(&app.service)?;
    let tied = accept(&app.service, wish).await?;
    let shown = Display { service: Arc::clone(&app.service), live: Arc::clone(tied.live()), wanted: display };
    match partials {
        Some(most) => Ok(events::stream(tied, shown, most).into_response()),
        None => whole(tied, shown).await,
    }
}

/// The answer in one piece, once the run has ended.
async fn whole(tied: Tied, display: Display) -> Result<Response, ApiError> {
    let state = over(tied.live().ended().await)?;
    let service = Arc::clone(&display.service);
    let told = service.beside(move || {
        let answer = ImagesAnswer::new(&display, &state)?;
        // Megabytes of base64 are written here, beside the runtime's threads.
        serde_json::to_vec(&answer).map_err(Refusal::broken)
    });
    let body = told.await??;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}
