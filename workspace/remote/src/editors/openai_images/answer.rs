//! The answer to one edit: pictures, counted, and what they cost.

use std::sync::Arc;

use editscale_core::{Candidate, Cost, EncodedImage, Failure};
use serde_json::Value;

use super::OpenAiImages;
use super::form::Form;
use super::stream::{is_stream, whole};
use crate::fleet::server::Server;
use crate::http::client::Reply;
use crate::picture::lifted::Lifted;
use crate::picture::received::{decoded, received};
use crate::picture::results;
use crate::price::Usage;
use crate::trouble::error::{ErrorClass, RemoteError};

impl OpenAiImages {
    /// Takes the first picture of the answer. How many there are is counted: a server may send none, or more than it was
    /// asked for, and each may cost.
    pub(crate) async fn candidate(&self, reply: &Reply, server: &Server, form: &Form) -> Result<Candidate, Failure> {
        let bound = self.card.cost;
        let malformed = |message: String| {
            let message = format!("{}: {message}", server.endpoint.base());
            RemoteError::maybe_done(ErrorClass::Malformed, server.endpoint.hide(&message))
                .into_failure(self.repeat, bound)
        };
        let whole = if is_stream(reply) {
            let value = whole(&reply.body, &server.endpoint);
            value.map(Lifted::plain).map_err(|error| error.into_failure(self.repeat, bound))
        } else {
            let other = |error| malformed(format!("expected JSON with pictures, found something else: {error}"));
            Lifted::new(&reply.body).map_err(other)
        };
        let answer = whole?;
        let pictures: Vec<&Value> =
            answer.value["data"].as_array().into_iter().flatten().filter(|each| is_picture(each)).collect();
        let cost = self.options.prices.of(Usage::of(&answer.value), pictures.len() as u64, bound);
        let Some(first) = pictures.first() else {
            return Err(Failure { cost, ..malformed("expected one picture, found none".to_owned()) });
        };
        let image = self.picture(&answer, first, server).await.map_err(|error| match error {
            Trouble::Words(words) => Failure { cost, ..malformed(words) },
            Trouble::Error(error) => Failure { cost, ..error.into_failure(self.repeat, bound) },
        })?;
        Ok(Self::made(image, form, cost, &answer, &pictures, server))
    }

    async fn picture(&self, answer: &Lifted, picture: &Value, server: &Server) -> Result<EncodedImage, Trouble> {
        let limits = &self.options.limits;
        let text = answer.text(&picture["b64_json"]).filter(|text| !text.is_empty());
        let inside = text.or_else(|| answer.text(&picture["url"]).filter(|url| url.starts_with(b"data:")));
        if let Some(text) = inside {
            let bytes = decoded(text, limits).map_err(Trouble::Words)?;
            return received(bytes, limits).map_err(Trouble::Words);
        }
        let address = picture["url"].as_str().unwrap_or_default();
        let fetched =
            results::fetch(&self.fleet.http, &server.endpoint, address, limits).await.map_err(Trouble::Error)?;
        received(fetched[..].into(), limits).map_err(Trouble::Words)
    }

    fn made(
        image: EncodedImage,
        form: &Form,
        cost: Cost,
        answer: &Lifted,
        pictures: &[&Value],
        server: &Server,
    ) -> Candidate {
        let mut notes: Vec<Arc<str>> = Vec::new();
        let count = pictures.len();
        if count > 1 {
            notes.push(format!("the server sent {count} pictures where 1 was asked for; the first was kept").into());
        }
        if let Some(wished) = form.wished {
            let asked = form.size.map_or_else(|| "its own".to_owned(), |size| size.to_string());
            notes.push(format!("the size {wished} is not to be had; {asked} was asked for").into());
        }
        if let Some(size) = form.size.filter(|size| *size != image.size) {
            notes.push(format!("the server made {} where {size} was asked for", image.size).into());
        }
        let revised = pictures.first().and_then(|picture| answer.words(&picture["revised_prompt"]));
        if let Some(revised) = revised.filter(|revised| !revised.is_empty()) {
            let revised: String = server.endpoint.hide(&revised).chars().take(500).collect();
            notes.push(format!("the server changed the instruction to: {revised}").into());
        }
        Candidate { cost, effective_seed: form.effective_seed, notes, ..Candidate::new(image) }
    }
}

enum Trouble {
    Words(String),
    Error(RemoteError),
}

fn is_picture(value: &Value) -> bool {
    ["b64_json", "url"].iter().any(|field| value[*field].as_str().is_some_and(|text| !text.is_empty()))
}
