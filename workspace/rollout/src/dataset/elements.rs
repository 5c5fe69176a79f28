//! JSON lists: a file that is one array of objects.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use serde::de::IgnoredAny;

use super::cell::Cells;
use super::columns::{Chosen, Found};
use super::files::{Files, Stream};
use super::json;
use super::lines::MOST_LINE_BYTES;
use super::place::{index, numbers, place};
use super::reader::{Reader, Rows};
use super::scanner::{Element, Scanner};
use super::subset::spans::{Frame, Spans, Spelling};
use super::subset::{Copier, CopyError};
use super::{DatasetError, Listed};
use crate::{Columns, Place, RowProblem};

/// Bytes in which the first element begins, if its file is to be spelt as it was.
const LONGEST_START: usize = 4096;

/// A reader of JSON lists.
#[derive(Debug)]
pub(super) struct Elements {
    files: Files,
    chosen: Chosen,
}

impl Elements {
    pub(super) fn open(path: &Path, files: Files, columns: &Columns) -> Result<Self, DatasetError> {
        let names = sample(path, &files)?;
        let chosen = Found::new(path, names).choose(columns)?;
        Ok(Self { files, chosen })
    }
}

impl Elements {
    /// What stands around the elements of a file, as it is spelt before its first one.
    fn frame(&self, file: usize) -> io::Result<Frame> {
        let start = self.files.read_at(file, 0, LONGEST_START)?;
        let bracket = start.iter().position(|byte| *byte == b'[').map_or(start.len(), |at| at + 1);
        let (before, rest) = start.split_at(bracket);
        let blanks = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let blanks = rest.get(..blanks).filter(|blanks| blanks.len() < rest.len()).unwrap_or(b"\n");
        let is_broken = blanks.contains(&b'\n');
        let between = if blanks.is_empty() { b", ".to_vec() } else { [b",", blanks].concat() };
        let end: &[u8] = if is_broken { b"\n]\n" } else { b"]" };
        Ok(Frame { start: [before, blanks].concat(), between, end: end.to_vec() })
    }
}

/// The keys of the first elements.
pub(super) fn sample(path: &Path, files: &Files) -> Result<Vec<String>, DatasetError> {
    let (mut survey, mut walk) = (json::Survey::default(), Walk::new(files.count()));
    while let Some((file, element)) = walk.next(files)? {
        let place = || format!("{}, element {}", files.name(file), element.number);
        let row = element.flaw.map_or_else(|| Ok(walk.scanner.text.as_slice()), |flaw| Err(flaw.to_string()));
        if survey.look(row, element.offset, place) {
            break;
        }
    }
    survey.names(path)
}

impl Reader for Elements {
    fn format(&self) -> &'static str {
        "JSON list"
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
            let (file, element) = match walk.next(&self.files).transpose()? {
                Ok(found) => found,
                Err(error) => return Some(Err(error)),
            };
            let place = place([file as u64, element.number, element.offset, element.length]);
            let text = &walk.scanner.text;
            let reason = element.flaw.map_or_else(|| json::problem(text, &self.chosen), |flaw| Some(flaw.to_string()));
            let problem = reason.map(|reason| RowProblem { place: self.spot(&place), reason });
            Some(Ok(Listed { place, problem }))
        }))
    }

    fn spot(&self, place: &Place) -> String {
        match numbers(place) {
            Some([file, element, _, _]) => format!("{}, element {element}", self.files.name(index(file))),
            None => place.to_string(),
        }
    }

    fn cells(&self, place: &Place) -> Result<Cells, String> {
        json::parse(&self.files.line_at(place, "an element")?, &self.chosen)
    }

    fn copier(self: Arc<Self>, file: usize, created: File) -> Result<Box<dyn Copier>, CopyError> {
        let frame = self.frame(file).map_err(|error| CopyError::Read(error.to_string()))?;
        Ok(Box::new(Spans::new(self, file, frame, created)?))
    }
}

impl Spelling for Arc<Elements> {
    fn files(&self) -> &Files {
        &self.files
    }

    fn what(&self) -> &'static str {
        "an element"
    }

    /// One element that is no JSON would make the whole file unreadable.
    fn check(&self, element: &[u8]) -> Result<(), String> {
        let read = serde_json::from_slice::<IgnoredAny>(element);
        read.map(|_| ()).map_err(|error| format!("the element is not JSON, which would spoil the list: {error}"))
    }

    fn cells(&self, element: &[u8]) -> Result<Cells, String> {
        json::parse(element, &self.chosen)
    }
}

/// A walk over the elements of all files.
struct Walk {
    count: usize,
    file: usize,
    stream: Option<Stream>,
    scanner: Scanner,
}

impl Walk {
    fn new(count: usize) -> Self {
        Self { count, file: 0, stream: None, scanner: Scanner::new(MOST_LINE_BYTES) }
    }

    fn next(&mut self, files: &Files) -> Result<Option<(usize, Element)>, DatasetError> {
        while self.file < self.count {
            match self.next_element(files) {
                Ok(Some(element)) => return Ok(Some((self.file, element))),
                Ok(None) => {
                    (self.file, self.stream) = (self.file + 1, None);
                    self.scanner = Scanner::new(MOST_LINE_BYTES);
                }
                Err(error) => {
                    let file = std::mem::replace(&mut self.file, self.count);
                    return Err(DatasetError::reading(files.path(file))(error));
                }
            }
        }
        Ok(None)
    }

    fn next_element(&mut self, files: &Files) -> io::Result<Option<Element>> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => self.stream.insert(files.stream(self.file)?),
        };
        self.scanner.next(stream)
    }
}
