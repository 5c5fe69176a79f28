//! Rows of Parquet: read and written with all of their columns, as the file says they are.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{ConvertedType, LogicalType, Type};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::schema::types::ColumnDescriptor;

use super::{Copier, CopyError};
use crate::Place;
use crate::dataset::columnar::{Columnar, find, guarded, rows_at_once};
use crate::dataset::named::Mention;
use crate::dataset::place::{index, numbers};
use crate::dataset::reader::{Reader, foreign};

/// The most bytes of a row group that is written: so much is held in memory.
const MOST_GROUP_BYTES: usize = 128 << 20;

/// Copies rows of one file.
pub(in crate::dataset) struct Table {
    columnar: Arc<Columnar>,
    file: usize,
    metadata: ArrowReaderMetadata,
    open: Option<Group>,
    writer: ArrowWriter<File>,
}

/// A row group that is being read.
struct Group {
    number: usize,
    reader: ParquetRecordBatchReader,
    /// Rows of a batch.
    size: u64,
    /// Which of its rows the batch holds.
    rows: Range<u64>,
    batch: Option<RecordBatch>,
    /// Which of them are kept and not yet written.
    run: Range<u64>,
}

impl Table {
    pub(in crate::dataset) fn new(columnar: Arc<Columnar>, file: usize, created: File) -> Result<Self, CopyError> {
        let metadata = columnar.metadata(file).map_err(CopyError::Read)?;
        let parquet = metadata.metadata();
        // What the file says of its Arrow types is copied as it stands, with all else that it says of itself.
        let mut options = ArrowWriterOptions::new().with_properties(properties(parquet)).with_skip_arrow_metadata(true);
        let schema = parquet.file_metadata().schema_descr();
        if schema.columns().iter().all(|column| is_writable(column)) {
            options = options.with_parquet_schema(schema.clone());
        }
        let schema = Arc::clone(metadata.schema());
        let writer = ArrowWriter::try_new_with_options(created, schema, options);
        let told = |error| CopyError::Read(format!("the columns cannot be written as they are: {error}"));
        let writer = writer.map_err(told)?;
        Ok(Self { columnar, file, metadata, open: None, writer })
    }

    /// Goes to the batch that holds a row.
    fn go_to(&mut self, number: usize, row: u64) -> Result<(), CopyError> {
        if self.open.as_ref().is_none_or(|group| group.number != number || row > group.rows.end + 4 * group.size) {
            self.write_run()?;
            self.open = Some(self.begin(number, row)?);
        }
        while let Some(group) = self.open.as_mut().filter(|group| !group.rows.contains(&row)) {
            write_run(group, &mut self.writer)?;
            group.next().map_err(CopyError::Read)?;
        }
        Ok(())
    }

    fn begin(&self, number: usize, row: u64) -> Result<Group, CopyError> {
        let path = self.columnar.files().path(self.file);
        let file = File::open(path).map_err(|error| CopyError::Read(error.to_string()))?;
        let size = rows_at_once(self.metadata.metadata(), number, |_| true);
        let first = row - row % size;
        let reader = guarded(|| {
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
                .with_row_groups(vec![number])
                .with_offset(index(first))
                .with_batch_size(index(size))
                .build()
                .map_err(|error| error.to_string())
        });
        let reader = reader.map_err(CopyError::Read)?;
        Ok(Group { number, reader, size, rows: first..first, batch: None, run: first..first })
    }

    fn write_run(&mut self) -> Result<(), CopyError> {
        self.open.as_mut().map_or(Ok(()), |group| write_run(group, &mut self.writer))
    }
}

impl Group {
    fn next(&mut self) -> Result<(), String> {
        let batch = guarded(|| self.reader.next().transpose().map_err(|error| error.to_string()))?;
        let batch = batch.filter(|batch| batch.num_rows() > 0).ok_or("the row group ends before this row")?;
        self.rows = self.rows.end..self.rows.end + batch.num_rows() as u64;
        self.run = self.rows.start..self.rows.start;
        self.batch = Some(batch);
        Ok(())
    }
}

/// Writes the rows that are kept of a batch and lie one after the other.
fn write_run(group: &mut Group, writer: &mut ArrowWriter<File>) -> Result<(), CopyError> {
    let run = std::mem::replace(&mut group.run, group.rows.end..group.rows.end);
    let Some(batch) = group.batch.as_ref().filter(|_| !run.is_empty()) else { return Ok(()) };
    let part = batch.slice(index(run.start - group.rows.start), index(run.end - run.start));
    guarded(|| writer.write(&part).map_err(|error| error.to_string())).map_err(CopyError::Read)
}

impl Copier for Table {
    fn copy(&mut self, place: &Place) -> Result<Vec<Mention>, CopyError> {
        let [_, group, row] = numbers(place).ok_or_else(|| CopyError::Row(foreign(place)))?;
        let number = index(group);
        let rows = self.metadata.metadata().row_groups().get(number).map(RowGroupMetaData::num_rows);
        if rows.is_none_or(|rows| u64::try_from(rows).is_ok_and(|rows| row >= rows)) {
            return Err(CopyError::Row(foreign(place)));
        }
        self.go_to(number, row)?;
        let Some(group) = &mut self.open else { return Ok(Vec::new()) };
        if group.run.end != row {
            write_run(group, &mut self.writer)?;
            group.run = row..row;
        }
        group.run.end = row + 1;
        let Some(batch) = &group.batch else { return Ok(Vec::new()) };
        let at = index(row - group.rows.start);
        Ok(self.columnar.cells_by(|name| find(batch, at, name)).map(|cells| cells.mentions()).unwrap_or_default())
    }

    fn finish(mut self: Box<Self>) -> Result<(), CopyError> {
        self.write_run()?;
        guarded(|| self.writer.finish().map_err(|error| error.to_string())).map_err(CopyError::Read)?;
        Ok(self.writer.inner().sync_all()?)
    }
}

/// Whether values of a column can be written as the file has them. Of others the type is made of what they are read as.
fn is_writable(column: &ColumnDescriptor) -> bool {
    let is_decimal = matches!(column.logical_type_ref(), Some(LogicalType::Decimal { .. }))
        || column.converted_type() == ConvertedType::DECIMAL;
    match column.physical_type() {
        Type::INT96 => false,
        Type::BYTE_ARRAY => !is_decimal,
        _ => true,
    }
}

/// How the file was written, as far as it says so.
fn properties(parquet: &ParquetMetaData) -> WriterProperties {
    let about = parquet.file_metadata();
    let version = if about.version() < 2 { WriterVersion::PARQUET_1_0 } else { WriterVersion::PARQUET_2_0 };
    let rows = parquet.row_groups().iter().filter_map(|group| usize::try_from(group.num_rows()).ok()).max();
    let mut properties = WriterProperties::builder()
        .set_writer_version(version)
        .set_key_value_metadata(about.key_value_metadata().cloned())
        .set_max_row_group_row_count(Some(rows.unwrap_or_default().max(1)))
        .set_max_row_group_bytes(Some(MOST_GROUP_BYTES));
    if let Some(group) = parquet.row_groups().first() {
        properties = properties.set_sorting_columns(group.sorting_columns().cloned());
        for column in group.columns() {
            let path = column.column_path().clone();
            properties = properties
                .set_column_compression(path.clone(), column.compression())
                .set_column_dictionary_enabled(path, column.dictionary_page_offset().is_some());
        }
    }
    properties.build()
}
