//! Which format a data set is in, by the first bytes of its files.

use std::path::Path;

use super::DatasetError;
use super::files::Files;
use super::json::BYTE_ORDER_MARK;
use super::tar;

/// Bytes that are looked at.
const START: usize = 4096;

/// The readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Lines,
    Elements,
    Table,
    Columnar,
    Samples,
}

/// First bytes of what is not read here, and what to do.
const OTHERS: [(&[u8], &str); 7] = [
    (b"ARROW1", "an Arrow file: write Parquet with `to_parquet` of datasets"),
    (b"\xff\xff\xff\xff", "an Arrow stream, as datasets keeps it: write Parquet with `to_parquet`"),
    (b"PK\x03\x04", "a ZIP archive: unpack it first"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\xff\xfe", "text in UTF-16: save it as UTF-8"),
    (b"\xfe\xff", "text in UTF-16: save it as UTF-8"),
];

/// The format that all files are in.
pub(super) fn sniff(path: &Path, files: &Files) -> Result<Kind, DatasetError> {
    let mut first = None;
    for file in 0..files.count() {
        let found = kind(files, file)?;
        match (first, found) {
            (None, found) => first = found,
            (Some(first), Some(found)) if first != found => {
                let reason = format!("{} is in another format than the files before it", files.name(file));
                return Err(DatasetError::Format { path: path.to_owned(), reason });
            }
            _ => {}
        }
    }
    first.ok_or_else(|| DatasetError::Empty { path: path.to_owned() })
}

/// None for an empty file.
fn kind(files: &Files, file: usize) -> Result<Option<Kind>, DatasetError> {
    let path = files.path(file);
    let start = files.stream(file).and_then(|mut stream| stream.take(START)).map_err(DatasetError::reading(path))?;
    let refused = |reason: String| DatasetError::Format { path: path.to_owned(), reason };
    if start.starts_with(b"PAR1") {
        return if files.is_packed(file) {
            Err(refused("a packed Parquet file: unpack it, it is packed within already".to_owned()))
        } else {
            Ok(Some(Kind::Columnar))
        };
    }
    if tar::header(&start).is_some() || is_empty_tar(&start) {
        return Ok(Some(Kind::Samples));
    }
    if let Some((_, name)) = OTHERS.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Err(refused(format!("expected JSONL, a JSON list, CSV, TSV, Parquet or a tar archive, found {name}")));
    }
    of_text(&start, &files.name(file)).map_err(refused)
}

fn is_empty_tar(start: &[u8]) -> bool {
    start.len() >= 1024 && start.iter().take(1024).all(|byte| *byte == 0)
}

fn of_text(start: &[u8], name: &str) -> Result<Option<Kind>, String> {
    let text = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(start).trim_ascii_start();
    let name = name.to_ascii_lowercase();
    match text.first() {
        None => Ok(None),
        Some(b'{') => Ok(Some(Kind::Lines)),
        Some(b'[') if is_list(text, &name) => Ok(Some(Kind::Elements)),
        Some(_) if text.contains(&0) => {
            Err("expected JSONL, a JSON list, CSV, TSV, Parquet or a tar archive, found bytes of no known format"
                .to_owned())
        }
        // What is on the first line may be the one bad row.
        Some(_) if name.contains(".jsonl") || name.contains(".ndjson") => Ok(Some(Kind::Lines)),
        Some(_) => Ok(Some(Kind::Table)),
    }
}

/// Whether a file, packed or not, begins as a JSON list does.
pub(super) fn begins_a_list(path: &Path) -> bool {
    let start =
        Files::new(vec![path.to_owned()]).map_err(|(_, error)| error).and_then(|files| files.stream(0)?.take(64));
    start.is_ok_and(|start| start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&start).trim_ascii_start().starts_with(b"["))
}

/// Whether a text that begins with `[` is one list: of a table that may be a name, and among lines the one bad row.
fn is_list(text: &[u8], name: &str) -> bool {
    let is_of_objects = || text.get(1..).is_some_and(|rest| rest.trim_ascii_start().starts_with(b"{"));
    let is_table = name.contains(".csv") || name.contains(".tsv");
    let is_lines = name.contains(".jsonl") || name.contains(".ndjson");
    !is_table && (!is_lines || is_of_objects())
}
