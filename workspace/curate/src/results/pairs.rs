//! Preferences with their pictures, as trainers read them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, StringArray};
use editscale_rollout::dataset::{Dataset, Pictures};
use editscale_rollout::{Place, Row, RowPicture};
use editscale_study::curation::Side;

use super::pair_table::{Columns, Kind, PairTable, Picture, pictures};
use super::{ResultsError, io};
use crate::choice::{Chosen, Fate, Preference, PreferredBy};
use crate::table::ScoreFiles;

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

/// Where the pictures of pairs come from.
#[derive(Debug, Clone, Copy)]
pub struct PairSource<'a> {
    /// The data set.
    pub dataset: &'a Dataset,
    /// Its records.
    pub files: &'a ScoreFiles,
    /// What became of them, for the side of the split that a pair is on.
    pub chosen: &'a Chosen,
    /// Brings pictures.
    pub pictures: &'a Pictures,
}

/// What is known of a row that is in a pair.
struct Known {
    place: Place,
    side: Option<&'static str>,
}

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

impl PairSource<'_> {
    /// Where the rows of pairs lie. A pair is on the side of its kept rows; where none is kept it is on neither.
    fn known(&self, pairs: &[Preference]) -> Result<BTreeMap<u64, Known>, ResultsError> {
        let mut rows: Vec<u64> = pairs.iter().flat_map(|pair| [pair.chosen.0, pair.rejected.0]).collect();
        rows.sort_unstable();
        rows.dedup();
        let mut known = BTreeMap::new();
        for (record, fated) in self.files.records().zip(&self.chosen.fated) {
            let record = record?;
            if rows.binary_search(&record.row).is_err() {
                continue;
            }
            let entry = known.entry(record.row).or_insert_with(|| Known { place: Place(record.place), side: None });
            entry.side = entry.side.or(match fated.fate {
                Fate::Kept(Side::Train) => Some("train"),
                Fate::Kept(Side::Validation) => Some("validation"),
                Fate::Dropped(_) => None,
            });
        }
        Ok(known)
    }

    async fn picture(&self, row: u64, picture: Option<RowPicture>) -> Result<Picture, ResultsError> {
        let gone = || super::PictureProblem::Unusable("the row has no such picture any more".to_owned());
        let failed = |problem| ResultsError::Picture { row, problem };
        let picture = picture.ok_or_else(|| failed(gone()))?;
        let name = picture.name().unwrap_or_default();
        let brought = self.pictures.bring(picture).await.map_err(failed)?;
        let read = self.pictures.read(brought).map_err(failed)?;
        Ok((read.bytes, name))
    }

    async fn shown(&self, preference: Preference, known: &BTreeMap<u64, Known>) -> Result<Shown, ResultsError> {
        let (chosen_row, chosen) = preference.chosen;
        let (rejected_row, rejected) = preference.rejected;
        let mut better = self.row(chosen_row, known)?;
        let rejected = if rejected_row == chosen_row {
            edited(&better, rejected)
        } else {
            edited(&self.row(rejected_row, known)?, rejected)
        };
        let side = |row: u64| known.get(&row).and_then(|known| known.side);
        let chosen = edited(&better, chosen);
        Ok(Shown {
            preference,
            side: side(chosen_row).or_else(|| side(rejected_row)),
            chosen: self.picture(chosen_row, chosen).await?,
            rejected: self.picture(rejected_row, rejected).await?,
            row_id: std::mem::take(&mut better.id),
            instruction: std::mem::take(&mut better.instruction),
            source: self.picture(chosen_row, Some(better.source)).await?,
        })
    }

    fn row(&self, row: u64, known: &BTreeMap<u64, Known>) -> Result<Row, ResultsError> {
        let changed = || ResultsError::Changed { records: self.chosen.fated.len(), found: 0 };
        let known = known.get(&row).ok_or_else(changed)?;
        Ok(self.dataset.fetch(&known.place, row)?)
    }
}

fn edited(row: &Row, candidate: u32) -> Option<RowPicture> {
    row.edited.get(candidate as usize).cloned()
}

/// Writes pairs with their pictures: `source`, `chosen`, `rejected` beside `instruction`, as the pairs of rollouts are written;
/// how many. Nothing is written where there are none.
pub async fn write_pairs(source: PairSource<'_>, pairs: &[Preference], path: &Path) -> Result<u64, ResultsError> {
    if pairs.is_empty() {
        return Ok(0);
    }
    let known = source.known(pairs)?;
    let mut table = PairTable::create(path, COLUMNS)?;
    for together in pairs.chunks(TOGETHER) {
        let mut shown = Vec::with_capacity(together.len());
        for pair in together {
            shown.push(source.shown(*pair, &known).await?);
        }
        let bytes = shown.iter().map(|pair| pair.source.0.len() + pair.chosen.0.len() + pair.rejected.0.len()).sum();
        table.write(columns(&shown, path)?, bytes)?;
    }
    let rows = table.finish()?;
    std::fs::File::open(path).and_then(|file| file.sync_all()).map_err(io(path))?;
    Ok(rows)
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
