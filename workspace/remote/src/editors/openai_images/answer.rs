//! The answer to one edit: pictures, counted, and what they cost.

use std::sync::Arc;

use editscale_core::{Candidate, EncodedImage};
use serde_json::Value;

use super::OpenAiImages;
use super::form::Form;
use super::stream::{is_stream, whole};
use crate::editors::wish::notes;
use crate::fleet::server::Server;
use crate::http::client::Reply;
use crate::picture::lifted::Lifted;
use crate::picture::received::{decoded, received};
use crate::picture::results;
use crate::price::Usage;
use crate::trouble::error::{ErrorClass, RemoteError};
use crate::trouble::words::short;

impl OpenAiImages {
    /// Takes the first picture of the answer. How many there are is counted: a server may send none, or more than it was
    /// asked for, and each may cost.
    pub(crate) async fn candidate(
        &self,
        reply: &Reply,
        server: &Server,
        form: &Form,
    ) -> Result<Candidate, RemoteError> {
        let answer = read(reply, server)?;
        let pictures: Vec<&Value> =
            answer.value["data"].as_array().into_iter().flatten().filter(|each| is_picture(each)).collect();
        // A picture that did not come may have been made, and paid.
        let count = pictures.len().max(1) as u64;
        let cost = self.options.prices.of(Usage::of(&answer.value), count, self.card.cost);
        let made = match pictures.first() {
            Some(first) => self.picture(&answer, first, server).await,
            None => Err(malformed(server, "expected one picture, found none")),
        };
        let image = made.map_err(|error| RemoteError { cost: Some(Box::new(cost)), ..error })?;
        let revised = pictures.first().and_then(|picture| answer.words(&picture["revised_prompt"]));
        let mut notes = notes(pictures.len(), form.wish, image.size);
        notes.extend(revised.and_then(|revised| changed_to(&revised, server)));
        Ok(Candidate { cost, effective_seed: form.effective_seed, notes, ..Candidate::new(image) })
    }

    async fn picture(&self, answer: &Lifted, picture: &Value, server: &Server) -> Result<EncodedImage, RemoteError> {
        let limits = &self.options.limits;
        let wrong = |words: String| malformed(server, &words);
        let text = answer.text(&picture["b64_json"]).filter(|text| !text.is_empty());
        let inside = text.or_else(|| answer.text(&picture["url"]).filter(|url| url.starts_with(b"data:")));
        if let Some(text) = inside {
            return decoded(text, limits).and_then(|bytes| received(bytes, limits)).map_err(wrong);
        }
        let address = picture["url"].as_str().unwrap_or_default();
        let fetched = results::fetch(&self.fleet.http, &server.endpoint, address, limits).await?;
        received(fetched[..].into(), limits).map_err(wrong)
    }
}

/// A note that the server made another instruction of the one that it got.
fn changed_to(revised: &str, server: &Server) -> Option<Arc<str>> {
    let shown = short(&server.endpoint.hide(revised));
    (!revised.is_empty()).then(|| format!("the server changed the instruction to: {shown}").into())
}

/// The answer as JSON, in whichever way it came.
fn read(reply: &Reply, server: &Server) -> Result<Lifted, RemoteError> {
    if is_stream(reply) {
        return whole(&reply.body, &server.endpoint).map(Lifted::plain);
    }
    reply.lifted().ok_or_else(|| malformed(server, "expected JSON with pictures, found something else"))
}

fn malformed(server: &Server, words: &str) -> RemoteError {
    let message = server.endpoint.hide(&format!("{}: {words}", server.endpoint.base()));
    RemoteError::maybe_done(ErrorClass::Malformed, message)
}

fn is_picture(value: &Value) -> bool {
    ["b64_json", "url"].iter().any(|field| value[*field].as_str().is_some_and(|text| !text.is_empty()))
}
