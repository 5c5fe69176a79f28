//! The scores in what a judge said to one question. Models write around, before and after what they were asked for; but a
//! score that is not there, or out of range, is none.

use serde_json::Value;

use super::rubric::{Aspect, Rubric};
use crate::judges::asking::objects::{number, objects};
use crate::trouble::error::{ErrorClass, RemoteError};
use crate::trouble::words::short;

/// The score of one aspect: the least of those that it asks for.
pub(crate) fn score(text: &str, aspect: &Aspect, rubric: &Rubric) -> Result<f64, RemoteError> {
    let found = scores(text, &aspect.scores, rubric.low, rubric.high)
        .map_err(|reason| RemoteError::new(ErrorClass::Malformed, format!("about {}: {reason}", aspect.part)))?;
    Ok(found.into_iter().fold(f64::INFINITY, f64::min))
}

/// The scores of these names, in their order, from the last JSON object that has them all. Lists of the right length under
/// `score` or `scores` are taken too, as older prompts ask for them.
fn scores(text: &str, names: &[String], low: f64, high: f64) -> Result<Vec<f64>, String> {
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

    #[test]
    fn the_least_of_an_aspects_scores_is_its_own() {
        let rubric = Rubric::standard().unwrap();
        let of = |text: &str| score(text, &rubric.aspects[0], &rubric).map_err(|error| error.class);
        assert_eq!(of(r#"{"reasoning": "", "followed": 8, "preserved": 6}"#), Ok(6.0));
        assert_eq!(of("fine, I guess"), Err(ErrorClass::Malformed));
    }
}
