//! What a model said to one question.

use serde_json::Value;

use crate::trouble::error::{ErrorClass, RemoteError};
use crate::trouble::words::short;

/// The text of the first choice; or why there is none.
pub(crate) fn said(answer: &Value) -> Result<&str, RemoteError> {
    let choice = &answer["choices"][0];
    let message = &choice["message"];
    let refused = message["refusal"].as_str().filter(|refusal| !refusal.is_empty());
    if let Some(refusal) = refused {
        let shown = short(refusal);
        return Err(RemoteError::new(ErrorClass::Moderated, format!("the model will not answer this: {shown}")));
    }
    match (choice["finish_reason"].as_str(), text_of(&message["content"])) {
        (Some("content_filter"), _) => {
            Err(RemoteError::new(ErrorClass::Moderated, "the model's answer was held back by a content filter"))
        }
        (Some("length"), _) => {
            Err(RemoteError::new(ErrorClass::Malformed, "the model's answer was cut off: it needs a larger max_tokens"))
        }
        (_, Some(text)) => Ok(text),
        _ => Err(RemoteError::new(
            ErrorClass::Malformed,
            "expected an answer with a choice that says something, found none",
        )),
    }
}

/// A text, or the first text of a list of parts.
fn text_of(content: &Value) -> Option<&str> {
    match content {
        Value::String(text) => Some(text),
        Value::Array(parts) => parts.iter().find_map(|part| part["text"].as_str()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_become_texts_or_errors() {
        let of = |answer: &Value| said(answer).map(str::to_owned).map_err(|error| error.class);
        let good = "fine, I guess";
        for (choice, expected) in [
            (json!({"message": {"content": good}, "finish_reason": "stop"}), Ok(good.to_owned())),
            (json!({"message": {"content": [{"type": "text", "text": good}]}}), Ok(good.to_owned())),
            (json!({"message": {"content": good}, "finish_reason": "length"}), Err(ErrorClass::Malformed)),
            (json!({"message": {"content": "no"}, "finish_reason": "content_filter"}), Err(ErrorClass::Moderated)),
            (json!({"message": {"content": null, "refusal": "I will not"}}), Err(ErrorClass::Moderated)),
            (json!({"message": {"content": null}}), Err(ErrorClass::Malformed)),
            (json!(null), Err(ErrorClass::Malformed)),
        ] {
            assert_eq!(of(&json!({"choices": [choice]})), expected, "{choice}");
        }
        assert!(of(&json!([])).is_err());
    }
}
