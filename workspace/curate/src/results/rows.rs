//! Rows and pictures that are read again for what is written beside a choice.

use std::collections::BTreeMap;

use editscale_engine::digest_of;
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
pub(super) struct KnownRows(BTreeMap<u64, KnownRow>);

struct KnownRow {
    place: Place,
    side: &'static str,
    /// Digests of the source and of the edited pictures, as they were scored.
    source: Option<String>,
    edited: BTreeMap<u32, String>,
}

impl KnownRows {
    /// The side of a row, whether anything of it is kept or not.
    pub(super) fn side(&self, row: u64) -> Option<&'static str> {
        Some(self.0.get(&row)?.side)
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
            let row = known.entry(record.row).or_insert_with(|| KnownRow {
                place: Place(record.place),
                side: side_word(fated.side),
                source: record.source.map(|facts| facts.digest),
                edited: BTreeMap::new(),
            });
            row.edited.extend(record.edited.map(|facts| (record.candidate, facts.digest)));
        }
        Ok(KnownRows(known))
    }

    pub(super) fn row(&self, row: u64, known: &KnownRows) -> Result<Row, ResultsError> {
        let known = known.0.get(&row).ok_or(ResultsError::Gone(row))?;
        Ok(self.dataset.fetch(&known.place, row)?)
    }

    /// The source of a row.
    pub(super) async fn before(
        &self,
        row: u64,
        known: &KnownRows,
        picture: RowPicture,
    ) -> Result<Picture, ResultsError> {
        let digest = known.0.get(&row).and_then(|known| known.source.as_deref());
        self.picture(row, Some(picture), digest).await
    }

    /// An edited picture of a row.
    pub(super) async fn after(&self, at: (u64, u32), known: &KnownRows, row: &Row) -> Result<Picture, ResultsError> {
        let digest = known.0.get(&at.0).and_then(|known| Some(known.edited.get(&at.1)?.as_str()));
        self.picture(at.0, row.edited.get(at.1 as usize).cloned(), digest).await
    }

    /// The bytes of a picture of a row, and what it is called; only the ones that were scored.
    async fn picture(
        &self,
        row: u64,
        picture: Option<RowPicture>,
        digest: Option<&str>,
    ) -> Result<Picture, ResultsError> {
        let failed = |problem| ResultsError::Picture { row, problem };
        let unusable = |words: &str| failed(PictureProblem::Unusable(words.to_owned()));
        let picture = picture.ok_or_else(|| unusable("the row has no such picture any more"))?;
        let name = picture.name().unwrap_or_default();
        let brought = self.pictures.bring(picture).await.map_err(failed)?;
        let read = self.pictures.read(brought).map_err(failed)?;
        if digest.is_some_and(|digest| digest_of(&read.bytes).to_string() != digest) {
            return Err(unusable(&format!("{name} is another picture than the one that was scored")));
        }
        Ok((read.bytes, name))
    }
}
