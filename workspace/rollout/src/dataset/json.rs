//! Rows that are JSON objects, a line each or in a list.

use std::path::Path;

use serde_json::{Map, Value};

use super::DatasetError;
use super::cell::{Cell, Cells, dig};
use super::columns::{Chosen, listed};

/// What some editors write before UTF-8.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Rows that are looked at to learn which columns there are.
const SAMPLE_ROWS: usize = 64;
/// Bytes of them.
const SAMPLE_BYTES: u64 = 16 << 20;

/// The fields of an object.
fn object(text: &[u8]) -> Result<Map<String, Value>, String> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    match serde_json::from_slice(text.trim_ascii_end()) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(other) => {
            let found: String = other.to_string().chars().take(60).collect();
            Err(format!("expected a JSON object, found {found}"))
        }
        Err(error) => {
            let said = error.to_string();
            let said = said.split(" at line ").next().unwrap_or_default();
            let line = if error.line() > 1 { format!("line {}, ", error.line()) } else { String::new() };
            let at = error.column();
            Err(format!("expected a JSON object, found what is not JSON at {line}column {at}: {said}"))
        }
    }
}

/// The cells of an object.
pub(super) fn parse(text: &[u8], chosen: &Chosen) -> Result<Cells, String> {
    let fields = object(text)?;
    let needed = [(&chosen.source, "the picture to edit"), (&chosen.instruction, "what to do to the picture")];
    if let Some((name, what)) = needed.into_iter().find(|(name, _)| dig(&fields, name).is_none()) {
        let has = listed(&fields.keys().cloned().collect::<Vec<_>>());
        return Err(format!("expected `{name}` ({what}), found no such column in this row; it has {has}"));
    }
    Cells::gather(chosen, |name| Ok(dig(&fields, name).cloned().map(Cell::Value)))
}

/// What is wrong with a row, as far as its text tells.
pub(super) fn problem(text: &[u8], chosen: &Chosen) -> Option<String> {
    parse(text, chosen).and_then(|cells| cells.check(chosen)).err()
}

/// The keys of the first rows.
#[derive(Default)]
pub(super) struct Survey {
    names: Vec<String>,
    rows: usize,
    first_problem: Option<String>,
}

impl Survey {
    /// Looks at a row, or at what is wrong with it. Tells whether that is enough.
    pub(super) fn look(&mut self, row: Result<&[u8], String>, offset: u64, place: impl FnOnce() -> String) -> bool {
        self.rows += 1;
        match row.and_then(object) {
            Ok(fields) => fields.into_iter().for_each(|(key, _)| {
                if !self.names.contains(&key) {
                    self.names.push(key);
                }
            }),
            Err(reason) => {
                self.first_problem.get_or_insert_with(|| format!("{}: {reason}", place()));
            }
        }
        self.rows >= SAMPLE_ROWS || offset > SAMPLE_BYTES
    }

    /// The keys, in the order in which they were seen.
    pub(super) fn names(self, path: &Path) -> Result<Vec<String>, DatasetError> {
        match self.first_problem {
            Some(reason) if self.names.is_empty() => Err(DatasetError::Format { path: path.to_owned(), reason }),
            None if self.rows == 0 => Err(DatasetError::Empty { path: path.to_owned() }),
            _ => Ok(self.names),
        }
    }
}
