//! What Prometheus asks.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::caller::Caller;
use super::error::ApiError;
use crate::refusal::Refusal;
use crate::telemetry::MEDIA;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// Figures for Prometheus: requests, queue, runs, what was spent, how scores are distributed.
#[utoipa::path(
    get, path = "/metrics", tag = "operations",
    responses((status = 200, description = "figures", content_type = "text/plain", body = String))
)]
async fn metrics(State(app): State<Arc<App>>, _: Caller) -> Result<Response, ApiError> {
    let text = app.service.telemetry().render(app.service.runs().load()).map_err(Refusal::broken)?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA))], text).into_response())
}
