//! What a judge said to one question.

use serde_json::Value;

use super::parse::scores;
use super::rubric::{Aspect, Rubric};
use crate::trouble::error::{ErrorClass, RemoteError};
use crate::trouble::words::short;

/// The score of one aspect in an answer: the least of those that it asks for.
pub(crate) fn score(answer: &Value, aspect: &Aspect, rubric: &Rubric) -> Result<f64, RemoteError> {
    let text = said(answer)?;
    let found = scores(text, &aspect.scores, rubric.low, rubric.high)
        .map_err(|reason| RemoteError::new(ErrorClass::Malformed, format!("about {}: {reason}", aspect.part)))?;
    Ok(found.into_iter().fold(f64::INFINITY, f64::min))
}

/// The text of the first choice; or why there is none.
fn said(answer: &Value) -> Result<&str, RemoteError> {
    let choice = &answer["choices"][0];
    let message = &choice["message"];
    let refused = message["refusal"].as_str().filter(|refusal| !refusal.is_empty());
    if let Some(refusal) = refused {
        let shown = short(refusal);
        return Err(RemoteError::new(ErrorClass::Moderated, format!("the judge will not judge this: {shown}")));
    }
    match (choice["finish_reason"].as_str(), text_of(&message["content"])) {
        (Some("content_filter"), _) => {
            Err(RemoteError::new(ErrorClass::Moderated, "the judge's answer was held back by a content filter"))
        }
        (Some("length"), _) => {
            Err(RemoteError::new(ErrorClass::Malformed, "the judge's answer was cut off: it needs a larger max_tokens"))
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
    fn answers_become_scores_or_errors() {
        let rubric = Rubric::standard().unwrap();
        let aspect = &rubric.aspects[0];
        let of = |choice: Value| score(&json!({"choices": [choice]}), aspect, &rubric).map_err(|error| error.class);
        let good = r#"{"reasoning": "", "followed": 8, "preserved": 6}"#;
        for (choice, expected) in [
            (json!({"message": {"content": good}, "finish_reason": "stop"}), Ok(6.0)),
            (json!({"message": {"content": [{"type": "text", "text": good}]}}), Ok(6.0)),
            (json!({"message": {"content": good}, "finish_reason": "length"}), Err(ErrorClass::Malformed)),
            (json!({"message": {"content": "no"}, "finish_reason": "content_filter"}), Err(ErrorClass::Moderated)),
            (json!({"message": {"content": null, "refusal": "I will not"}}), Err(ErrorClass::Moderated)),
            (json!({"message": {"content": "fine, I guess"}}), Err(ErrorClass::Malformed)),
            (json!({"message": {"content": null}}), Err(ErrorClass::Malformed)),
            (json!(null), Err(ErrorClass::Malformed)),
        ] {
            assert_eq!(of(choice.clone()), expected, "{choice}");
        }
        assert!(score(&json!([]), aspect, &rubric).is_err());
    }
}
