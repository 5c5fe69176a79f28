//! The scores in what a model wrote. Models write around, before and after what they were asked for; but a score that is
//! not there, or out of range, is none.

use serde_json::Value;

use crate::trouble::words::short;

/// The scores of these names, in their order, from the last JSON object that has them all. Lists of the right length under
/// `score` or `scores` are taken too, as older prompts ask for them.
pub(crate) fn scores(text: &str, names: &[String], low: f64, high: f64) -> Result<Vec<f64>, String> {
    let objects = objects(text);
    let found = objects.iter().rev().find_map(|object| of_object(object, names));
    let Some(found) = found else {
        let shown = short(text);
        return Err(format!("expected a JSON object with {}, found: {shown}", names.join(", ")));
    };
    match found.iter().position(|score| !(low..=high).contains(score)) {
        Some(place) => {
            let (name, score) = (names.get(place).map_or("a score", String::as_str), found.get(place));
            Err(format!("expected `{name}` from {low} to {high}, found {}", score.copied().unwrap_or(f64::NAN)))
        }
        None => Ok(found),
    }
}

fn of_object(object: &Value, names: &[String]) -> Option<Vec<f64>> {
    let named = names.iter().map(|name| number(object.get(name)?)).collect::<Option<Vec<f64>>>();
    named.or_else(|| {
        let list = object.get("score").or_else(|| object.get("scores"))?.as_array()?;
        let numbers = list.iter().map(number).collect::<Option<Vec<f64>>>()?;
        (numbers.len() == names.len()).then_some(numbers)
    })
}

/// A number, or a text that is one.
fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

/// Every JSON object in a text that is in no other, in order.
fn objects(text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let (_, from) = rest.split_at(start);
        let mut values = serde_json::Deserializer::from_str(from).into_iter::<Value>();
        let skip = if let Some(Ok(value)) = values.next() {
            found.push(value);
            values.byte_offset()
        } else {
            1
        };
        rest = from.get(skip..).unwrap_or_default();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<f64>, String> {
        scores(text, &["a".to_owned(), "b".to_owned()], 0.0, 10.0)
    }

    #[test]
    fn scores_are_found_in_whatever_is_around_them() {
        for text in [
            r#"{"reasoning": "x", "a": 7, "b": 8.5}"#,
            "```json\n{\"b\": 8.5, \"a\": 7.0}\n```",
            r#"Sure! {"a": "7", "b": " 8.5 "} Anything else?"#,
            r#"<think>maybe {"a": 1, "b": 2}? or {x}</think>{"a": 7, "b": 8.5}"#,
            r#"{"score": [7, 8.5], "reasoning": "braces } { in text"}"#,
            r#"{"a": 7, "b": 8.5} and {"c": 1}"#,
        ] {
            assert_eq!(parse(text), Ok(vec![7.0, 8.5]), "{text}");
        }
    }

    #[test]
    fn what_is_no_score_is_an_error_and_never_zero() {
        for (text, words) in [
            ("", "expected a JSON object with a, b"),
            ("I cannot judge this.", "found: I cannot"),
            (r#"{"a": 7}"#, "expected a JSON object"),
            (r#"{"a": 7, "b": null}"#, "expected a JSON object"),
            (r#"{"a": 7, "b": "high"}"#, "expected a JSON object"),
            (r#"{"a": 7, "b": 8"#, "expected a JSON object"),
            (r#"{"a": 7, "b": 11}"#, "`b` from 0 to 10, found 11"),
            (r#"{"a": -1, "b": 1}"#, "`a` from 0 to 10, found -1"),
            (r#"{"a": "NaN", "b": 1}"#, "expected a JSON object"),
            (r#"{"score": [1, 2, 3]}"#, "expected a JSON object"),
            (&"{".repeat(10_000), "expected a JSON object"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(words), "{text:.40} gave {error}");
        }
    }
}
