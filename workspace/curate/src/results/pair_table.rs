//! A Parquet file of pictures beside each other, which `datasets` shows as pictures.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use editscale_rollout::export::picture_column::{PICTURE_FEATURE, picture_column, picture_fields, picture_properties};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;

use super::{ResultsError, io, parquet};

/// Bytes of pictures in a row group, after which it is closed: readers hold one at a time.
const ROW_GROUP_BYTES: usize = 32 << 20;

/// A picture as it goes into a cell.
pub(super) type Picture = (Arc<[u8]>, String);

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Picture,
    Text,
    Int,
    Float,
    Flag,
}

/// Names and kinds of columns.
pub(super) type Columns = &'static [(&'static str, Kind)];

/// The file.
pub(super) struct PairTable {
    path: PathBuf,
    writer: ArrowWriter<File>,
    schema: SchemaRef,
    open_bytes: usize,
    rows: u64,
}

impl PairTable {
    pub(super) fn create(path: &Path, columns: Columns) -> Result<Self, ResultsError> {
        let schema = schema(columns);
        let file = File::create_new(path).map_err(io(path))?;
        let shown = columns.iter().filter(|(_, kind)| *kind == Kind::Picture).map(|(name, _)| *name);
        let options = ArrowWriterOptions::new().with_properties(picture_properties(&schema, shown));
        let writer = ArrowWriter::try_new_with_options(file, Arc::clone(&schema), options);
        let writer = writer.map_err(|error| parquet(path)(&error))?;
        Ok(Self { path: path.to_owned(), writer, schema, open_bytes: 0, rows: 0 })
    }

    /// Adds rows, of which the pictures have so many bytes.
    pub(super) fn write(&mut self, columns: Vec<ArrayRef>, picture_bytes: usize) -> Result<(), ResultsError> {
        let failed = parquet(&self.path);
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(|error| failed(&error))?;
        self.rows += batch.num_rows() as u64;
        self.writer.write(&batch).map_err(|error| failed(&error))?;
        self.open_bytes += picture_bytes;
        if self.open_bytes >= ROW_GROUP_BYTES {
            self.writer.flush().map_err(|error| failed(&error))?;
            self.open_bytes = 0;
        }
        Ok(())
    }

    /// Closes the file, and sees to it that it is on the disk; how many rows it has.
    pub(super) fn finish(self) -> Result<u64, ResultsError> {
        let file = self.writer.into_inner().map_err(|error| parquet(&self.path)(&error))?;
        file.sync_all().map_err(io(&self.path))?;
        Ok(self.rows)
    }
}

/// A column of pictures.
pub(super) fn pictures(cells: &[Picture], path: &Path) -> Result<ArrayRef, ResultsError> {
    let cells: Vec<Option<(&[u8], &str)>> = cells.iter().map(|(bytes, name)| Some((&**bytes, name.as_str()))).collect();
    picture_column(&cells).map(|column| Arc::new(column) as ArrayRef).map_err(|error| parquet(path)(&error))
}

fn schema(columns: Columns) -> SchemaRef {
    let field = |(name, kind): &(&str, Kind)| {
        let kind = match kind {
            Kind::Picture => DataType::Struct(picture_fields()),
            Kind::Text => DataType::Utf8,
            Kind::Int => DataType::Int64,
            Kind::Float => DataType::Float64,
            Kind::Flag => DataType::Boolean,
        };
        Field::new(*name, kind, true)
    };
    let features = HashMap::from([("huggingface".to_owned(), features(columns))]);
    Arc::new(Schema::new_with_metadata(columns.iter().map(field).collect::<Vec<_>>(), features))
}

/// What `datasets` reads of the columns.
fn features(columns: Columns) -> String {
    let value = |dtype: &str| format!("{{\"dtype\": \"{dtype}\", \"_type\": \"Value\"}}");
    let feature = |kind: Kind| match kind {
        Kind::Picture => PICTURE_FEATURE.to_owned(),
        Kind::Text => value("string"),
        Kind::Int => value("int64"),
        Kind::Float => value("float64"),
        Kind::Flag => value("bool"),
    };
    let features: Vec<String> = columns.iter().map(|(name, kind)| format!("\"{name}\": {}", feature(*kind))).collect();
    format!("{{\"info\": {{\"features\": {{{}}}}}}}", features.join(", "))
}
