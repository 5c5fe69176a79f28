//! The answer to one edit: pictures among parts, and the many ways to answer with success and without a picture.

use editscale_core::{Candidate, Failure};
use serde_json::Value;

use super::Gemini;
use super::sizes::Frame;
use crate::editors::wish::spare;
use crate::fleet::server::Server;
use crate::http::client::Reply;
use crate::picture::results::{Written, taken};
use crate::price::Usage;
use crate::trouble::error::{ErrorClass, RemoteError};

/// Reasons to end that mean: not this picture, however often it is asked for.
const MODERATED: [&str; 13] = [
    "BLOCKLIST",
    "ESCALATION",
    "IMAGE_OTHER",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
    "IMAGE_SAFETY",
    "LANGUAGE",
    "MODEL_ARMOR",
    "PROHIBITED_CONTENT",
    "PUP_LIMITED_DISABLED",
    "RECITATION",
    "SAFETY",
    "SPII",
];
/// The most characters of a model's words that are kept.
const MOST_CHARACTERS: usize = 300;

/// What came of one request that was answered.
#[derive(Debug)]
pub(super) enum Answer {
    /// A picture.
    Picture(Box<Candidate>),
    /// None, for no reason that will last.
    None(Failure),
}

impl Gemini {
    pub(super) async fn answer(
        &self,
        reply: &Reply,
        server: &Server,
        frame: &Frame,
        effective_seed: Option<u64>,
    ) -> Result<Answer, RemoteError> {
        let bound = self.card.cost;
        let fail = |error: RemoteError, cost| RemoteError { cost: Some(Box::new(cost)), ..error };
        let answer = reply.json().ok_or_else(|| {
            let message = format!("{}: expected JSON with candidates, found something else", server.endpoint.base());
            fail(RemoteError::maybe_done(ErrorClass::Malformed, server.endpoint.hide(&message)), bound)
        })?;
        let pictures: Vec<&str> = parts(&answer).filter_map(picture).collect();
        let cost = self.options.prices.of(usage(&answer), pictures.len() as u64, bound);
        let Some(first) = pictures.first() else {
            let error = none(&answer, server);
            let may_pass = error.class == ErrorClass::Malformed;
            let error = fail(error, cost);
            return if may_pass {
                Ok(Answer::None(error.into_failure(self.options.repeat, bound)))
            } else {
                Err(error)
            };
        };
        let http = &self.fleet.http;
        let image = taken(http, &server.endpoint, Written::Base64(first), &self.options.limits).await;
        let image = image.map_err(|error| fail(error, cost))?;
        let notes = spare(pictures.len()).into_iter().chain(frame.lost(image.size)).collect();
        let candidate = Candidate { cost, effective_seed, notes, ..Candidate::new(image) };
        Ok(Answer::Picture(Box::new(candidate)))
    }
}

/// The parts of all candidates, less what a model only thought, which may be pictures too.
fn parts(answer: &Value) -> impl Iterator<Item = &Value> {
    let candidates = answer["candidates"].as_array().into_iter().flatten();
    let parts = candidates.flat_map(|candidate| candidate["content"]["parts"].as_array().into_iter().flatten());
    parts.filter(|part| part["thought"] != true)
}

fn picture(part: &Value) -> Option<&str> {
    let data = &part["inlineData"];
    let is_picture = data["mimeType"].as_str().is_none_or(|media| media.starts_with("image/"));
    data["data"].as_str().filter(|text| is_picture && !text.is_empty())
}

/// Tokens as this service counts them; what a model thinks is paid for like what comes out.
fn usage(answer: &Value) -> Option<Usage> {
    let usage = answer.get("usageMetadata")?;
    let number = |name: &str| usage[name].as_u64().unwrap_or_default();
    let input = usage["promptTokenCount"].as_u64()?;
    let details = usage["promptTokensDetails"].as_array().into_iter().flatten();
    let of_pictures =
        details.filter(|detail| detail["modality"] == "IMAGE").filter_map(|detail| detail["tokenCount"].as_u64());
    let pictures = of_pictures.fold(0, u64::saturating_add).min(input);
    let text = (input - pictures).saturating_add(number("toolUsePromptTokenCount"));
    Some(Usage::counted(text, pictures, number("candidatesTokenCount").saturating_add(number("thoughtsTokenCount"))))
}

/// Why there is no picture.
fn none(answer: &Value, server: &Server) -> RemoteError {
    let base = server.endpoint.base();
    let error = |class, code: &str, message: String| {
        let message = server.endpoint.hide(&message);
        RemoteError { code: Some(server.endpoint.hide(code)), ..RemoteError::new(class, message) }
    };
    let feedback = &answer["promptFeedback"];
    if let Some(reason) = feedback["blockReason"].as_str() {
        let said = said(&feedback["blockReasonMessage"], server);
        return error(ErrorClass::Moderated, reason, format!("{base} blocked the request: {}{said}", short(reason)));
    }
    let candidates: Vec<&Value> = answer["candidates"].as_array().into_iter().flatten().collect();
    let reasons = || candidates.iter().filter_map(|candidate| candidate["finishReason"].as_str());
    let message = candidates.iter().map(|candidate| &candidate["finishMessage"]).find(|message| message.is_string());
    let said = said(message.unwrap_or(&Value::Null), server);
    if let Some(reason) = reasons().find(|reason| MODERATED.contains(reason)) {
        return error(ErrorClass::Moderated, reason, format!("{base} will not make this picture: {reason}{said}"));
    }
    let text: Vec<&str> = parts(answer).filter_map(|part| part["text"].as_str()).collect();
    let text = server.endpoint.hide(&text.join(" "));
    let text = if text.is_empty() { String::new() } else { format!(", but `{}`", short(&text)) };
    let reason = reasons().next().unwrap_or("no reason");
    let message = format!("{base}: expected one picture, found none ({}){said}{text}", short(reason));
    error(ErrorClass::Malformed, reason, message)
}

/// The service's own words, as the end of a sentence.
fn said(words: &Value, server: &Server) -> String {
    words.as_str().map_or_else(String::new, |words| format!(": {}", short(&server.endpoint.hide(words))))
}

fn short(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(MOST_CHARACTERS).collect()
}
