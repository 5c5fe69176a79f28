//! Which records of a curation its last choice kept.

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray as _;
use arrow_array::types::{UInt32Type, UInt64Type};
use arrow_array::{Array as _, RecordBatch};
use editscale_curate::Record;
use editscale_curate::results::{CHOICE_TABLE, ChoiceFolder, DROPPED};
use editscale_rollout::dataset::Batches;
use thiserror::Error;

/// Records that are read at a time.
const BATCH: usize = 1024;

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
        let path = ChoiceFolder::of(curation).join(CHOICE_TABLE);
        if !path.is_file() {
            return Ok(None);
        }
        let failed = |reason: String| KeptError { path: path.clone(), reason };
        let file = File::open(&path).map_err(|error| failed(error.to_string()))?;
        let mut kept = HashSet::new();
        for batch in Batches::open(file, BATCH).map_err(failed)? {
            let columns = of_batch(&batch.map_err(failed)?, &mut kept);
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
