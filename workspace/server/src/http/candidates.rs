//! Pictures of a run, looked at: its source and its candidates, and the one that a person picked.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::caller::Caller;
use super::error::{ApiError, ErrorBody};
use super::image::{Which, find};
use super::parts::{Path, Query};
use super::runs::RunStatus;
use super::thumbnail::{PictureQuery, queried};
use crate::refusal::Refusal;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(candidate_image)).routes(routes!(source_image)).routes(routes!(pick))
}

/// A candidate's picture. `best` is the best so far.
#[utoipa::path(
    get, path = "/v1/runs/{id}/candidates/{candidate}/image", tag = "runs",
    params(
        ("id" = String, Path, description = "the run"),
        ("candidate" = String, Path, description = "the candidate's number, or `best`"),
        PictureQuery,
    ),
    responses(
        (status = 200, description = "the picture", content((Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/webp"))),
        (status = 400, description = "no such format or width", body = ErrorBody),
        (status = 401, description = "no key, or one that is not known", body = ErrorBody),
        (status = 403, description = "from another site", body = ErrorBody),
        (status = 404, description = "no such run or picture of this caller", body = ErrorBody),
    )
)]
async fn candidate_image(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((id, candidate)): Path<(String, String)>,
    Query(query): Query<PictureQuery>,
) -> Result<Response, ApiError> {
    let live = app.service.run(&id, &caller.0).await?;
    let which = match candidate.as_str() {
        "best" => Which::Best,
        number => Which::Candidate(number.parse().map_err(|_| Refusal::absent("candidate", number))?),
    };
    let mut response = queried(&app.service, live, which, &query).await?.into_response();
    if which == Which::Best {
        // There may be a better one soon, or another may be chosen in the end.
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
    Ok(response)
}

/// The picture that a run edits.
#[utoipa::path(
    get, path = "/v1/runs/{id}/source", tag = "runs",
    params(("id" = String, Path, description = "the run"), PictureQuery),
    responses(
        (status = 200, description = "the picture", content((Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/webp"))),
        (status = 400, description = "no such format or width", body = ErrorBody),
        (status = 401, description = "no key, or one that is not known", body = ErrorBody),
        (status = 403, description = "from another site", body = ErrorBody),
        (status = 404, description = "no such run of this caller", body = ErrorBody),
    )
)]
async fn source_image(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<PictureQuery>,
) -> Result<Response, ApiError> {
    let live = app.service.run(&id, &caller.0).await?;
    Ok(queried(&app.service, live, Which::Source, &query).await?.into_response())
}

/// Which candidate a person thinks is best.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Pick {
    /// The candidate.
    candidate: u32,
}

/// Notes which candidate a person thinks is best. Scores and verdict stay as they are.
#[utoipa::path(
    put, path = "/v1/runs/{id}/picked", tag = "runs", params(("id" = String, Path, description = "the run")),
    request_body = Pick,
    responses(
        (status = 200, body = RunStatus),
        (status = 400, description = "the body is wrong", body = ErrorBody),
        (status = 401, description = "no key, or one that is not known", body = ErrorBody),
        (status = 403, description = "from another site", body = ErrorBody),
        (status = 404, description = "no such run or candidate of this caller", body = ErrorBody),
        (status = 413, description = "too large", body = ErrorBody),
        (status = 415, description = "no JSON", body = ErrorBody),
        (status = 422, description = "the body has other fields", body = ErrorBody),
    )
)]
async fn pick(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    body: Result<Json<Pick>, axum::extract::rejection::JsonRejection>,
) -> Result<Json<RunStatus>, ApiError> {
    let live = app.service.run(&id, &caller.0).await?;
    let Json(Pick { candidate }) = body?;
    let (service, picked) = (Arc::clone(&app.service), Arc::clone(&live));
    let noted = tokio::task::spawn_blocking(move || {
        find(&service, &picked, Which::Candidate(candidate))?;
        picked.record().picked = Some(candidate);
        picked.keep();
        Ok::<_, Refusal>(())
    });
    noted.await.map_err(Refusal::broken)??;
    Ok(Json(RunStatus::of(&live)))
}
