//! What the page asks for: items, pictures, verdicts.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use editscale_picture::thumbnail;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Desk;
use crate::review::log::{ReviewError, check};
use crate::review::pictures::Which;
use crate::review::verdict::{Said, VERSION, Verdict};

/// Longer edges of pictures that can be asked for.
const EDGES: std::ops::RangeInclusive<u32> = 16..=2048;

/// The longest name of a reviewer, in characters.
const LONGEST_NAME: usize = 64;

/// Something that was not done.
pub(super) struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

impl From<ReviewError> for Refusal {
    fn from(error: ReviewError) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

/// All items, and whose verdicts they are where nobody says a name.
pub(super) async fn items(State(desk): State<Arc<Desk>>) -> Json<serde_json::Value> {
    Json(json!({"title": desk.settings.title, "who": desk.settings.who, "items": desk.items}))
}

/// From which verdict on.
#[derive(Debug, Deserialize)]
pub(super) struct Since {
    #[serde(default)]
    since: usize,
}

/// Verdicts from a number on, and the number to ask from next time.
#[derive(Debug, Serialize)]
pub(super) struct Verdicts {
    next: usize,
    verdicts: Vec<Verdict>,
}

/// Verdicts, those of other reviewers too.
pub(super) async fn verdicts(
    State(desk): State<Arc<Desk>>,
    Query(Since { since }): Query<Since>,
) -> Result<Json<Verdicts>, Refusal> {
    let told = tokio::task::spawn_blocking(move || {
        let mut log = desk.log();
        log.catch_up()?;
        let all = log.reviews().verdicts();
        Ok::<_, ReviewError>(Verdicts { next: all.len(), verdicts: all.get(since..).unwrap_or_default().to_vec() })
    });
    Ok(Json(told.await.map_err(broken)??))
}

fn broken(error: impl std::fmt::Display) -> Refusal {
    Refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

/// What the page says when a person has decided.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Decided {
    row: u64,
    candidate: u32,
    verdict: Said,
    than: Option<u32>,
    who: Option<String>,
}

/// Takes a verdict down; it is on disk before this answers.
pub(super) async fn say(
    State(desk): State<Arc<Desk>>,
    decided: Result<Json<Decided>, JsonRejection>,
) -> Result<Json<Verdict>, Refusal> {
    let Json(decided) = decided.map_err(|rejection| Refusal(rejection.status(), rejection.body_text()))?;
    let verdict = verdict(&desk, &decided)?;
    let written = tokio::task::spawn_blocking(move || {
        desk.log().append(&verdict)?;
        Ok::<_, ReviewError>(verdict)
    });
    Ok(Json(written.await.map_err(broken)??))
}

fn verdict(desk: &Desk, decided: &Decided) -> Result<Verdict, Refusal> {
    let invalid = |words: String| Refusal(StatusCode::UNPROCESSABLE_ENTITY, words);
    let (row, candidate) = (decided.row, decided.candidate);
    let all = std::iter::once(candidate).chain(decided.than);
    if let Some(absent) = all.into_iter().find(|candidate| desk.item(row, *candidate).is_none()) {
        return Err(invalid(format!("edited picture {absent} of row {row} is not in this review")));
    }
    let who = decided.who.as_deref().map(str::trim).filter(|who| !who.is_empty()).unwrap_or(&desk.settings.who);
    let who: String = who.chars().filter(|character| !character.is_control()).take(LONGEST_NAME).collect();
    let when = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let verdict = Verdict { version: VERSION, row, candidate, verdict: decided.verdict, than: decided.than, who, when };
    check(&verdict).map_err(invalid)?;
    Ok(verdict)
}

/// How large a picture is wanted.
#[derive(Debug, Deserialize)]
pub(super) struct Edge {
    #[serde(default = "usual_edge")]
    edge: u32,
}

fn usual_edge() -> u32 {
    1024
}

/// A copy of a picture in JPEG, made of pixels: whatever the file holds, a browser sees a picture.
pub(super) async fn picture(
    State(desk): State<Arc<Desk>>,
    Path((row, candidate, which)): Path<(u64, u32, String)>,
    Query(Edge { edge }): Query<Edge>,
) -> Result<Response, Refusal> {
    let absent = |words: &str| Refusal(StatusCode::NOT_FOUND, words.to_owned());
    let which = match which.as_str() {
        "source" => Which::Source,
        "edited" => Which::Edited(candidate),
        _ => return Err(absent("expected `source` or `edited`")),
    };
    let item = desk.item(row, candidate).ok_or_else(|| absent("it is not in this review"))?;
    let _place = desk.room.acquire().await.map_err(broken)?;
    let bytes = desk.pictures.picture(&item.place, row, which).await.map_err(|why| absent(&why))?;
    let edge = edge.clamp(*EDGES.start(), *EDGES.end());
    let copy = tokio::task::spawn_blocking(move || thumbnail(&bytes, edge)).await.map_err(broken)?;
    let copy = copy.ok_or_else(|| absent("the picture cannot be read"))?;
    Ok(([(header::CONTENT_TYPE, "image/jpeg")], Body::from(copy.jpeg)).into_response())
}
