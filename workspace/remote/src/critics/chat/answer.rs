//! The critique in what a model said, or its words for a request. What cannot be read is a failure, and never "nothing to change": that
//! would cost an edit that nobody asked for.

use editscale_core::{Critique, Instruction};
use serde_json::Value;

use crate::judges::asking::objects::objects;
use crate::trouble::error::{ErrorClass, RemoteError};
use crate::trouble::words::short;

/// The critique in the last JSON object that says whether the critic is satisfied.
pub(super) fn critique(text: &str) -> Result<Critique, RemoteError> {
    let objects = objects(text);
    let Some((object, satisfied)) = objects.iter().rev().find_map(|object| Some((object, flag(&object["satisfied"])?)))
    else {
        let shown = short(text);
        return Err(malformed(format!(
            "expected a JSON object with critique, satisfied and instruction, found: {shown}"
        )));
    };
    let prose = prose(object, "critique")?;
    let next = match (&object["instruction"], satisfied) {
        (_, true) => None,
        (Value::String(text), false) => Some(instruction(text)?),
        _ => {
            return Err(malformed(
                "the critic is not satisfied: expected a text as `instruction`, found none".to_owned(),
            ));
        }
    };
    Ok(Critique { text: prose.into(), instruction: next, satisfied })
}

/// The words for a request in the last JSON object that has some.
pub(super) fn rewriting(text: &str) -> Result<Critique, RemoteError> {
    let objects = objects(text);
    let found = objects.iter().rev().find_map(|object| Some((object, object["instruction"].as_str()?)));
    let Some((object, words)) = found else {
        let shown = short(text);
        return Err(malformed(format!("expected a JSON object with thought and instruction, found: {shown}")));
    };
    let prose = prose(object, "thought")?;
    Ok(Critique { text: prose.into(), instruction: Some(instruction(words)?), satisfied: false })
}

fn malformed(reason: String) -> RemoteError {
    RemoteError::new(ErrorClass::Malformed, reason)
}

fn prose<'o>(object: &'o Value, key: &str) -> Result<&'o str, RemoteError> {
    let prose = object[key].as_str().map(str::trim).filter(|prose| !prose.is_empty());
    prose.ok_or_else(|| malformed(format!("expected a text as `{key}`, found none")))
}

fn instruction(text: &str) -> Result<Instruction, RemoteError> {
    Instruction::new(text.trim()).map_err(|error| malformed(format!("in `instruction`: {error}")))
}

/// Yes or no, or a text that is one of them.
fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.trim().to_lowercase().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn critiques_are_found_in_whatever_is_around_them() {
        for text in [
            r#"{"critique": "too dark", "satisfied": false, "instruction": "make it brighter"}"#,
            "```json\n{\"critique\": \" too dark\", \"satisfied\": \"False\", \"instruction\": \"make it brighter \"}\n```",
            r#"<think>{"satisfied": true}?</think>{"instruction": "make it brighter", "satisfied": false, "critique": "too dark"}"#,
        ] {
            let found = critique(text).unwrap();
            assert_eq!((&*found.text, found.satisfied), ("too dark", false), "{text}");
            assert_eq!(found.instruction.unwrap().as_str(), "make it brighter", "{text}");
        }
        let satisfied = critique(r#"{"critique": "as asked", "satisfied": true, "instruction": "leave it"}"#).unwrap();
        assert!(satisfied.satisfied && satisfied.instruction.is_none());
    }

    #[test]
    fn words_for_a_request_are_found_or_are_an_error() {
        for text in [
            r#"{"thought": "a night", "instruction": "make the sky black"}"#,
            "```json\n{\"thought\": \" a night\", \"instruction\": \"make the sky black \"}\n```",
            r#"<think>{"instruction": "?"}</think>{"instruction": "make the sky black", "thought": "a night"}"#,
        ] {
            let found = rewriting(text).unwrap();
            assert_eq!((&*found.text, found.satisfied), ("a night", false), "{text}");
            assert_eq!(found.instruction.unwrap().as_str(), "make the sky black", "{text}");
        }
        for (text, words) in [
            ("", "expected a JSON object"),
            ("make the sky black", "found: make the"),
            (r#"{"thought": "x"}"#, "expected a JSON object"),
            (r#"{"thought": "x", "instruction": null}"#, "expected a JSON object"),
            (r#"{"instruction": "x"}"#, "expected a text as `thought`"),
            (r#"{"thought": "x", "instruction": " "}"#, "the instruction is empty"),
        ] {
            let error = rewriting(text).unwrap_err();
            assert_eq!(error.class, ErrorClass::Malformed, "{text}");
            assert!(format!("{error:?}").contains(words), "{text} gave {error:?}");
        }
    }

    #[test]
    fn what_is_no_critique_is_an_error_and_never_nothing_to_change() {
        for (text, words) in [
            ("", "expected a JSON object"),
            ("It should remain unchanged.", "found: It should"),
            (r#"{"critique": "x", "instruction": "brighter"}"#, "expected a JSON object"),
            (r#"{"critique": "x", "satisfied": 1, "instruction": "brighter"}"#, "expected a JSON object"),
            (r#"{"critique": "x", "satisfied": false"#, "expected a JSON object"),
            (r#"{"satisfied": true, "instruction": null}"#, "expected a text as `critique`"),
            (r#"{"critique": " ", "satisfied": true}"#, "expected a text as `critique`"),
            (r#"{"critique": "x", "satisfied": false}"#, "expected a text as `instruction`"),
            (r#"{"critique": "x", "satisfied": false, "instruction": null}"#, "expected a text as `instruction`"),
            (r#"{"critique": "x", "satisfied": false, "instruction": "  "}"#, "the instruction is empty"),
        ] {
            let error = critique(text).unwrap_err();
            assert_eq!(error.class, ErrorClass::Malformed, "{text}");
            assert!(format!("{error:?}").contains(words), "{text} gave {error:?}");
        }
    }
}
