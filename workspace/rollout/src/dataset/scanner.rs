//! Finds the elements of a JSON list without holding it: where each begins and ends.

use std::fmt;
use std::io;

use super::files::Stream;
use super::json::BYTE_ORDER_MARK;

/// The most brackets within each other that are kept account of; what is deeper is not read in any case.
const DEEPEST: usize = 4096;

/// Where an element lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element {
    /// From 0, as programs count elements of a list.
    pub(super) number: u64,
    pub(super) offset: u64,
    pub(super) length: u64,
    /// What is wrong with it, where that is seen without reading it.
    pub(super) flaw: Option<Flaw>,
}

/// What is wrong with an element, or with the list at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It is longer than this.
    TooLong(u64),
    /// Nothing stands between two commas.
    Nothing,
    /// The file ends within it.
    Cut,
    /// The file ends before the list does.
    Unclosed,
    /// Something stands after the list.
    After,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(most) => write!(f, "expected an element of at most {most} bytes, found more"),
            Self::Nothing => f.write_str("expected a JSON object, found nothing between two commas"),
            Self::Cut => f.write_str(
                "the file ends within this element: it was cut off, or a quote or a bracket is never closed",
            ),
            Self::Unclosed => f.write_str("expected another element or `]`, found the end of the file: it was cut off"),
            Self::After => f.write_str("expected the end of the file after the list's `]`, found more; it is not read"),
        }
    }
}

/// Where the scanner is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Before,
    Within,
    Over,
}

/// A walk over the elements of one list.
pub(super) struct Scanner {
    /// The last element, if it is not too long.
    pub(super) text: Vec<u8>,
    stage: Stage,
    number: u64,
    most: u64,
}

impl Scanner {
    /// Elements of at most so many bytes are kept.
    pub(super) fn new(most: u64) -> Self {
        Self { text: Vec::new(), stage: Stage::Before, number: 0, most }
    }

    /// The next element of a stream that only this scanner reads.
    pub(super) fn next(&mut self, stream: &mut Stream) -> io::Result<Option<Element>> {
        self.text.clear();
        self.text.shrink_to(1 << 20);
        if self.stage == Stage::Before && !self.begin(stream)? {
            return Ok(None);
        }
        if self.stage == Stage::Over {
            return Ok(None);
        }
        let first = blank(stream)?;
        let offset = stream.position();
        match first {
            None => Ok(Some(self.last(offset, Flaw::Unclosed))),
            Some(b']') => {
                stream.consume(1);
                let more = blank(stream)?;
                self.stage = Stage::Over;
                Ok(more.map(|_| self.last(stream.position(), Flaw::After)))
            }
            Some(b',') => {
                stream.consume(1);
                Ok(Some(self.element(offset, 0, Some(Flaw::Nothing))))
            }
            Some(_) => self.read(stream, offset).map(Some),
        }
    }

    /// Reads up to the list's first bracket. False if nothing is there.
    fn begin(&mut self, stream: &mut Stream) -> io::Result<bool> {
        self.stage = Stage::Over;
        if stream.fill()?.starts_with(BYTE_ORDER_MARK) {
            stream.consume(BYTE_ORDER_MARK.len());
        }
        match blank(stream)? {
            None => Ok(false),
            Some(b'[') => {
                stream.consume(1);
                self.stage = Stage::Within;
                Ok(true)
            }
            Some(found) => {
                let found = char::from(found).escape_default();
                let reason = format!("expected a JSON list, which begins with `[`, found `{found}`");
                Err(io::Error::new(io::ErrorKind::InvalidData, reason))
            }
        }
    }

    fn element(&mut self, offset: u64, length: u64, flaw: Option<Flaw>) -> Element {
        self.number += 1;
        Element { number: self.number - 1, offset, length, flaw }
    }

    fn last(&mut self, offset: u64, flaw: Flaw) -> Element {
        self.stage = Stage::Over;
        self.element(offset, 0, Some(flaw))
    }

    /// Reads an element and the comma after it.
    fn read(&mut self, stream: &mut Stream, offset: u64) -> io::Result<Element> {
        let mut nesting = Nesting::default();
        let mut length = 0;
        let end = loop {
            let filled = stream.fill()?;
            let end = nesting.end_in(filled);
            let part = filled.get(..end.map_or(filled.len(), |(at, _)| at)).unwrap_or_default();
            length += part.len() as u64;
            if length <= self.most {
                self.text.extend_from_slice(part);
            } else {
                self.text.clear();
            }
            let part = part.len();
            stream.consume(part);
            if end.is_some() || part == 0 {
                break end;
            }
        };
        if let Some((_, End::Comma)) = end {
            stream.consume(1);
        }
        let flaw = match end {
            _ if length > self.most => Some(Flaw::TooLong(self.most)),
            None if !nesting.is_whole() => Some(Flaw::Cut),
            _ => None,
        };
        self.text.truncate(self.text.trim_ascii_end().len());
        if length <= self.most {
            length = self.text.len() as u64;
        }
        if flaw == Some(Flaw::Cut) {
            self.stage = Stage::Over;
        }
        Ok(self.element(offset, length, flaw))
    }
}

/// Leaves blanks out, and tells what comes after them.
fn blank(stream: &mut Stream) -> io::Result<Option<u8>> {
    loop {
        let filled = stream.fill()?;
        let length = filled.len();
        match filled.iter().position(|byte| !byte.is_ascii_whitespace()) {
            Some(at) => {
                let found = filled.get(at).copied();
                stream.consume(at);
                return Ok(found);
            }
            None if length == 0 => return Ok(None),
            None => stream.consume(length),
        }
    }
}

/// What ends an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Comma,
    /// The end of the list.
    Bracket,
    /// The next element begins where none can, so this one is damaged.
    Next,
}

/// How deep within brackets and quotes a byte of an element lies.
#[derive(Default)]
struct Nesting {
    /// The open brackets, `{` or `[`.
    open: Vec<u8>,
    /// How many of them are `[`.
    lists: usize,
    /// Open brackets of either kind within those that are kept account of.
    deeper: u64,
    is_quoted: bool,
    is_escaped: bool,
    /// The last byte outside quotes that is no blank.
    last: u8,
}

impl Nesting {
    /// Where an element ends in these bytes, and how.
    fn end_in(&mut self, bytes: &[u8]) -> Option<(usize, End)> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if self.is_quoted {
                at += self.quoted(rest);
                continue;
            }
            let byte = *rest.first()?;
            if let Some(end) = self.end_at(byte) {
                return Some((at, end));
            }
            self.step(byte);
            at += 1;
        }
        None
    }

    /// Whether the element ends before this byte.
    fn end_at(&self, byte: u8) -> Option<End> {
        match byte {
            b',' if self.open.is_empty() => Some(End::Comma),
            b']' if self.lists == 0 => Some(End::Bracket),
            // Within an object, `{` only ever comes after a colon.
            b'{' if self.lists == 0 && !self.open.is_empty() && self.last != b':' => Some(End::Next),
            _ => None,
        }
    }

    /// Whether what was read is an object from its first to its last byte.
    fn is_whole(&self) -> bool {
        self.open.is_empty() && !self.is_quoted && self.last == b'}'
    }

    fn step(&mut self, byte: u8) {
        match byte {
            b'"' => self.is_quoted = true,
            b'{' | b'[' if self.open.len() < DEEPEST => {
                self.open.push(byte);
                self.lists += usize::from(byte == b'[');
            }
            b'{' | b'[' => self.deeper += 1,
            b'}' | b']' if self.deeper > 0 => self.deeper -= 1,
            b'}' => self.close(b'{'),
            b']' => self.close(b'['),
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            self.last = byte;
        }
    }

    /// Closes the last bracket of a kind, and those within it that were forgotten.
    fn close(&mut self, kind: u8) {
        let objects = self.open.len() - self.lists;
        if (kind == b'[' && self.lists == 0) || (kind == b'{' && objects == 0) {
            return;
        }
        let at = self.open.iter().rposition(|open| *open == kind).unwrap_or_default();
        self.lists -= self.open.drain(at..).filter(|open| *open == b'[').count();
    }

    /// How many bytes are of a text in quotes. A line break, which no text has, ends one that was never closed.
    fn quoted(&mut self, bytes: &[u8]) -> usize {
        if std::mem::take(&mut self.is_escaped) {
            return 1;
        }
        let Some(at) = memchr::memchr3(b'"', b'\\', b'\n', bytes) else { return bytes.len() };
        match bytes.get(at) {
            Some(b'\\') => self.is_escaped = true,
            _ => self.is_quoted = false,
        }
        at + 1
    }
}
