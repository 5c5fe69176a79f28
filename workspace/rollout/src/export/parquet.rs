//! One Parquet file: its row groups small enough to be streamed, its pictures as they are, all else compressed.

use std::collections::BTreeSet;
use std::path::Path;

use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::ExportError;
use super::candidate::Entry;
use super::passing::{PassingFile, Written, file_error};
use super::picture_column::picture_properties;
use super::table::{Cell, Column, Kind, batch, schema};

/// Bytes of distinct pictures in a row group, after which it is closed.
const ROW_GROUP_BYTES: usize = 32 << 20;

/// Rows, and bytes of their pictures, that are copied at once.
const BATCH_ROWS: usize = 64;
const BATCH_BYTES: usize = 8 << 20;

/// The file.
pub(super) struct ParquetFile {
    writer: ArrowWriter<PassingFile>,
    schema: SchemaRef,
    columns: Vec<Column>,
    rows: u64,
    most_rows: usize,
    open: OpenGroup,
}

/// What is in the row group that is not closed.
#[derive(Default)]
struct OpenGroup {
    rows: usize,
    bytes: usize,
    /// Pictures are known by where their bytes lie: equal ones of a pack are one.
    pictures: BTreeSet<(usize, usize)>,
}

impl ParquetFile {
    pub(super) fn create(path: &Path, columns: Vec<Column>, most_rows: usize) -> Result<Self, ExportError> {
        let schema = schema(&columns);
        let file = PassingFile::create(path)?;
        let options = ArrowWriterOptions::new().with_properties(properties(&schema, &columns));
        let writer = ArrowWriter::try_new_with_options(file, schema.clone(), options);
        let writer = writer.map_err(|error| parquet_error(path, error))?;
        Ok(Self { writer, schema, columns, rows: 0, most_rows, open: OpenGroup::default() })
    }

    /// Adds rows, a few at a time, so that no more than a few are copied at once.
    pub(super) fn write(&mut self, entries: &[Entry<'_>]) -> Result<(), ExportError> {
        let mut waiting = Vec::new();
        let mut copied = 0;
        for entry in entries {
            copied += self.open.count(&self.columns, entry);
            waiting.push(*entry);
            let is_full = self.open.rows >= self.most_rows || self.open.bytes >= ROW_GROUP_BYTES;
            if is_full || waiting.len() >= BATCH_ROWS || copied >= BATCH_BYTES {
                self.put(&waiting)?;
                (waiting, copied) = (Vec::new(), 0);
            }
            if is_full {
                self.writer.flush().map_err(|error| self.error(error))?;
                self.open = OpenGroup::default();
            }
        }
        if waiting.is_empty() { Ok(()) } else { self.put(&waiting) }
    }

    fn put(&mut self, entries: &[Entry<'_>]) -> Result<(), ExportError> {
        let write = |this: &mut Self| this.writer.write(&batch(&this.schema, &this.columns, entries)?);
        write(self).map_err(|error| self.error(error))?;
        self.rows += entries.len() as u64;
        Ok(())
    }

    fn error(&self, error: ParquetError) -> ExportError {
        parquet_error(self.writer.inner().path(), error)
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn keep(self) -> Result<Written, ExportError> {
        let path = self.writer.inner().path().to_owned();
        self.writer.into_inner().map_err(|error| parquet_error(&path, error))?.keep()
    }
}

impl OpenGroup {
    /// Counts a row and says how many bytes its pictures have.
    fn count(&mut self, columns: &[Column], entry: &Entry<'_>) -> usize {
        self.rows += 1;
        let mut copied = 0;
        for column in columns.iter().filter(|column| column.kind == Kind::Picture) {
            if let Cell::Picture(picture) = (column.cell)(entry) {
                copied += picture.bytes.len();
                if self.pictures.insert((picture.bytes.as_ptr().addr(), picture.bytes.len())) {
                    self.bytes += picture.bytes.len();
                }
            }
        }
        copied
    }
}

fn properties(schema: &SchemaRef, columns: &[Column]) -> WriterProperties {
    let pictures = columns.iter().filter(|column| column.kind == Kind::Picture);
    picture_properties(schema, pictures.map(|column| column.name))
}

/// The error of the disk, where it is one.
fn parquet_error(path: &Path, error: ParquetError) -> ExportError {
    let source = match error {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(io) => *io,
            Err(other) => std::io::Error::other(other),
        },
        other => std::io::Error::other(other),
    };
    file_error(path, source)
}
