//! What operators ask: whether the server lives, and whether it can work.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::caller::Caller;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(lives)).routes(routes!(ready))
}

/// That the server lives.
#[derive(Debug, Serialize, ToSchema)]
struct Lives {
    /// `ok`.
    status: &'static str,
}

/// Whether the server lives. It answers as long as it can answer anything.
#[utoipa::path(get, path = "/healthz", tag = "operations", responses((status = 200, description = "it lives", body = Lives)))]
async fn lives() -> Json<Lives> {
    Json(Lives { status: "ok" })
}

/// Whether the server can work.
#[derive(Debug, Serialize, ToSchema)]
struct Readiness {
    /// `ready` or `unready`.
    status: &'static str,
    /// What keeps it from working.
    wrong: Vec<Wrong>,
}

/// Something that keeps the server from working.
#[derive(Debug, Serialize, ToSchema)]
struct Wrong {
    /// What cannot work: `recipe/name` of an editor or reward, `runs`, `disk` or `server`.
    thing: String,
    /// Why. It is told only to callers with a key, where there are keys.
    message: Option<String>,
}

/// Whether the server can work: editors and rewards are alive, runs can be written, and it is not about to end.
///
/// Answers are kept for some seconds, so that asking often costs nothing.
#[utoipa::path(
    get, path = "/readyz", tag = "operations",
    responses(
        (status = 200, description = "it can work", body = Readiness),
        (status = 503, description = "it cannot, for these reasons", body = Readiness),
    )
)]
async fn ready(State(app): State<Arc<App>>, caller: Option<Caller>) -> Response {
    let troubles = app.service.troubles().await;
    let told = |message: &str| caller.as_ref().map(|_| message.to_owned());
    let wrong: Vec<Wrong> = troubles
        .iter()
        .map(|trouble| Wrong { thing: trouble.thing.clone(), message: told(&trouble.message) })
        .collect();
    if wrong.is_empty() {
        return Json(Readiness { status: "ready", wrong }).into_response();
    }
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, Json(Readiness { status: "unready", wrong })).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}
