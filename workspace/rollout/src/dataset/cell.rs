//! The parts of a row as a file holds them, and the row that is made of them.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::columns::{Chosen, listed};
use super::named::{self, Mention};
use crate::{Row, RowPicture};

/// The longest id.
const MOST_ID_BYTES: usize = 1024;
/// The longest instruction that is worth handing on; what an instruction is, is decided where it is used.
const MOST_TEXT_BYTES: usize = 1 << 20;
/// The most that a kept column may hold.
const MOST_KEPT_BYTES: usize = 1 << 20;
/// Seeds are below this: what numbers in JSON hold exactly.
const SEEDS: u64 = 1 << 53;

/// What a column holds in one row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    /// Text, numbers, and what is made of them.
    Value(Value),
    /// Bytes without a name.
    Bytes(Vec<u8>),
    /// A picture's bytes, its name, or both.
    Picture { bytes: Option<Vec<u8>>, name: Option<String> },
    /// A list that holds bytes or pictures.
    List(Vec<Cell>),
}

impl Cell {
    fn is_null(&self) -> bool {
        match self {
            Self::Value(value) => value.is_null(),
            Self::Picture { bytes, name } => bytes.is_none() && name.is_none(),
            Self::Bytes(_) | Self::List(_) => false,
        }
    }

    /// What was found, for people.
    fn kind(&self) -> String {
        match self {
            Self::Value(value) => kind(value),
            Self::Bytes(bytes) => format!("{} bytes", bytes.len()),
            Self::Picture { .. } => "a picture".to_owned(),
            Self::List(cells) => format!("a list of {}", cells.len()),
        }
    }
}

fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) if text.is_empty() => "an empty text".to_owned(),
        Value::String(text) => format!("the text `{}`", text.chars().take(60).collect::<String>()),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(fields) => format!("an object with {}", listed(&fields.keys().cloned().collect::<Vec<_>>())),
    }
}

/// A value by a dotted path into objects.
pub(super) fn dig<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields.get(name).or_else(|| {
        let (outer, inner) = name.split_once('.')?;
        dig(fields.get(outer)?.as_object()?, inner)
    })
}

/// The cells of one row.
#[derive(Debug)]
pub(super) struct Cells {
    source: Option<Cell>,
    /// In the order of their columns.
    edited: Vec<Option<Cell>>,
    instruction: Option<Cell>,
    mask: Option<Cell>,
    id: Option<Cell>,
    seed: Option<Cell>,
    keep: Vec<(String, Option<Cell>)>,
}

impl Cells {
    /// Asks for each chosen column.
    pub(super) fn gather(
        chosen: &Chosen,
        mut get: impl FnMut(&str) -> Result<Option<Cell>, String>,
    ) -> Result<Self, String> {
        let mut perhaps = |name: &Option<String>| name.as_deref().map_or(Ok(None), &mut get);
        let (mask, id, seed) = (perhaps(&chosen.mask)?, perhaps(&chosen.id)?, perhaps(&chosen.seed)?);
        Ok(Self {
            mask,
            id,
            seed,
            instruction: get(&chosen.instruction)?,
            keep: chosen.keep.iter().map(|name| Ok((name.clone(), get(name)?))).collect::<Result<_, String>>()?,
            edited: chosen.edited.iter().map(|name| get(name)).collect::<Result<_, _>>()?,
            source: get(&chosen.source)?,
        })
    }

    /// The pictures that they name by a path or an address.
    pub(super) fn mentions(&self) -> Vec<Mention> {
        let cells = [&self.source, &self.mask].into_iter().chain(&self.edited).flatten();
        cells.flat_map(named::mentions).collect()
    }

    /// Whether a row can be made of them, as far as that is seen without unpacking a picture.
    pub(super) fn check(&self, chosen: &Chosen) -> Result<(), String> {
        let source = present(self.source.as_ref(), &chosen.source, "the picture to edit")?;
        named::check(source).map_err(|reason| format!("`{}`: {reason}", chosen.source))?;
        for (cell, name) in self.edited.iter().zip(&chosen.edited) {
            let cell = present(cell.as_ref(), name, "an edited picture")?;
            named::check_all(cell).map_err(|reason| format!("`{name}`: {reason}"))?;
        }
        instruction(self.instruction.as_ref(), chosen)?;
        id(self.id.as_ref(), chosen)?;
        seed(self.seed.as_ref(), chosen)?;
        Ok(())
    }

    /// The row. Relative paths begin in `folder`.
    pub(super) fn row(self, chosen: &Chosen, folder: &Path, number: u64) -> Result<Row, String> {
        let instruction = instruction(self.instruction.as_ref(), chosen)?;
        let id = id(self.id.as_ref(), chosen)?.unwrap_or_else(|| number.to_string());
        let seed = seed(self.seed.as_ref(), chosen)?;
        present(self.source.as_ref(), &chosen.source, "the picture to edit")?;
        let picture =
            |cell: Cell, name: &str| named::picture(cell, folder).map_err(|reason| format!("`{name}`: {reason}"));
        let source = self.source.map(|cell| picture(cell, &chosen.source)).transpose()?;
        let source = source.ok_or_else(|| format!("`{}` holds no picture", chosen.source))?;
        let mut edited = Vec::new();
        for (cell, name) in self.edited.into_iter().zip(&chosen.edited) {
            present(cell.as_ref(), name, "an edited picture")?;
            let found = cell.map_or_else(|| Ok(Vec::new()), |cell| named::pictures(cell, folder));
            edited.extend(found.map_err(|reason| format!("`{name}`: {reason}"))?);
        }
        let mask = self.mask.filter(|cell| !is_blank(cell));
        let mask: Option<RowPicture> =
            mask.map(|cell| picture(cell, chosen.mask.as_deref().unwrap_or("mask"))).transpose()?;
        let extra = self.keep.into_iter().map(kept).collect::<Result<_, _>>()?;
        Ok(Row { id, source, edited, instruction, mask, seed, extra })
    }
}

/// Tables have empty fields for what is not there.
pub(super) fn is_blank(cell: &Cell) -> bool {
    cell.is_null() || matches!(cell, Cell::Value(Value::String(text)) if text.trim().is_empty())
}

fn present<'a>(cell: Option<&'a Cell>, name: &str, what: &str) -> Result<&'a Cell, String> {
    match cell {
        None => Err(format!("expected `{name}` ({what}), found no such column in this row")),
        Some(cell) if is_blank(cell) => Err(format!("expected {what} in `{name}`, found {}", cell.kind())),
        Some(cell) => Ok(cell),
    }
}

fn instruction(cell: Option<&Cell>, chosen: &Chosen) -> Result<String, String> {
    let name = &chosen.instruction;
    let text = match present(cell, name, "what to do to the picture")? {
        Cell::Value(Value::String(text)) => text.clone(),
        Cell::Value(Value::Array(items)) if items.len() == 1 => match items.first() {
            Some(Value::String(text)) if !text.trim().is_empty() => text.clone(),
            other => {
                return Err(format!("expected a text in `{name}`, found {}", other.map_or_else(String::new, kind)));
            }
        },
        Cell::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) if !text.trim().is_empty() => text.to_owned(),
            _ => return Err(format!("expected a UTF-8 text in `{name}`, found {} bytes", bytes.len())),
        },
        other => return Err(format!("expected a text in `{name}`, found {}", other.kind())),
    };
    if text.len() > MOST_TEXT_BYTES {
        return Err(format!("expected a text of at most {MOST_TEXT_BYTES} bytes in `{name}`, found {}", text.len()));
    }
    Ok(text)
}

fn id(cell: Option<&Cell>, chosen: &Chosen) -> Result<Option<String>, String> {
    let (Some(name), Some(cell)) = (&chosen.id, cell) else { return Ok(None) };
    let id = match cell {
        // A row without a name is known by its number.
        cell if is_blank(cell) => return Ok(None),
        Cell::Value(Value::String(text)) => text.clone(),
        Cell::Value(Value::Number(number)) if !number.is_f64() => number.to_string(),
        other => return Err(format!("expected a text or a whole number in `{name}`, found {}", other.kind())),
    };
    if id.len() > MOST_ID_BYTES || id.chars().any(char::is_control) {
        let length = id.len();
        return Err(format!(
            "expected a line of at most {MOST_ID_BYTES} bytes in `{name}`, found {length} bytes or control characters"
        ));
    }
    Ok(Some(id))
}

fn seed(cell: Option<&Cell>, chosen: &Chosen) -> Result<Option<u64>, String> {
    let (Some(name), Some(cell)) = (&chosen.seed, cell) else { return Ok(None) };
    let seed = match cell {
        cell if is_blank(cell) => return Ok(None),
        Cell::Value(Value::Number(number)) => number.as_u64().or_else(|| number.as_f64().and_then(whole)),
        Cell::Value(Value::String(text)) => {
            text.trim().parse().ok().or_else(|| text.trim().parse().ok().and_then(whole))
        }
        _ => None,
    };
    let seed = seed.filter(|seed| *seed < SEEDS);
    seed.map(Some).ok_or_else(|| format!("expected a whole number below 2^53 in `{name}`, found {}", cell.kind()))
}

/// Tables with gaps have whole numbers written as fractions.
fn whole(number: f64) -> Option<u64> {
    (number.fract() == 0.0 && (0.0..SEEDS as f64).contains(&number)).then_some(number as u64)
}

/// A kept column as JSON.
fn kept((name, cell): (String, Option<Cell>)) -> Result<(String, Value), String> {
    let value = cell.map_or(Value::Null, plain);
    let length = match &value {
        Value::String(text) => text.len(),
        Value::Array(_) | Value::Object(_) => value.to_string().len(),
        _ => 0,
    };
    if length > MOST_KEPT_BYTES {
        return Err(format!("expected at most {MOST_KEPT_BYTES} bytes to keep in `{name}`, found {length}"));
    }
    Ok((name, value))
}

/// Bytes are kept as base64.
pub(super) fn plain(cell: Cell) -> Value {
    match cell {
        Cell::Value(value) => value,
        Cell::Bytes(bytes) => Value::String(STANDARD.encode(bytes)),
        Cell::Picture { bytes, name } => {
            let bytes = bytes.map_or(Value::Null, |bytes| Value::String(STANDARD.encode(bytes)));
            let name = name.map_or(Value::Null, Value::String);
            Value::Object([("bytes".to_owned(), bytes), ("path".to_owned(), name)].into_iter().collect())
        }
        Cell::List(cells) => Value::Array(cells.into_iter().map(plain).collect()),
    }
}
