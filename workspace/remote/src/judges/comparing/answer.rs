//! What a judge said to one comparison: the places of those that it was shown.

use serde_json::Value;

use super::options::Comparison;
use crate::judges::asking::objects::{number, objects};
use crate::trouble::error::{ErrorClass, RemoteError};
use crate::trouble::words::short;

/// The place of each candidate, in the order in which they were shown; a lower one is better, equal ones are a tie.
pub(crate) type Places = Vec<usize>;

/// The places in what a model wrote: those of the last JSON object that has them.
pub(crate) fn places(text: &str, comparison: Comparison, count: usize) -> Result<Places, RemoteError> {
    let objects = objects(text);
    let (found, expected) = match comparison {
        Comparison::Pairwise { .. } => {
            (objects.iter().rev().find_map(better), "a JSON object with `better` first, second or tie".to_owned())
        }
        Comparison::Listwise { .. } => (
            objects.iter().rev().find_map(|object| ranking(object, count)),
            format!("a JSON object with `ranking`, each of the numbers 1 to {count} once"),
        ),
    };
    let missing = || RemoteError::new(ErrorClass::Malformed, format!("expected {expected}, found: {}", short(text)));
    found.ok_or_else(missing)
}

/// Models write numbers and letters for the words now and then.
fn better(object: &Value) -> Option<Places> {
    let said = object.get("better")?;
    let said = said.as_str().map_or_else(|| said.to_string(), |text| text.trim().to_lowercase());
    match said.as_str() {
        "first" | "1" | "a" => Some(vec![0, 1]),
        "second" | "2" | "b" => Some(vec![1, 0]),
        "tie" | "equal" | "0" => Some(vec![0, 0]),
        _ => None,
    }
}

fn ranking(object: &Value, count: usize) -> Option<Places> {
    let list = object.get("ranking")?.as_array()?;
    if list.len() != count {
        return None;
    }
    let mut places = vec![None; count];
    for (place, entry) in list.iter().enumerate() {
        let number = number(entry).filter(|number| number.fract() == 0.0 && *number >= 1.0)?;
        let shown = places.get_mut(number as usize - 1)?;
        if shown.replace(place).is_some() {
            return None;
        }
    }
    places.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judges::comparing::options::Pairs;
    use std::num::NonZeroU32;

    const PAIR: Comparison = Comparison::Pairwise { pairs: Pairs::All, votes: NonZeroU32::MIN };
    const LIST: Comparison = Comparison::Listwise { most_pictures: NonZeroU32::MAX, orders: NonZeroU32::MIN };

    #[test]
    fn places_are_found_in_whatever_is_around_them() {
        for (text, comparison, expected) in [
            (r#"{"reasoning": "x", "better": "first"}"#, PAIR, vec![0, 1]),
            ("<think>{\"better\": \"first\"}?</think>```json\n{\"better\": \" Second\"}```", PAIR, vec![1, 0]),
            (r#"{"better": 2}"#, PAIR, vec![1, 0]),
            (r#"{"better": "TIE"}"#, PAIR, vec![0, 0]),
            (r#"{"reasoning": "x", "ranking": [2, 3, 1]}"#, LIST, vec![2, 0, 1]),
            (r#"So: {"ranking": ["1", 2.0, "3 "]}."#, LIST, vec![0, 1, 2]),
        ] {
            assert_eq!(places(text, comparison, expected.len()).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        for (text, comparison) in [
            ("The first one.", PAIR),
            (r#"{"better": "neither"}"#, PAIR),
            (r#"{"better": null}"#, PAIR),
            (r#"{"best": "first"}"#, PAIR),
            (r#"{"ranking": [1, 2]}"#, LIST),
            (r#"{"ranking": [1, 2, 2]}"#, LIST),
            (r#"{"ranking": [0, 1, 2]}"#, LIST),
            (r#"{"ranking": [1, 2, 4]}"#, LIST),
            (r#"{"ranking": [1, 2.5, 3]}"#, LIST),
            (r#"{"ranking": [1, 2, 1e300]}"#, LIST),
            (r#"{"ranking": "1 > 2 > 3"}"#, LIST),
            ("", LIST),
        ] {
            let count = if comparison == PAIR { 2 } else { 3 };
            let error = places(text, comparison, count).unwrap_err();
            assert!(error.class == ErrorClass::Malformed && error.message.contains("expected a JSON object"), "{text}");
        }
    }
}
