//! CSV and TSV: a table with names in its first line.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use csv::ByteRecord;
use serde_json::Value;

use super::cell::{Cell, Cells};
use super::columns::{Chosen, Found};
use super::files::{Files, Stream};
use super::json::BYTE_ORDER_MARK;
use super::lines::MOST_LINE_BYTES;
use super::place::place;
use super::reader::{Reader, Rows};
use super::subset::spans::{Frame, Spans, Spelling};
use super::subset::{Copier, CopyError};
use super::{DatasetError, Listed};
use crate::{Columns, Place, RowProblem};

/// How often a quote that is never closed is forgiven in one file. Each costs a pass over what follows.
const MOST_OPEN_QUOTES: u32 = 100;

/// A reader of CSV files of one kind.
#[derive(Debug)]
pub(super) struct Table {
    files: Files,
    delimiter: u8,
    /// The names of the first file.
    header: Vec<String>,
    chosen: Chosen,
}

/// The delimiter and the names, which must be the same in all files.
pub(super) fn common_header(path: &Path, files: &Files) -> Result<(u8, Vec<String>), DatasetError> {
    let refused = |reason: String| DatasetError::Format { path: path.to_owned(), reason };
    let mut headers = Vec::new();
    for file in 0..files.count() {
        let read = |delimiter| Names::read(files, file, delimiter).map_err(DatasetError::reading(files.path(file)));
        // Without a delimiter the names end with their first line, which is enough to find it.
        let line = read(b'\0')?.record;
        let delimiter = delimiter(&line).ok_or_else(|| refused(no_delimiter(&files.name(file), &line)))?;
        let names = read(delimiter)?;
        if names.is_open {
            return Err(refused(format!(
                "{}: a quote among the names of its columns is never closed",
                files.name(file)
            )));
        }
        headers.push((delimiter, header(&names.record, delimiter).map_err(&refused)?));
    }
    let (delimiter, header) = headers.first().cloned().ok_or_else(|| DatasetError::Empty { path: path.to_owned() })?;
    if let Some(other) = headers.iter().position(|found| *found != (delimiter, header.clone())) {
        let reason = format!("{} has another first line than {}", files.name(other), files.name(0));
        return Err(refused(reason));
    }
    Ok((delimiter, header))
}

impl Table {
    pub(super) fn open(path: &Path, files: Files, columns: &Columns) -> Result<Self, DatasetError> {
        let (delimiter, header) = common_header(path, &files)?;
        let refused = |reason: String| DatasetError::Format { path: path.to_owned(), reason };
        let chosen = Found::new(path, header.clone()).choose(columns)?;
        let twice = chosen.names().into_iter().find(|name| header.iter().filter(|known| known == name).count() > 1);
        if let Some(name) = twice {
            return Err(refused(format!("two columns are called `{name}`")));
        }
        Ok(Self { files, delimiter, header, chosen })
    }

    fn parse(&self, record: &[u8]) -> Result<Cells, String> {
        let fields = fields(record, self.delimiter)?;
        if fields.len() != self.header.len() {
            return Err(format!("expected {} fields as in the first line, found {}", self.header.len(), fields.len()));
        }
        Cells::gather(&self.chosen, |name| {
            let field = self.header.iter().position(|known| known == name).and_then(|at| fields.get(at));
            field.map(|field| text(name, field)).transpose()
        })
    }

    fn problem(&self, walk: &Walk, record: &Record) -> Option<String> {
        match record.flaw {
            Some(Flaw::TooLong) => {
                Some(format!("expected a record of at most {MOST_LINE_BYTES} bytes, found {}", record.length))
            }
            Some(Flaw::Open) => {
                Some("a quote begins here that is never closed; the next line is read as a new record".to_owned())
            }
            None => match self.parse(&walk.record) {
                Ok(cells) => cells.check(&self.chosen).err(),
                Err(reason) => Some(reason),
            },
        }
    }
}

fn text(name: &str, field: &[u8]) -> Result<Cell, String> {
    match std::str::from_utf8(field) {
        Ok(text) => Ok(Cell::Value(Value::String(text.to_owned()))),
        Err(error) => Err(format!("`{name}` is not UTF-8 at its byte {}", error.valid_up_to())),
    }
}

fn fields(record: &[u8], delimiter: u8) -> Result<ByteRecord, String> {
    let record = record.strip_suffix(b"\n").unwrap_or(record);
    let record = record.strip_suffix(b"\r").unwrap_or(record);
    let mut reader = csv::ReaderBuilder::new();
    reader.has_headers(false).flexible(true).delimiter(delimiter).terminator(csv::Terminator::Any(b'\n'));
    reader.buffer_capacity(record.len().clamp(16, 8192));
    let mut fields = ByteRecord::new();
    reader.from_reader(record).read_byte_record(&mut fields).map_err(|error| error.to_string())?;
    Ok(fields)
}

/// The names in the first line.
fn header(line: &[u8], delimiter: u8) -> Result<Vec<String>, String> {
    let fields = fields(line, delimiter)?;
    let name = |field: &[u8]| match std::str::from_utf8(field) {
        Ok(name) => Ok(name.trim().to_owned()),
        Err(_) => Err("the first line is not UTF-8: save the table as UTF-8".to_owned()),
    };
    fields.iter().map(name).collect()
}

/// What separates the names in the first line: the one of comma, tab and semicolon that is there most often.
fn delimiter(line: &[u8]) -> Option<u8> {
    let count = |delimiter: u8| fields(line, delimiter).map_or(0, |fields| fields.len().saturating_sub(1));
    [b',', b'\t', b';'].into_iter().rev().max_by_key(|delimiter| count(*delimiter)).filter(|found| count(*found) > 0)
}

fn no_delimiter(name: &str, line: &[u8]) -> String {
    let start: String = String::from_utf8_lossy(line).trim().chars().take(60).collect();
    format!(
        "expected JSONL, a JSON list, CSV, TSV, Parquet or a tar archive; {name} begins with `{start}`, which names no columns with commas, \
         tabs or semicolons between them"
    )
}

/// The first record of a file, which names the columns. Names within quotes may go over several lines.
struct Names {
    /// What stands before it.
    mark: &'static [u8],
    record: Vec<u8>,
    /// Whether the file ends within a quote, or the record is too long to be one.
    is_open: bool,
}

impl Names {
    fn read(files: &Files, file: usize, delimiter: u8) -> io::Result<Self> {
        let (mut stream, mut splitter, mut record) = (files.stream(file)?, Splitter::new(delimiter), Vec::new());
        let mark = skip_mark(&mut stream)?;
        let length = read_record(&mut stream, &mut splitter, &mut record)?;
        Ok(Self { mark, record, is_open: splitter.flaw(length).is_some() })
    }
}

/// Goes behind a mark at the beginning of a file: a quote after it begins a field.
fn skip_mark(stream: &mut Stream) -> io::Result<&'static [u8]> {
    if !stream.fill()?.starts_with(BYTE_ORDER_MARK) {
        return Ok(&[]);
    }
    stream.consume(BYTE_ORDER_MARK.len());
    Ok(BYTE_ORDER_MARK)
}

impl Reader for Table {
    fn format(&self) -> &'static str {
        if self.delimiter == b'\t' { "TSV" } else { "CSV" }
    }

    fn files(&self) -> &Files {
        &self.files
    }

    fn chosen(&self) -> &Chosen {
        &self.chosen
    }

    fn list(self: Arc<Self>) -> Rows {
        let mut walk = Walk { file: 0, stream: None, line: 1, record: Vec::new(), open_quotes: 0 };
        Box::new(std::iter::from_fn(move || {
            let (file, record) = match walk.next(&self).transpose()? {
                Ok(found) => found,
                Err(error) => return Some(Err(error)),
            };
            let place = place([file as u64, record.line, record.offset, record.length]);
            let problem = self.problem(&walk, &record);
            let problem = problem.map(|reason| RowProblem { place: self.spot(&place), reason });
            Some(Ok(Listed { place, problem }))
        }))
    }

    fn spot(&self, place: &Place) -> String {
        self.files.line_of(place)
    }

    fn cells(&self, place: &Place) -> Result<Cells, String> {
        let record = self.files.line_at(place, "a record")?;
        self.parse(&record)
    }

    fn copier(self: Arc<Self>, file: usize, created: File) -> Result<Box<dyn Copier>, CopyError> {
        let names = Names::read(&self.files, file, self.delimiter);
        let names = names.map_err(|error| CopyError::Read(error.to_string()))?;
        let start = [names.mark, &names.record].concat();
        Ok(Box::new(Spans::new(self, file, Frame { start, ..Frame::default() }, created)?))
    }
}

impl Spelling for Arc<Table> {
    fn files(&self) -> &Files {
        &self.files
    }

    fn what(&self) -> &'static str {
        "a record"
    }

    fn check(&self, record: &[u8]) -> Result<(), String> {
        let mut splitter = Splitter::new(self.delimiter);
        splitter.end_in(record);
        match splitter.state {
            State::Quoted => Err("a quote begins in it that is never closed, which would spoil the table".to_owned()),
            _ => Ok(()),
        }
    }

    fn cells(&self, record: &[u8]) -> Result<Cells, String> {
        self.parse(record)
    }
}

/// Where a record lies.
#[derive(Debug, Clone, Copy)]
struct Record {
    /// Its first line, from 1.
    line: u64,
    offset: u64,
    length: u64,
    flaw: Option<Flaw>,
}

#[derive(Debug, Clone, Copy)]
enum Flaw {
    TooLong,
    /// The file ends within a quote.
    Open,
}

/// A walk over all records that are not blank.
struct Walk {
    file: usize,
    stream: Option<Stream>,
    /// The line that the next record begins on.
    line: u64,
    record: Vec<u8>,
    open_quotes: u32,
}

impl Walk {
    fn next(&mut self, table: &Table) -> Result<Option<(usize, Record)>, DatasetError> {
        while self.file < table.files.count() {
            match self.next_record(table) {
                Ok(Some(record)) if record.flaw.is_none() && self.record.trim_ascii().is_empty() => {}
                Ok(Some(record)) => return Ok(Some((self.file, record))),
                Ok(None) => (self.file, self.stream, self.line, self.open_quotes) = (self.file + 1, None, 1, 0),
                Err(error) => {
                    let file = std::mem::replace(&mut self.file, table.files.count());
                    return Err(DatasetError::reading(table.files.path(file))(error));
                }
            }
        }
        Ok(None)
    }

    fn next_record(&mut self, table: &Table) -> io::Result<Option<Record>> {
        if self.stream.is_none() {
            skip_mark(self.stream.insert(table.files.stream(self.file)?))?;
            // The names.
            self.read(table)?;
        }
        let (mut record, splitter) = self.read(table)?;
        record.flaw = splitter.flaw(record.length);
        if record.flaw.is_some() {
            record.length = self.go_back(table, record)?;
        }
        Ok((record.length > 0).then_some(record))
    }

    fn read(&mut self, table: &Table) -> io::Result<(Record, Splitter)> {
        let mut splitter = Splitter::new(table.delimiter);
        let Some(stream) = &mut self.stream else { return Err(io::Error::other("no file is open")) };
        let (line, offset) = (self.line, stream.position());
        let length = read_record(stream, &mut splitter, &mut self.record)?;
        self.line += splitter.lines;
        Ok((Record { line, offset, length, flaw: None }, splitter))
    }

    /// After a quote that is never closed: goes on with the line after the one on which the record began.
    fn go_back(&mut self, table: &Table, record: Record) -> io::Result<u64> {
        self.open_quotes += 1;
        if self.open_quotes > MOST_OPEN_QUOTES {
            let reason = format!("line {}: more than {MOST_OPEN_QUOTES} quotes are never closed", record.line);
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        let Some(stream) = &mut self.stream else { return Ok(record.length) };
        if !stream.seek_plain(record.offset)? {
            *stream = table.files.stream(self.file)?;
            stream.skip(record.offset)?;
        }
        self.line = record.line + 1;
        super::lines::read_line(stream, &mut self.record)
    }
}

/// Finds the end of a record as the `csv` crate reads it: quotes count only at the beginning of a field.
struct Splitter {
    delimiter: u8,
    state: State,
    /// Line breaks seen.
    lines: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    Bare,
    Quoted,
    /// After a quote within quotes: the end, or the first of two.
    Closing,
}

impl Splitter {
    fn new(delimiter: u8) -> Self {
        Self { delimiter, state: State::FieldStart, lines: 0 }
    }

    /// How many of these bytes belong to the record, once it ends in them.
    fn end_in(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, byte) in bytes.iter().copied().enumerate() {
            self.lines += u64::from(byte == b'\n');
            self.state = match (self.state, byte) {
                (State::Quoted, b'"') => State::Closing,
                (State::Quoted, _) => State::Quoted,
                (State::Closing, b'"') => State::Quoted,
                (State::FieldStart, b'"') => State::Quoted,
                (_, b'\n') => return Some(at + 1),
                (_, byte) if byte == self.delimiter => State::FieldStart,
                _ => State::Bare,
            };
        }
        None
    }

    fn flaw(&self, length: u64) -> Option<Flaw> {
        match self.state {
            State::Quoted => Some(if length > MOST_LINE_BYTES { Flaw::TooLong } else { Flaw::Open }),
            _ => (length > MOST_LINE_BYTES).then_some(Flaw::TooLong),
        }
    }
}

/// Reads a record with its end. Of one that is too long nothing is kept, and reading stops there if it is within a quote.
fn read_record(stream: &mut Stream, splitter: &mut Splitter, record: &mut Vec<u8>) -> io::Result<u64> {
    record.clear();
    record.shrink_to(1 << 20);
    let mut length = 0;
    loop {
        let filled = stream.fill()?;
        let end = splitter.end_in(filled);
        let part = filled.get(..end.unwrap_or(filled.len())).unwrap_or_default();
        length += part.len() as u64;
        if length <= MOST_LINE_BYTES {
            record.extend_from_slice(part);
        } else {
            record.clear();
        }
        let part = part.len();
        stream.consume(part);
        let is_lost = length > MOST_LINE_BYTES && splitter.state == State::Quoted;
        if end.is_some() || part == 0 || is_lost {
            return Ok(length);
        }
    }
}
