//! Answers that come as a stream: pictures of what there is so far, then the picture.

use editscale_core::Watch;
use serde_json::{Value, json};

use super::OpenAiImages;
use crate::http::client::{Reply, is_bounded};
use crate::http::endpoint::Endpoint;
use crate::http::events::Events;
use crate::picture::received::{decoded, received};
use crate::trouble::classify::reported;
use crate::trouble::error::{ErrorClass, RemoteError};

/// The events of an edit.
const PARTIAL: &str = "image_edit.partial_image";
const COMPLETED: &str = "image_edit.completed";
/// What `vLLM-Omni` calls its own events; those of type `image` hold the pictures, the others words of the model.
const CHUNK: &str = "image.edit.chunk";

impl OpenAiImages {
    /// Shows a picture of what there is so far. One that is broken is not shown: the whole one is still to come.
    pub(crate) fn preview(&self, event: &str, place: usize, watch: &dyn Watch) {
        let Some(event) = read(event) else { return };
        let (true, Some(text)) = (event["type"] == PARTIAL, event["b64_json"].as_str()) else { return };
        let limits = &self.options.limits;
        if let Ok(image) = decoded(text, limits).and_then(|bytes| received(bytes, limits)) {
            watch.preview(place, &image);
        }
    }
}

/// An event, where it is JSON that is not made of very many values.
fn read(event: &str) -> Option<Value> {
    is_bounded(event.as_bytes()).then(|| serde_json::from_str(event).ok()).flatten()
}

/// Whether an answer is a stream. A server may answer with a plain one though it was asked for a stream.
pub(crate) fn is_stream(reply: &Reply) -> bool {
    reply.header("content-type").is_some_and(|media| media.starts_with("text/event-stream"))
}

/// The events of an answer as if it had come in one piece.
pub(crate) fn whole(body: &[u8], endpoint: &Endpoint) -> Result<Value, RemoteError> {
    if !is_bounded(body) {
        let message = format!("{}: expected a stream with a picture, found very many values", endpoint.base());
        return Err(RemoteError::maybe_done(ErrorClass::Malformed, message));
    }
    let mut pictures = Vec::new();
    let mut usage = Value::Null;
    for event in Events::all(body) {
        let Some(event) = read(&event) else { continue };
        if event["error"].is_object() || event["error"].is_string() {
            return Err(reported(endpoint, &event));
        }
        if event["type"] == COMPLETED {
            pictures.push(json!({"b64_json": event["b64_json"]}));
            usage = event["usage"].clone();
        }
        if event["object"] == CHUNK && event["type"] == "image" {
            pictures.extend(event["data"].as_array().into_iter().flatten().cloned());
        }
    }
    if pictures.is_empty() {
        let message = format!("{}: the stream ended without a picture", endpoint.base());
        return Err(RemoteError::maybe_done(ErrorClass::Retryable, message));
    }
    let mut answer = json!({"data": pictures});
    if usage.is_object() {
        answer["usage"] = usage;
    }
    Ok(answer)
}
