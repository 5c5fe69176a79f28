//! Judgements as JSON.

use editscale_core::{Failure, Judgement};
use editscale_server::score_form;
use serde_json::{Map, Value, json};

/// A score with its parts, and what was computed for it.
pub(super) fn scored(judgement: &Judgement) -> Value {
    let counters = judgement.counters;
    let counters = json!({"image_encodes": counters.image_encodes, "decoder_tokens": counters.decoder_tokens});
    // A struct of texts and numbers is always JSON.
    let mut score = serde_json::to_value(score_form(&judgement.score)).unwrap_or_default();
    if let Some(score) = score.as_object_mut() {
        score.insert("counters".to_owned(), counters);
    }
    score
}

/// A failure: its class, and a sentence with the files that it is about.
pub(super) fn failed(failure: &Failure, names: &str) -> Value {
    json!({"kind": failure.kind.word(), "message": format!("{names}: {}", failure.message)})
}

/// An object with some keys before its own.
pub(super) fn with_head(head: &[(&str, Value)], object: &Value) -> Value {
    let head = head.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
    let own = object.as_object().cloned().unwrap_or_default();
    Value::Object(head.chain(own).collect::<Map<_, _>>())
}
