//! The answer to one edit: pictures, counted, each of which may be an error in its own place.

use editscale_core::Candidate;
use serde_json::Value;

use super::Ark;
use super::body::Form;
use crate::editors::wish::notes;
use crate::fleet::server::Server;
use crate::http::client::Reply;
use crate::picture::results::{Written, taken};
use crate::price::Usage;
use crate::trouble::classify::reported;
use crate::trouble::error::{ErrorClass, RemoteError};

impl Ark {
    /// Takes the first picture of the answer. What is paid for is what the service says it made.
    pub(super) async fn candidate(
        &self,
        reply: &Reply,
        server: &Server,
        form: &Form,
    ) -> Result<Candidate, RemoteError> {
        let bound = self.card.cost;
        let fail = |error: RemoteError, cost| RemoteError { cost: Some(Box::new(cost)), ..error };
        let malformed = |words: &str| {
            let message = server.endpoint.hide(&format!("{}: {words}", server.endpoint.base()));
            RemoteError::maybe_done(ErrorClass::Malformed, message)
        };
        let answer = reply.json();
        let answer =
            answer.ok_or_else(|| fail(malformed("expected JSON with pictures, found something else"), bound))?;
        let data = || answer["data"].as_array().into_iter().flatten();
        let pictures: Vec<Written<'_>> = data().filter_map(written).collect();
        let made = answer["usage"]["generated_images"].as_u64().unwrap_or(pictures.len() as u64);
        let cost = self.options.prices.of(usage(&answer), made, bound);
        let Some(first) = pictures.first() else {
            // The service tells of a picture that it held back where the picture would have been.
            let error = data().chain([&answer]).find(|each| each["error"].is_object());
            let error = error.map_or_else(
                || malformed("expected one picture, found none"),
                |event| RemoteError { maybe_done: false, ..reported(&server.endpoint, event) },
            );
            return Err(fail(error, cost));
        };
        let limits = &self.options.limits;
        let image =
            taken(&self.fleet.http, &server.endpoint, *first, limits).await.map_err(|error| fail(error, cost))?;
        let notes = notes(pictures.len(), form.wish, image.size);
        Ok(Candidate { cost, effective_seed: form.effective_seed, notes, ..Candidate::new(image) })
    }
}

fn written(picture: &Value) -> Option<Written<'_>> {
    let text = |name: &str| picture[name].as_str().filter(|text| !text.is_empty());
    text("b64_json").map(Written::Base64).or_else(|| text("url").map(Written::Address))
}

/// Only what comes out is counted in tokens.
fn usage(answer: &Value) -> Option<Usage> {
    answer["usage"]["output_tokens"].as_u64().map(|output| Usage::counted(0, 0, output))
}
