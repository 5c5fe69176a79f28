//! Edited pictures that people want or do not, with their pictures, for trainers that need no pairs.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};

use super::ResultsError;
use super::pair_table::{Columns, Kind, PairTable, pictures};
use super::rows::{PairSource, edited};
use crate::review::Label;

const COLUMNS: Columns = &[
    ("row", Kind::Int),
    ("candidate", Kind::Int),
    ("row_id", Kind::Text),
    ("instruction", Kind::Text),
    ("source", Kind::Picture),
    ("edited", Kind::Picture),
    ("label", Kind::Flag),
    ("score", Kind::Float),
    ("labelled_by", Kind::Text),
    ("side", Kind::Text),
];

/// Writes labels with their pictures; how many. `label` is true of what people kept. Nothing is written where there are none.
pub async fn write_labels(source: PairSource<'_>, labels: &[Label], path: &Path) -> Result<u64, ResultsError> {
    if labels.is_empty() {
        return Ok(0);
    }
    let known = source.known(labels.iter().map(|label| label.of.0))?;
    let mut table = PairTable::create(path, COLUMNS)?;
    for label in labels {
        let (row, candidate) = label.of;
        let found = source.row(row, &known)?;
        let after = source.picture(row, edited(&found, candidate)).await?;
        let before = source.picture(row, Some(found.source)).await?;
        let bytes = before.0.len() + after.0.len();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values([row as i64])),
            Arc::new(Int64Array::from_iter_values([i64::from(candidate)])),
            Arc::new(StringArray::from_iter_values([found.id])),
            Arc::new(StringArray::from_iter_values([found.instruction])),
            pictures(&[before], path)?,
            pictures(&[after], path)?,
            Arc::new(BooleanArray::from(vec![label.is_desirable])),
            Arc::new(Float64Array::from(vec![label.score])),
            Arc::new(StringArray::from_iter_values([&label.who])),
            Arc::new(StringArray::from(vec![known.side(row)])),
        ];
        table.write(columns, bytes)?;
    }
    table.finish()
}
