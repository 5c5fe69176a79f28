//! Rows that are spans of a text: lines, records, elements of a list.

use std::fs::File;

use super::{Copier, CopyError, Output};
use crate::Place;
use crate::dataset::cell::Cells;
use crate::dataset::files::Files;
use crate::dataset::named::Mention;
use crate::dataset::place::numbers;
use crate::dataset::reader::foreign;

/// What a format says of its spans.
pub(in crate::dataset) trait Spelling: Send {
    /// The files.
    fn files(&self) -> &Files;
    /// What a span is called.
    fn what(&self) -> &'static str;
    /// That a span can stand among others without spoiling them.
    fn check(&self, span: &[u8]) -> Result<(), String>;
    /// The cells of a span.
    fn cells(&self, span: &[u8]) -> Result<Cells, String>;
}

/// What stands around spans.
#[derive(Default)]
pub(in crate::dataset) struct Frame {
    /// At the beginning of the file. A span that begins where the file does begins after so much of it as is the same.
    pub(in crate::dataset) start: Vec<u8>,
    pub(in crate::dataset) between: Vec<u8>,
    pub(in crate::dataset) end: Vec<u8>,
}

/// Copies spans of one file.
pub(in crate::dataset) struct Spans<S> {
    spelling: S,
    frame: Frame,
    output: Output,
    is_first: bool,
}

impl<S: Spelling> Spans<S> {
    pub(in crate::dataset) fn new(spelling: S, file: usize, frame: Frame, created: File) -> Result<Self, CopyError> {
        let packing = spelling.files().packing(file)?;
        let mut output = Output::new(created, packing)?;
        output.write(&frame.start)?;
        Ok(Self { spelling, frame, output, is_first: true })
    }
}

impl<S: Spelling> Copier for Spans<S> {
    fn copy(&mut self, place: &Place) -> Result<Vec<Mention>, CopyError> {
        let [_, _, offset, _] = numbers(place).ok_or_else(|| CopyError::Row(foreign(place)))?;
        let bytes = self.spelling.files().line_at(place, self.spelling.what()).map_err(CopyError::Row)?;
        let start = if offset == 0 { self.frame.start.as_slice() } else { &[] };
        let span = bytes.strip_prefix(start).unwrap_or(&bytes);
        self.spelling.check(span).map_err(CopyError::Row)?;
        if !std::mem::take(&mut self.is_first) {
            self.output.write(&self.frame.between)?;
        }
        self.output.write(span)?;
        // A row that cannot be used names no pictures, and is kept as it is.
        Ok(self.spelling.cells(span).map(|cells| cells.mentions()).unwrap_or_default())
    }

    fn finish(self: Box<Self>) -> Result<(), CopyError> {
        let Self { frame, mut output, .. } = *self;
        output.write(&frame.end)?;
        Ok(output.finish()?)
    }
}
