//! JSON as servers in Python write it: `NaN` and `Infinity` stand in it now and then, which JSON does not know.

use std::borrow::Cow;

use serde_json::Value;

use crate::http::client::is_bounded;
use crate::trouble::words::found;

/// Reads an answer. A number that is none becomes `null`, so that it costs its own item and no other.
pub(crate) fn read(body: &[u8]) -> Result<Value, String> {
    if !is_bounded(body) {
        return Err("expected JSON of scores, found very many values".to_owned());
    }
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(value);
    }
    let expected = |_| format!("expected JSON, found {}", found(body));
    serde_json::from_str(&finite(&String::from_utf8_lossy(body))).map_err(expected)
}

/// The text with `null` for each such word outside of strings.
fn finite(text: &str) -> Cow<'_, str> {
    if !text.contains("NaN") && !text.contains("Infinity") {
        return Cow::Borrowed(text);
    }
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = ["NaN", "-Infinity", "Infinity"].into_iter().find(|word| rest.starts_with(word));
        let length = match (first, word) {
            ('"', _) => string(rest),
            (_, Some(word)) => word.len(),
            _ => first.len_utf8(),
        };
        let (piece, after) = rest.split_at(length);
        result.push_str(if word.is_some() { "null" } else { piece });
        rest = after;
    }
    Cow::Owned(result)
}

/// The length of the string that a text begins with.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (place, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return place + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn very_many_values_are_no_scores() {
        let wide = format!("[{}0]", "0,".repeat(1 << 20));
        assert!(read(wide.as_bytes()).unwrap_err().contains("very many values"));
    }

    #[test]
    fn numbers_that_are_none_become_null() {
        for (text, expected) in [
            (r#"{"a": [1, NaN, -Infinity, Infinity]}"#, json!({"a": [1, null, null, null]})),
            (r#"{"NaN \" Infinity": "NaN", "b": NaN}"#, json!({"NaN \" Infinity": "NaN", "b": null})),
            ("[1.5]", json!([1.5])),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap(), expected);
        }
        for (text, words) in [("<html><title>Hi</title>", "called `Hi`"), ("NaN, \"", "found NaN"), ("{", "found {")] {
            assert!(read(text.as_bytes()).unwrap_err().contains(words), "{text}");
        }
    }
}
