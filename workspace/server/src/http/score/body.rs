//! What a scoring request sends: JSON, or a form with the files beside the list of items.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{StatusCode, header};
use serde::Deserialize;

use super::form::{Asked, AskedItem, Items, MOST_ITEMS, Text};
use super::pairs::{Pair, Sent};
use crate::http::error::ApiError;
use crate::http::slim;

/// The most parts of a form: two files an item, the list and the name.
const MOST_PARTS: usize = 2 * MOST_ITEMS + 2;

/// The bytes of a request, not looked at yet.
#[derive(Debug)]
pub(super) enum Body {
    Json(Bytes),
    Form(Form),
}

/// The files of a form by their parts' names.
type Files = BTreeMap<String, Bytes>;

/// The parts of a form.
#[derive(Debug, Default)]
pub(super) struct Form {
    reward: Option<String>,
    items: Option<Bytes>,
    files: Files,
}

/// What is asked for.
#[derive(Debug)]
pub(super) struct Question<'a> {
    pub(super) reward: Option<String>,
    pub(super) pairs: Vec<Pair<'a>>,
}

pub(super) fn unreadable(message: impl Into<String>) -> ApiError {
    ApiError::unreadable(StatusCode::BAD_REQUEST, message)
}

/// Whether a request says that it sends this.
fn is_media(request: &Request, media: &str) -> bool {
    let said = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    said.get(..media.len()).is_some_and(|said| said.eq_ignore_ascii_case(media))
}

/// The body of a request that has to be JSON; it is not looked at yet.
pub(super) async fn json(request: Request) -> Result<Bytes, ApiError> {
    if is_media(&request, "application/json") {
        return Ok(Bytes::from_request(request, &()).await?);
    }
    Err(ApiError::unreadable(StatusCode::UNSUPPORTED_MEDIA_TYPE, "expected the media type application/json"))
}

/// Reads a JSON body that has no more values than a request has. Computes.
pub(super) fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, ApiError> {
    slim::check(bytes).map_err(unreadable)?;
    serde_json::from_slice(bytes).map_err(|error| unreadable(format!("the body: {error}")))
}

impl Body {
    pub(super) async fn of(request: Request) -> Result<Self, ApiError> {
        if is_media(&request, "multipart/form-data") {
            return form(Multipart::from_request(request, &()).await?).await.map(Self::Form);
        }
        json(request).await.map(Self::Json).map_err(|error| match error.status {
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                let message = "expected the media type application/json or multipart/form-data";
                ApiError::unreadable(error.status, message)
            }
            _ => error,
        })
    }

    /// How many bytes there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Json(bytes) => bytes.len(),
            Self::Form(form) => form.files.values().map(Bytes::len).sum(),
        }
    }

    /// What they ask for.
    pub(super) fn question(&self) -> Result<Question<'_>, ApiError> {
        match self {
            Self::Json(bytes) => {
                let asked: Asked<'_> = read(bytes)?;
                Ok(Question {
                    reward: asked.reward,
                    pairs: asked.items.0.into_iter().map(|item| pair(item, None)).collect(),
                })
            }
            Self::Form(form) => form.question(),
        }
    }
}

impl Form {
    fn question(&self) -> Result<Question<'_>, ApiError> {
        let items = self.items.as_ref().ok_or_else(|| ApiError::invalid("items", "`items` is missing"))?;
        let items: Items<'_> =
            serde_json::from_slice(items).map_err(|error| ApiError::invalid("items", format!("`items`: {error}")))?;
        let named: BTreeSet<&str> = items.0.iter().flat_map(names).collect();
        if let Some(name) = self.files.keys().find(|name| !named.contains(name.as_str())) {
            let name = short(name);
            return Err(unreadable(format!("no item names the file `{name}`: expected `{FILE}{name}` in one of them")));
        }
        let pairs = items.0.into_iter().map(|item| pair(item, Some(&self.files))).collect();
        Ok(Question { reward: self.reward.clone(), pairs })
    }
}

/// What the name of a file begins with.
const FILE: &str = "file:";

/// The files that an item names.
fn names<'a>(item: &'a AskedItem<'_>) -> impl Iterator<Item = &'a str> {
    [&item.source, &item.candidate].into_iter().filter_map(|text| text.0.strip_prefix(FILE))
}

fn short(name: &str) -> String {
    name.chars().take(60).collect()
}

/// An item with its pictures; files are found where there can be any.
fn pair<'a>(item: AskedItem<'a>, files: Option<&'a Files>) -> Pair<'a> {
    let sent = |Text(text): Text<'a>| {
        let Some(name) = text.strip_prefix(FILE) else { return Sent::Text(text) };
        match files.map(|files| files.get(name)) {
            Some(Some(bytes)) => Sent::File(bytes),
            Some(None) => Sent::Missing(format!("there is no file part `{}`", short(name))),
            None => Sent::Missing("files are parts of a form (multipart/form-data): send a data URL".to_owned()),
        }
    };
    Pair { instruction: item.instruction.0, source: sent(item.source), candidate: sent(item.candidate) }
}

async fn form(mut parts: Multipart) -> Result<Form, ApiError> {
    let (mut form, mut count) = (Form::default(), 0);
    while let Some(part) = parts.next_field().await? {
        count += 1;
        if count > MOST_PARTS {
            return Err(unreadable(format!("expected at most {MOST_PARTS} parts")));
        }
        let (name, is_file) = (part.name().unwrap_or_default().to_owned(), part.file_name().is_some());
        let bytes = part.bytes().await?;
        let stands_twice = match name.as_str() {
            "items" if !is_file => form.items.replace(bytes).is_some(),
            "reward" if !is_file => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                !text.is_empty() && form.reward.replace(text).is_some()
            }
            _ if is_file => form.files.insert(name.clone(), bytes).is_some(),
            _ => return Err(unreadable(format!("there is no field `{}`", short(&name)))),
        };
        if stands_twice {
            return Err(unreadable(format!("the part `{}` stands twice", short(&name))));
        }
    }
    Ok(form)
}
