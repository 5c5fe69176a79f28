//! Preferences with their pictures, as trainers read them.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, StringArray};

use super::ResultsError;
use super::pair_table::{Columns, Kind, PairTable, Picture, pictures};
use super::rows::{KnownRows, PairSource};
use crate::choice::{Preference, PreferredBy};

/// Pairs whose pictures are in memory at a time.
const TOGETHER: usize = 8;

const COLUMNS: Columns = &[
    ("row", Kind::Int),
    ("row_id", Kind::Text),
    ("instruction", Kind::Text),
    ("source", Kind::Picture),
    ("chosen", Kind::Picture),
    ("rejected", Kind::Picture),
    ("chosen_row", Kind::Int),
    ("chosen_candidate", Kind::Int),
    ("rejected_row", Kind::Int),
    ("rejected_candidate", Kind::Int),
    ("margin", Kind::Float),
    ("confidence", Kind::Float),
    ("preferred_by", Kind::Text),
    ("side", Kind::Text),
];

/// A pair with all that is written of it.
struct Shown {
    preference: Preference,
    row_id: String,
    instruction: String,
    side: Option<&'static str>,
    source: Picture,
    chosen: Picture,
    rejected: Picture,
}

async fn shown(source: PairSource<'_>, preference: Preference, known: &KnownRows) -> Result<Shown, ResultsError> {
    let (at, other) = (preference.chosen, preference.rejected);
    let mut better = source.row(at.0, known)?;
    let rejected = if other.0 == at.0 {
        source.after(other, known, &better).await?
    } else {
        source.after(other, known, &source.row(other.0, known)?).await?
    };
    Ok(Shown {
        preference,
        side: known.side(at.0),
        chosen: source.after(at, known, &better).await?,
        rejected,
        row_id: std::mem::take(&mut better.id),
        instruction: std::mem::take(&mut better.instruction),
        source: source.before(at.0, known, better.source).await?,
    })
}

/// Writes pairs with their pictures: `source`, `chosen`, `rejected` beside `instruction`, as the pairs of rollouts are written;
/// how many. Nothing is written where there are none.
pub async fn write_pairs(source: PairSource<'_>, pairs: &[Preference], path: &Path) -> Result<u64, ResultsError> {
    if pairs.is_empty() {
        return Ok(0);
    }
    let known = source.known(pairs.iter().flat_map(|pair| [pair.chosen.0, pair.rejected.0]))?;
    let mut table = PairTable::create(path, COLUMNS)?;
    for together in pairs.chunks(TOGETHER) {
        let mut shown = Vec::with_capacity(together.len());
        for pair in together {
            shown.push(self::shown(source, *pair, &known).await?);
        }
        let bytes = shown.iter().map(|pair| pair.source.0.len() + pair.chosen.0.len() + pair.rejected.0.len()).sum();
        table.write(columns(&shown, path)?, bytes)?;
    }
    table.finish()
}

/// The cells, in the order of [`COLUMNS`].
fn columns(shown: &[Shown], path: &Path) -> Result<Vec<ArrayRef>, ResultsError> {
    let int = |cell: fn(&Preference) -> u64| -> ArrayRef {
        Arc::new(shown.iter().map(|pair| cell(&pair.preference) as i64).collect::<Int64Array>())
    };
    let float = |cell: fn(&Preference) -> Option<f64>| -> ArrayRef {
        Arc::new(shown.iter().map(|pair| cell(&pair.preference)).collect::<Float64Array>())
    };
    let text =
        |cell: fn(&Shown) -> Option<&str>| -> ArrayRef { Arc::new(shown.iter().map(cell).collect::<StringArray>()) };
    let picture =
        |cell: fn(&Shown) -> &Picture| pictures(&shown.iter().map(|pair| cell(pair).clone()).collect::<Vec<_>>(), path);
    Ok(vec![
        int(|pair| pair.chosen.0),
        text(|pair| Some(&pair.row_id)),
        text(|pair| Some(&pair.instruction)),
        picture(|pair| &pair.source)?,
        picture(|pair| &pair.chosen)?,
        picture(|pair| &pair.rejected)?,
        int(|pair| pair.chosen.0),
        int(|pair| u64::from(pair.chosen.1)),
        int(|pair| pair.rejected.0),
        int(|pair| u64::from(pair.rejected.1)),
        float(|pair| pair.margin),
        float(|pair| pair.confidence),
        text(|pair| {
            Some(match pair.preference.by {
                PreferredBy::Person => "person",
                PreferredBy::Rewards => "rewards",
            })
        }),
        text(|pair| pair.side),
    ])
}
