//! Pictures as rows name them: a path, an address, base64, bytes, or the image struct of `datasets`.

use std::path::Path;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use super::cell::Cell;
use crate::RowPicture;

/// Shorter texts are never taken for base64: no picture is that small.
const LEAST_BASE64: usize = 48;
/// No path is longer on any system in use.
const MOST_PATH_BYTES: usize = 4096;
/// How base64 of a picture begins: PNG, JPEG, WebP, GIF, TIFF of both orders.
const STARTS: [&str; 6] = ["iVBORw0KGgo", "/9j/", "UklGR", "R0lGOD", "SUkqA", "TU0AK"];

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// What a text says of a picture.
enum Text<'a> {
    Address(&'a str),
    Base64(&'a str),
    Path(&'a str),
}

/// Whether a cell names a picture, as far as that is seen without unpacking it.
pub(super) fn check(cell: &Cell) -> Result<(), String> {
    match cell {
        Cell::Value(Value::String(text)) => read(text).map(|_| ()),
        Cell::Value(Value::Array(items)) if items.len() != 1 => Err(not_one(items.len())),
        Cell::List(cells) if cells.len() != 1 => Err(not_one(cells.len())),
        Cell::Value(Value::Object(_) | Value::Array(_)) => Ok(()),
        Cell::Bytes(_) | Cell::Picture { .. } | Cell::List(_) => Ok(()),
        Cell::Value(other) => Err(unusable(other)),
    }
}

/// The picture that a cell names. Relative paths begin in `folder`.
pub(super) fn picture(cell: Cell, folder: &Path) -> Result<RowPicture, String> {
    match cell {
        Cell::Value(value) => of_value(value, folder),
        Cell::Bytes(bytes) => held(bytes, None),
        Cell::Picture { bytes: Some(bytes), name } => held(bytes, name),
        Cell::Picture { bytes: None, name: Some(name) } => of_text(&name, None, folder),
        Cell::Picture { bytes: None, name: None } => {
            Err("expected a picture, found neither bytes nor a path".to_owned())
        }
        Cell::List(cells) => picture(one(cells)?, folder),
    }
}

/// What a cell says of a picture that it does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mention {
    /// A path, relative or not.
    Path(String),
    /// An address.
    Elsewhere,
}

/// The pictures that a cell names and does not hold.
pub(super) fn mentions(cell: &Cell) -> Vec<Mention> {
    match cell {
        Cell::Value(value) => of_mentioned(value),
        Cell::Picture { bytes: None, name: Some(name) } => mention(name).into_iter().collect(),
        Cell::Bytes(_) | Cell::Picture { .. } => Vec::new(),
        Cell::List(cells) => cells.iter().flat_map(mentions).collect(),
    }
}

fn of_mentioned(value: &Value) -> Vec<Mention> {
    match value {
        Value::String(text) => match listed(text) {
            Some(items) => items.iter().flat_map(of_mentioned).collect(),
            None => mention(text).into_iter().collect(),
        },
        Value::Array(items) => items.iter().flat_map(of_mentioned).collect(),
        Value::Object(fields) => {
            let text = |key: &str| fields.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
            let named = text("path").or_else(|| text("url")).filter(|_| text("bytes").is_none());
            named.and_then(mention).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn mention(text: &str) -> Option<Mention> {
    match read(text).ok()? {
        Text::Address(_) => Some(Mention::Elsewhere),
        Text::Path(path) => Some(Mention::Path(path.to_owned())),
        Text::Base64(_) => None,
    }
}

fn held(bytes: Vec<u8>, name: Option<String>) -> Result<RowPicture, String> {
    if bytes.is_empty() {
        return Err("expected the bytes of a picture, found none".to_owned());
    }
    Ok(RowPicture::Bytes { name: name.filter(|name| !name.is_empty()), bytes })
}

fn one<T>(items: Vec<T>) -> Result<T, String> {
    let count = items.len();
    let mut items = items.into_iter();
    match (items.next(), items.next()) {
        (Some(item), None) => Ok(item),
        _ => Err(not_one(count)),
    }
}

fn not_one(count: usize) -> String {
    format!("expected one picture, found a list of {count}: an edit begins with one picture")
}

/// Whether a cell names pictures, one or a list of them, as far as that is seen without unpacking them.
pub(super) fn check_all(cell: &Cell) -> Result<(), String> {
    match cell {
        Cell::Value(Value::Array(items)) => some(items.len()),
        Cell::List(cells) => some(cells.len()),
        Cell::Value(Value::String(text)) => listed(text).map_or_else(|| check(cell), |items| some(items.len())),
        cell => check(cell),
    }
}

fn some(count: usize) -> Result<(), String> {
    if count == 0 { Err("expected at least one picture, found an empty list".to_owned()) } else { Ok(()) }
}

/// The pictures that a cell names: one, or a list of them, which a table holds as JSON.
pub(super) fn pictures(cell: Cell, folder: &Path) -> Result<Vec<RowPicture>, String> {
    let items = items(cell);
    let count = items.len();
    some(count)?;
    let told = |at: usize, reason: String| match count {
        1 => reason,
        _ => format!("picture {} of {count}: {reason}", at + 1),
    };
    let found = items.into_iter().enumerate();
    found.map(|(at, cell)| picture(cell, folder).map_err(|reason| told(at, reason))).collect()
}

/// What a list holds; anything else is alone.
fn items(cell: Cell) -> Vec<Cell> {
    let values = |values: Vec<Value>| values.into_iter().map(Cell::Value).collect();
    match cell {
        Cell::Value(Value::Array(items)) => values(items),
        Cell::Value(Value::String(text)) => match listed(&text) {
            Some(items) => values(items),
            None => vec![Cell::Value(Value::String(text))],
        },
        Cell::List(cells) => cells,
        cell => vec![cell],
    }
}

/// A JSON list as text.
fn listed(text: &str) -> Option<Vec<Value>> {
    text.trim_start().starts_with('[').then(|| serde_json::from_str(text).ok()).flatten()
}

fn of_value(value: Value, folder: &Path) -> Result<RowPicture, String> {
    match value {
        Value::String(text) => of_text(&text, None, folder),
        Value::Array(items) => of_value(one(items)?, folder),
        Value::Object(mut fields) => {
            let mut text = |key: &str| match fields.remove(key) {
                Some(Value::String(text)) if !text.is_empty() => Some(text),
                _ => None,
            };
            match (text("bytes"), text("path"), text("url")) {
                (Some(bytes), name, _) => held(unpack(&bytes).map_err(|reason| format!("`bytes`: {reason}"))?, name),
                (None, Some(text), _) | (None, None, Some(text)) => of_text(&text, None, folder),
                _ => Err(unusable(&Value::Object(fields))),
            }
        }
        other => Err(unusable(&other)),
    }
}

fn unusable(found: &Value) -> String {
    let found = match found {
        Value::Object(fields) => format!("an object with {} other keys", fields.len()),
        Value::Array(items) => format!("a list of {}", items.len()),
        other => other.to_string().chars().take(60).collect(),
    };
    format!("expected a path, an address, base64 or {{bytes, path}}, found {found}")
}

/// A path beside the data set; one that is not there and is in the folder where the program runs is meant from there, as `datasets`
/// writes paths of pictures that it does not embed.
fn beside(folder: &Path, path: impl AsRef<Path>) -> std::path::PathBuf {
    let path = path.as_ref();
    let beside = folder.join(path);
    if path.is_relative() && !beside.exists() && path.exists() { path.to_owned() } else { beside }
}

fn of_text(text: &str, name: Option<String>, folder: &Path) -> Result<RowPicture, String> {
    match read(text)? {
        Text::Address(address) => Ok(RowPicture::Address(address.to_owned())),
        Text::Base64(packed) => held(unpack(packed)?, name),
        Text::Path(path) => Ok(RowPicture::File(beside(folder, path))),
    }
}

fn read(text: &str) -> Result<Text<'_>, String> {
    let text = text.trim();
    let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("data") => return data_url(text),
        Some("http" | "https") => return Ok(Text::Address(text)),
        Some("file") => return file_url(text),
        Some(scheme) if text.get(scheme.len()..).is_some_and(|rest| rest.starts_with("://")) => {
            return Err(format!("expected a path or an address of http or https, found one of {scheme}"));
        }
        _ => {}
    }
    if text.starts_with("{'bytes'") {
        return Err("found a Python dict as text: write the data set as Parquet or JSONL instead".to_owned());
    }
    if is_base64(text) {
        return Ok(Text::Base64(text));
    }
    if text.is_empty() || text.len() > MOST_PATH_BYTES || text.contains('\0') {
        let start: String = text.chars().take(24).collect();
        return Err(format!(
            "expected a path, an address or base64 of a picture, found {} bytes that begin with `{start}`",
            text.len()
        ));
    }
    Ok(Text::Path(text))
}

/// Whether a text is meant as the base64 of a picture. Paths with a file extension have a dot, which base64 has not.
fn is_base64(text: &str) -> bool {
    let start = text.as_bytes().get(..LEAST_BASE64).unwrap_or_default();
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=\r\n".contains(byte);
    !start.is_empty() && start.iter().all(is_digit) && STARTS.iter().any(|known| text.starts_with(known))
}

fn file_url(text: &str) -> Result<Text<'_>, String> {
    let path = text.get("file://".len()..).map(|rest| rest.strip_prefix("localhost").unwrap_or(rest));
    match path.filter(|path| path.starts_with('/') && !path.contains('%')) {
        Some(path) => Ok(Text::Path(path)),
        None => {
            Err(format!("expected file:///PATH without escapes, found `{}`", text.chars().take(80).collect::<String>()))
        }
    }
}

fn data_url(text: &str) -> Result<Text<'_>, String> {
    let (head, packed) = text.split_once(',').ok_or("a data: address has no comma before its data")?;
    if !head.to_ascii_lowercase().ends_with(";base64") {
        return Err(format!("expected data:TYPE;base64,…, found `{}`", head.chars().take(60).collect::<String>()));
    }
    Ok(Text::Base64(packed))
}

/// Base64 of either alphabet, with or without padding and line breaks.
fn unpack(packed: &str) -> Result<Vec<u8>, String> {
    let joined: String;
    let packed = if packed.bytes().any(|byte| byte.is_ascii_whitespace()) {
        joined = packed.split_ascii_whitespace().collect();
        &joined
    } else {
        packed
    };
    let engine = if packed.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    engine.decode(packed).map_err(|error| format!("not base64: {error}"))
}
