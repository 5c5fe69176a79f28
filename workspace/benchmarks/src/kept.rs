//! Which records of a curation its last choice kept.

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray as _;
use arrow_array::types::{UInt32Type, UInt64Type};
use arrow_array::{Array as _, RecordBatch};
use editscale_curate::Record;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use thiserror::Error;

/// What became of every record, below the folder of a curation.
const CHOICE: &str = "choice/choice.parquet";
/// What `fate` says of records that were not kept.
const DROPPED: &str = "dropped";

/// Why it cannot be said what was kept.
#[derive(Debug, Error)]
#[error("cannot read what was kept from {}: {reason}", path.display())]
pub struct KeptError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// The records that a choice kept, for training and for validation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptRecords(HashSet<(u64, u32)>);

impl KeptRecords {
    /// What the last choice of the curation in this folder kept; nothing where nothing was chosen yet.
    pub fn find(curation: &Path) -> Result<Option<Self>, KeptError> {
        let path = curation.join(CHOICE);
        if !path.is_file() {
            return Ok(None);
        }
        let failed = |reason: String| KeptError { path: path.clone(), reason };
        let file = File::open(&path).map_err(|error| failed(error.to_string()))?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| failed(error.to_string()))?;
        let mut kept = HashSet::new();
        for batch in builder.build().map_err(|error| failed(error.to_string()))? {
            let batch = batch.map_err(|error| failed(error.to_string()))?;
            let columns = of_batch(&batch, &mut kept);
            columns.ok_or_else(|| failed("expected the columns row, candidate and fate of `curate`".to_owned()))?;
        }
        Ok(Some(Self(kept)))
    }

    /// Whether it kept this one.
    pub fn holds(&self, record: &Record) -> bool {
        self.0.contains(&(record.row, record.candidate))
    }

    /// How many it kept.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

fn of_batch(batch: &RecordBatch, kept: &mut HashSet<(u64, u32)>) -> Option<()> {
    let rows = batch.column_by_name("row")?.as_primitive_opt::<UInt64Type>()?;
    let candidates = batch.column_by_name("candidate")?.as_primitive_opt::<UInt32Type>()?;
    let fates = batch.column_by_name("fate")?.as_string_opt::<i32>()?;
    let is_kept = |at: &usize| fates.is_valid(*at) && fates.value(*at) != DROPPED;
    kept.extend((0..batch.num_rows()).filter(is_kept).map(|at| (rows.value(at), candidates.value(at))));
    Some(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test panics")]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, StringArray, UInt32Array, UInt64Array};
    use parquet::arrow::ArrowWriter;

    use super::*;

    fn written(folder: &Path, last: &str) {
        let columns: [(&str, ArrayRef); 3] = [
            ("row", Arc::new(UInt64Array::from(vec![0, 0, 3]))),
            ("candidate", Arc::new(UInt32Array::from(vec![0, 1, 0]))),
            (last, Arc::new(StringArray::from(vec!["train", "dropped", "validation"]))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        std::fs::create_dir_all(folder.join("choice")).unwrap();
        let mut writer =
            ArrowWriter::try_new(File::create(folder.join(CHOICE)).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    #[test]
    fn train_and_validation_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(KeptRecords::find(folder.path()).unwrap(), None);
        written(folder.path(), "fate");
        let kept = KeptRecords::find(folder.path()).unwrap().unwrap();
        assert_eq!(kept, KeptRecords(HashSet::from([(0, 0), (3, 0)])));
        written(folder.path(), "destiny");
        assert!(KeptRecords::find(folder.path()).unwrap_err().to_string().contains("row, candidate and fate"));
    }
}
