//! `POST /` as `flow_grpo`'s reward servers have it: a pickled dict with lists of pictures and instructions, answered by a
//! pickled dict with a list of numbers.
//!
//! Source: `yifan123/flow_grpo` at commit ac4c86e8, `flow_grpo/rewards.py` (the clients: `images`, `prompts`, `outputs`; what
//! is status 500 is tried again) and `yifan123/reward-server` at commit 92ac29f, `app_deqa.py` (status 500 with text). These
//! servers score pictures that were made from nothing; for edits this one reads a third list, `source_images`.
//!
//! Pickles are read as data and never run: see [`editscale_pickle`].

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use editscale_pickle::Pickled;

use super::form::MOST_ITEMS;
use super::pairs::{Desk, Item, Pair, Sent};
use super::{answers, check_open, computed, items, limits};
use crate::batching::Answer;
use crate::http::App;
use crate::http::caller::Caller;
use crate::http::error::{ApiError, ErrorBody, no_method};
use crate::refusal::Refusal;
use crate::service::Service;

/// Under which the pictures are that were edited.
const SOURCES: &str = "source_images";

/// Why there is no answer in pickles.
enum Trouble {
    /// What was sent or scored is at fault: these servers know one status for it.
    Text(String),
    /// There is no room, or the server ends: clients are told when to come again.
    Refused(Refusal),
}

impl From<String> for Trouble {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Busy { .. } | Refusal::Closing => Self::Refused(refusal),
            other => Self::Text(other.to_string()),
        }
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        match self {
            Self::Text(text) => {
                let media = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
                (StatusCode::INTERNAL_SERVER_ERROR, media, text).into_response()
            }
            Self::Refused(refusal) => ApiError::from(refusal).into_response(),
        }
    }
}

/// A list of the dict.
fn list<'a>(asked: &'a Pickled, key: &str) -> Result<&'a [Pickled], String> {
    let expected = |found: &str| format!("expected a dict with a list under `{key}`, found {found}");
    let value = asked.get(key).ok_or_else(|| match asked {
        Pickled::Dict(_) => expected("none"),
        other => expected(other.kind()),
    })?;
    value.items().ok_or_else(|| expected(value.kind()))
}

/// What is asked: a picture, a source and an instruction at each place.
fn pairs(asked: &Pickled) -> Result<Vec<Pair<'_>>, String> {
    let (images, prompts) = (list(asked, "images")?, list(asked, "prompts")?);
    if asked.get(SOURCES).is_none() {
        return Err(format!("an edit is scored against its source: expected a list of pictures under `{SOURCES}`"));
    }
    let sources = list(asked, SOURCES)?;
    if images.len() != prompts.len() || images.len() != sources.len() || images.len() > MOST_ITEMS {
        let found =
            format!("found {} `images`, {} `prompts`, {} `{SOURCES}`", images.len(), prompts.len(), sources.len());
        return Err(format!("expected lists of the same length of at most {MOST_ITEMS}, {found}"));
    }
    let places = images.iter().zip(prompts).zip(sources);
    places.map(|((image, prompt), source)| pair(image, prompt, source)).collect()
}

fn pair<'a>(image: &'a Pickled, prompt: &'a Pickled, source: &'a Pickled) -> Result<Pair<'a>, String> {
    let Pickled::Text(prompt) = prompt else {
        return Err(format!("expected texts under `prompts`, found {}", prompt.kind()));
    };
    Ok(Pair { instruction: Cow::from(prompt), source: file(source, SOURCES)?, candidate: file(image, "images")? })
}

fn file<'a>(value: &'a Pickled, key: &str) -> Result<Sent<'a>, String> {
    match value {
        Pickled::Bytes(bytes) => Ok(Sent::File(bytes)),
        other => Err(format!("expected the bytes of files under `{key}`, found {}", other.kind())),
    }
}

/// The reward that a request names; nothing where it names none.
fn named(asked: &Pickled) -> Result<Option<String>, String> {
    match asked.get("reward") {
        None | Some(Pickled::None) => Ok(None),
        Some(Pickled::Text(name)) => Ok(Some(name.clone())),
        Some(other) => Err(format!("expected a str under `reward`, found {}", other.kind())),
    }
}

/// The reward that is meant, and the items for it.
fn read(service: &Service, body: &[u8]) -> Result<(Option<String>, Vec<Item>), Trouble> {
    let asked = editscale_pickle::read(body).map_err(|error| error.to_string())?;
    let (reward, pairs) = (named(&asked)?, pairs(&asked)?);
    let scorer = service.reward(reward.as_deref())?;
    let items = items(scorer, &pairs, &mut Desk::new(&limits(service)))?;
    Ok((reward, items))
}

/// All scores; these servers have no way to say that one of them is not there.
fn outputs(answers: &[Answer]) -> Result<Vec<u8>, String> {
    let output = |(place, answer): (usize, &Answer)| match answer {
        Ok(judgement) => Ok(Pickled::Float(judgement.score.mean())),
        Err(failure) => Err(format!("`images[{place}]` has no score: {failure}")),
    };
    let outputs = answers.iter().enumerate().map(output).collect::<Result<_, String>>()?;
    let answer = Pickled::Dict(vec![(Pickled::text("outputs"), Pickled::List(outputs))]);
    editscale_pickle::write(&answer).map_err(|error| error.to_string())
}

async fn answer(app: &App, body: Bytes) -> Result<Vec<u8>, Trouble> {
    let service = Arc::clone(&app.service);
    let (reward, items) = computed(&app.service, body.len(), move || read(&service, &body)).await??;
    let scorer = app.service.reward(reward.as_deref())?;
    Ok(outputs(&answers(scorer, items).await?)?)
}

/// Scores candidates in pickles, for trainers that know `flow_grpo`'s reward servers. Switched off unless the server was
/// started with it.
///
/// A pickled dict: `images`, `source_images` (lists of files as bytes), `prompts` (a list of texts), and `reward` where the
/// first one is not meant. The answer is a pickled dict with a list of numbers under `outputs`.
#[utoipa::path(
    post, path = "/", tag = "scores",
    request_body(content((Vec<u8> = "application/octet-stream"))),
    responses(
        (status = 200, description = "a pickled dict with `outputs`", content_type = "application/octet-stream", body = Vec<u8>),
        (status = 401, description = "no key, or one that is not known", body = ErrorBody),
        (status = 403, description = "from another site", body = ErrorBody),
        (status = 405, description = "this server speaks no pickles", body = ErrorBody),
        (status = 413, description = "too large", body = ErrorBody),
        (status = 429, description = "too much waits at this reward", body = ErrorBody),
        (status = 500, description = "what was sent is at fault, or has no score", content_type = "text/plain", body = String),
        (status = 503, description = "the server is shutting down", body = ErrorBody),
    )
)]
pub(super) async fn score(State(app): State<Arc<App>>, _: Caller, request: Request) -> Result<Response, ApiError> {
    if !app.service.settings().pickles {
        return Err(no_method(request.method().clone(), request.uri().clone()).await);
    }
    check_open(&app.service)?;
    let body = Bytes::from_request(request, &()).await?;
    Ok(match answer(&app, body).await {
        Ok(bytes) => ([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response(),
        Err(trouble) => trouble.into_response(),
    })
}
