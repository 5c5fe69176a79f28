//! The batches of one Parquet file, whatever it holds.

use std::fmt;
use std::fs::File;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::columnar::guarded;
use super::footer::read_footer;

/// The batches of a Parquet file, in its order. A damaged file is refused or ends with an error, also where the library would panic
/// or run out of stack, and after an error nothing comes. Blocking.
pub struct Batches {
    reader: ParquetRecordBatchReader,
    schema: SchemaRef,
    is_over: bool,
}

impl Batches {
    /// Those of this file, of so many rows each but the last.
    pub fn open(file: File, rows: usize) -> Result<Self, String> {
        let footer = read_footer(&file, ArrowReaderOptions::new())?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, footer).with_batch_size(rows);
        let schema = builder.schema().clone();
        let reader = guarded(|| builder.build().map_err(|error| error.to_string()))?;
        Ok(Self { reader, schema, is_over: false })
    }

    /// The columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }
}

impl fmt::Debug for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches").field("is_over", &self.is_over).finish_non_exhaustive()
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let batch = guarded(|| self.reader.next().transpose().map_err(|error| error.to_string())).transpose();
        self.is_over = !matches!(batch, Some(Ok(_)));
        batch
    }
}
