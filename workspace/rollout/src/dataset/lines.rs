//! JSONL: a JSON object a line.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::cell::Cells;
use super::columns::{Chosen, Found};
use super::files::{Files, Stream};
use super::json::{self, BYTE_ORDER_MARK};
use super::place::{index, numbers, place};
use super::reader::{Reader, Rows, foreign};
use super::subset::spans::{Frame, Spans, Spelling};
use super::subset::{Copier, CopyError};
use super::{DatasetError, Listed};
use crate::{Columns, Place, RowProblem};

/// The longest line. A picture in base64 may be on it.
pub(super) const MOST_LINE_BYTES: u64 = 64 << 20;
/// A reader of JSONL files.
#[derive(Debug)]
pub(super) struct Lines {
    files: Files,
    chosen: Chosen,
}

impl Lines {
    pub(super) fn open(path: &Path, files: Files, columns: &Columns) -> Result<Self, DatasetError> {
        let names = sample(path, &files)?;
        let chosen = Found::new(path, names).choose(columns)?;
        Ok(Self { files, chosen })
    }

    /// What is wrong with a row, as far as its line tells.
    fn problem(&self, span: &Span, line: &[u8]) -> Option<String> {
        if span.length > MOST_LINE_BYTES {
            return Some(format!("expected a line of at most {MOST_LINE_BYTES} bytes, found {}", span.length));
        }
        json::problem(line, &self.chosen)
    }
}

/// The keys of the first rows.
pub(super) fn sample(path: &Path, files: &Files) -> Result<Vec<String>, DatasetError> {
    let (mut survey, mut walk) = (json::Survey::default(), Walk::new(files.count()));
    while let Some((file, span)) = walk.next(files)? {
        let place = || format!("{}, line {}", files.name(file), span.number);
        if survey.look(Ok(&walk.line), span.offset, place) {
            break;
        }
    }
    survey.names(path)
}

impl Reader for Lines {
    fn format(&self) -> &'static str {
        "JSONL"
    }

    fn files(&self) -> &Files {
        &self.files
    }

    fn chosen(&self) -> &Chosen {
        &self.chosen
    }

    fn list(self: Arc<Self>) -> Rows {
        let mut walk = Walk::new(self.files.count());
        Box::new(std::iter::from_fn(move || {
            let (file, span) = match walk.next(&self.files).transpose()? {
                Ok(found) => found,
                Err(error) => return Some(Err(error)),
            };
            let place = place([file as u64, span.number, span.offset, span.length]);
            let problem = self.problem(&span, &walk.line);
            let problem = problem.map(|reason| RowProblem { place: self.spot(&place), reason });
            Some(Ok(Listed { place, problem }))
        }))
    }

    fn spot(&self, place: &Place) -> String {
        self.files.line_of(place)
    }

    fn cells(&self, place: &Place) -> Result<Cells, String> {
        json::parse(&self.files.line_at(place, "a line")?, &self.chosen)
    }

    fn copier(self: Arc<Self>, file: usize, created: File) -> Result<Box<dyn Copier>, CopyError> {
        let start = self.files.read_at(file, 0, BYTE_ORDER_MARK.len());
        let start = start.map_err(|error| CopyError::Read(error.to_string()))?;
        let start = if start == BYTE_ORDER_MARK { start } else { Vec::new() };
        Ok(Box::new(Spans::new(self, file, Frame { start, ..Frame::default() }, created)?))
    }
}

impl Spelling for Arc<Lines> {
    fn files(&self) -> &Files {
        &self.files
    }

    fn what(&self) -> &'static str {
        "a line"
    }

    fn check(&self, _: &[u8]) -> Result<(), String> {
        Ok(())
    }

    fn cells(&self, line: &[u8]) -> Result<Cells, String> {
        json::parse(line, &self.chosen)
    }
}

/// Lines and records by their place: the file, the number of the line, where it begins and how long it is.
impl Files {
    /// Where a line stands, for people.
    pub(super) fn line_of(&self, place: &Place) -> String {
        match numbers(place) {
            Some([file, line, _, _]) => format!("{}, line {line}", self.name(index(file))),
            None => place.to_string(),
        }
    }

    /// The bytes of a line, or of a record of several, as `what` calls it.
    pub(super) fn line_at(&self, place: &Place, what: &str) -> Result<Vec<u8>, String> {
        let [file, _, offset, length] = numbers(place).ok_or_else(|| foreign(place))?;
        if length > MOST_LINE_BYTES {
            return Err(format!("expected {what} of at most {MOST_LINE_BYTES} bytes, found {length}"));
        }
        let line = self.read_at(index(file), offset, index(length)).map_err(|error| error.to_string())?;
        if line.len() as u64 != length {
            let found = line.len();
            return Err(format!("expected {length} bytes from byte {offset} on, found {found}: the file was cut"));
        }
        Ok(line)
    }
}

/// Where a line lies.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    /// Of the line, from 1.
    pub(super) number: u64,
    pub(super) offset: u64,
    pub(super) length: u64,
}

/// A walk over all lines that are not blank.
struct Walk {
    count: usize,
    file: usize,
    stream: Option<Stream>,
    number: u64,
    line: Vec<u8>,
}

impl Walk {
    fn new(count: usize) -> Self {
        Self { count, file: 0, stream: None, number: 0, line: Vec::new() }
    }

    fn next(&mut self, files: &Files) -> Result<Option<(usize, Span)>, DatasetError> {
        while self.file < self.count {
            match self.next_line(files) {
                Ok(Some(span)) if self.is_blank(&span) => {}
                Ok(Some(span)) => return Ok(Some((self.file, span))),
                Ok(None) => (self.file, self.stream, self.number) = (self.file + 1, None, 0),
                Err(error) => {
                    let file = std::mem::replace(&mut self.file, self.count);
                    return Err(DatasetError::reading(files.path(file))(error));
                }
            }
        }
        Ok(None)
    }

    fn is_blank(&self, span: &Span) -> bool {
        let line = self.line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.line);
        span.length <= MOST_LINE_BYTES && line.trim_ascii().is_empty()
    }

    fn next_line(&mut self, files: &Files) -> io::Result<Option<Span>> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => self.stream.insert(files.stream(self.file)?),
        };
        let offset = stream.position();
        let length = read_line(stream, &mut self.line)?;
        self.number += 1;
        Ok((length > 0).then_some(Span { number: self.number, offset, length }))
    }
}

/// Reads a line with its end. Of one that is too long nothing is kept but its length.
pub(super) fn read_line(stream: &mut Stream, line: &mut Vec<u8>) -> io::Result<u64> {
    line.clear();
    line.shrink_to(1 << 20);
    let mut length = 0;
    loop {
        let filled = stream.fill()?;
        let end = memchr::memchr(b'\n', filled).map(|at| at + 1);
        let part = filled.get(..end.unwrap_or(filled.len())).unwrap_or_default();
        length += part.len() as u64;
        if length <= MOST_LINE_BYTES {
            line.extend_from_slice(part);
        } else {
            line.clear();
        }
        let part = part.len();
        stream.consume(part);
        if end.is_some() || part == 0 {
            return Ok(length);
        }
    }
}
