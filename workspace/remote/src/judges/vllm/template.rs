//! A body of JSON with places in its texts: `{{instruction}}`, `{{source}}`, `{{candidate}}`.

use serde_json::Value;

use crate::SetupError;
use crate::judges::scoring::pair::{File, Pair};

/// What can stand in a place.
const PLACES: [&str; 3] = ["instruction", "source", "candidate"];

/// A body whose places are known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Template(Value);

impl Template {
    /// Checks the places. Pictures go into them as data URLs; one without the candidate would score nothing.
    pub(super) fn new(value: &Value) -> Result<Self, SetupError> {
        let mut found = Vec::new();
        places(value, &mut found)?;
        if found.iter().any(|place| place == "candidate") {
            Ok(Self(value.clone()))
        } else {
            Err(SetupError::setting("data", "a place `{{candidate}}`", &"none"))
        }
    }

    pub(super) fn fill(&self, pair: &Pair) -> Value {
        filled(&self.0, pair)
    }
}

fn places(value: &Value, found: &mut Vec<String>) -> Result<(), SetupError> {
    match value {
        Value::String(text) => pieces(text).into_iter().try_for_each(|piece| match piece {
            Piece::Text(_) => Ok(()),
            Piece::Place(name) if PLACES.contains(&name) => {
                found.push(name.to_owned());
                Ok(())
            }
            Piece::Place(name) => Err(SetupError::setting("data", "places instruction, source or candidate", &name)),
        }),
        Value::Array(items) => items.iter().try_for_each(|item| places(item, found)),
        Value::Object(fields) => fields.values().try_for_each(|field| places(field, found)),
        _ => Ok(()),
    }
}

enum Piece<'a> {
    Text(&'a str),
    Place(&'a str),
}

/// A text cut at its places; a `{{` that nothing closes is text.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else { break };
        pieces.extend([Piece::Text(before), Piece::Place(name.trim())]);
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    pieces
}

fn filled(value: &Value, pair: &Pair) -> Value {
    let piece = |piece: Piece<'_>| match piece {
        Piece::Text(text) => text.to_owned(),
        Piece::Place("instruction") => pair.instruction.to_string(),
        Piece::Place("source") => pair.source.as_ref().map(File::url).unwrap_or_default(),
        Piece::Place(_) => pair.candidate.url(),
    };
    match value {
        Value::String(text) => Value::String(pieces(text).into_iter().map(piece).collect()),
        Value::Array(items) => items.iter().map(|item| filled(item, pair)).collect(),
        Value::Object(fields) => fields.iter().map(|(name, field)| (name.clone(), filled(field, pair))).collect(),
        other => other.clone(),
    }
}
