//! Single edited pictures with their sources: what people want or do not, for trainers that need no pairs, and what was kept of
//! rows that have several.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};

use super::ResultsError;
use super::pair_table::{Columns, Kind, PairTable, pictures};
use super::rows::{KnownRows, PairSource};
use crate::choice::Fate;
use crate::review::Label;

/// What both tables begin with.
macro_rules! columns {
    ($($own:expr),*) => {
        &[
            ("row", Kind::Int),
            ("candidate", Kind::Int),
            ("row_id", Kind::Text),
            ("instruction", Kind::Text),
            ("source", Kind::Picture),
            ("edited", Kind::Picture),
            ("score", Kind::Float),
            ("side", Kind::Text),
            $($own),*
        ]
    };
}

const KEPT: Columns = columns![];
const LABELS: Columns = columns![("label", Kind::Flag), ("labelled_by", Kind::Text)];

/// One edited picture to be shown with its source.
struct One {
    of: (u64, u32),
    score: Option<f64>,
}

/// Writes labels with their pictures; how many. `label` is true of what people kept. Nothing is written where there are none.
pub async fn write_labels(source: PairSource<'_>, labels: &[Label], path: &Path) -> Result<u64, ResultsError> {
    if labels.is_empty() {
        return Ok(0);
    }
    let known = source.known(labels.iter().map(|label| label.of.0))?;
    let mut table = PairTable::create(path, LABELS)?;
    for label in labels {
        let one = One { of: label.of, score: label.score };
        let (mut columns, bytes) = shown((source, &known), &one, path).await?;
        columns.push(Arc::new(BooleanArray::from(vec![label.is_desirable])));
        columns.push(Arc::new(StringArray::from_iter_values([&label.who])));
        table.write(columns, bytes)?;
    }
    table.finish()
}

/// Writes what was kept of rows that have several edited pictures, each by itself; how many. Nothing is written where no kept
/// row has several.
pub async fn write_kept_of_several(source: PairSource<'_>, path: &Path) -> Result<u64, ResultsError> {
    let several = source.chosen.fated.chunk_by(|a, b| a.row == b.row).filter(|row| row.len() > 1);
    let kept = several.flatten().filter(|fated| matches!(fated.fate, Fate::Kept(_)));
    let ones: Vec<One> = kept.map(|fated| One { of: (fated.row, fated.candidate), score: fated.score }).collect();
    if ones.is_empty() {
        return Ok(0);
    }
    let known = source.known(ones.iter().map(|one| one.of.0))?;
    let mut table = PairTable::create(path, KEPT)?;
    for one in &ones {
        let (columns, bytes) = shown((source, &known), one, path).await?;
        table.write(columns, bytes)?;
    }
    table.finish()
}

/// The cells that both tables have, and the bytes of their pictures.
async fn shown(
    (source, known): (PairSource<'_>, &KnownRows),
    one: &One,
    path: &Path,
) -> Result<(Vec<ArrayRef>, usize), ResultsError> {
    let (row, candidate) = one.of;
    let found = source.row(row, known)?;
    let after = source.after(one.of, known, &found).await?;
    let before = source.before(row, known, found.source).await?;
    let bytes = before.0.len() + after.0.len();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values([row as i64])),
        Arc::new(Int64Array::from_iter_values([i64::from(candidate)])),
        Arc::new(StringArray::from_iter_values([found.id])),
        Arc::new(StringArray::from_iter_values([found.instruction])),
        pictures(&[before], path)?,
        pictures(&[after], path)?,
        Arc::new(Float64Array::from(vec![one.score])),
        Arc::new(StringArray::from(vec![known.side(row)])),
    ];
    Ok((columns, bytes))
}
