//! Rows and pictures that are read again for what is written beside a choice.

use std::collections::BTreeMap;

use editscale_rollout::dataset::{Dataset, PictureProblem, Pictures};
use editscale_rollout::{Place, Row, RowPicture};
use editscale_study::curation::Side;

use super::ResultsError;
use super::pair_table::Picture;
use crate::choice::Chosen;
use crate::table::ScoreFiles;

/// Where the pictures of pairs and labels come from.
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

/// Rows that are read again: where they lie, and the side of the split that their source is on.
pub(super) struct KnownRows(BTreeMap<u64, (Place, &'static str)>);

impl KnownRows {
    /// The side of a row, whether anything of it is kept or not.
    pub(super) fn side(&self, row: u64) -> Option<&'static str> {
        Some(self.0.get(&row)?.1)
    }
}

/// The word for a side in tables.
pub(super) fn side_word(side: Side) -> &'static str {
    match side {
        Side::Train => "train",
        Side::Validation => "validation",
    }
}

impl PairSource<'_> {
    /// Where these rows lie.
    pub(super) fn known(&self, rows: impl Iterator<Item = u64>) -> Result<KnownRows, ResultsError> {
        let mut rows: Vec<u64> = rows.collect();
        rows.sort_unstable();
        rows.dedup();
        let mut known = BTreeMap::new();
        for (record, fated) in self.files.records().zip(&self.chosen.fated) {
            let record = record?;
            if rows.binary_search(&record.row).is_err() {
                continue;
            }
            known.entry(record.row).or_insert_with(|| (Place(record.place), side_word(fated.side)));
        }
        Ok(KnownRows(known))
    }

    pub(super) fn row(&self, row: u64, known: &KnownRows) -> Result<Row, ResultsError> {
        let changed = || ResultsError::Changed { records: self.chosen.fated.len(), found: 0 };
        let (place, _) = known.0.get(&row).ok_or_else(changed)?;
        Ok(self.dataset.fetch(place, row)?)
    }

    /// The bytes of a picture of a row, and what it is called.
    pub(super) async fn picture(&self, row: u64, picture: Option<RowPicture>) -> Result<Picture, ResultsError> {
        let gone = || PictureProblem::Unusable("the row has no such picture any more".to_owned());
        let failed = |problem| ResultsError::Picture { row, problem };
        let picture = picture.ok_or_else(|| failed(gone()))?;
        let name = picture.name().unwrap_or_default();
        let brought = self.pictures.bring(picture).await.map_err(failed)?;
        let read = self.pictures.read(brought).map_err(failed)?;
        Ok((read.bytes, name))
    }
}

pub(super) fn edited(row: &Row, candidate: u32) -> Option<RowPicture> {
    row.edited.get(candidate as usize).cloned()
}
