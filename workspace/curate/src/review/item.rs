//! What is shown of a record, and which records are looked at first.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::choice::{Chosen, Fate, Fated};
use crate::{Record, Value};

use editscale_study::curation::Side;

/// A record as the page shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    /// The row's number in the data set.
    pub row: u64,
    /// Which of the row's edited pictures.
    pub candidate: u32,
    /// What the data set calls the row.
    pub row_id: String,
    /// What was asked for.
    pub instruction: String,
    /// μ.
    pub score: Option<f64>,
    /// σ.
    pub sigma: Option<f64>,
    /// μ − κσ.
    pub bound: Option<f64>,
    /// What each reward said, parts included.
    pub said: BTreeMap<String, Value>,
    /// The stratum's name.
    pub stratum: String,
    /// Whether the rules keep it.
    pub is_kept: bool,
    /// What became of it, in words.
    pub fate: String,
    /// Why there is no score.
    pub failure: Option<String>,
    /// How far the bound lies from the lowest that was kept, of its stratum where each has a part of its own.
    pub from_cut: Option<f64>,
    /// Width and height of the edited picture.
    pub size: Option<[u32; 2]>,
    /// Where the row lies, in words of its reader.
    #[serde(skip)]
    pub place: String,
}

/// What became of records, for the items of a page.
pub type Fates<'a> = BTreeMap<(u64, u32), &'a Fated>;

impl Item {
    /// The item of a record; nothing where the choice does not know it.
    pub fn of(record: Record, fates: &Fates<'_>, chosen: &Chosen) -> Option<Self> {
        let fated = fates.get(&(record.row, record.candidate))?;
        Some(Self {
            row: record.row,
            candidate: record.candidate,
            row_id: record.row_id,
            instruction: record.instruction,
            score: record.score,
            sigma: record.sigma,
            bound: fated.bound,
            said: record.said,
            stratum: chosen.strata.get(fated.stratum as usize).cloned().unwrap_or_default(),
            is_kept: matches!(fated.fate, Fate::Kept(_)),
            fate: fate_words(&fated.fate),
            failure: record.failure,
            from_cut: fated.bound.zip(chosen.cut(fated.stratum)).map(|(bound, lowest)| bound - lowest),
            size: record.edited.map(|edited| [edited.width, edited.height]),
            place: record.place,
        })
    }
}

/// What became of a record, in words.
pub fn fate_words(fate: &Fate) -> String {
    match fate {
        Fate::Kept(Side::Train) => "kept".to_owned(),
        Fate::Kept(Side::Validation) => "kept, for validation".to_owned(),
        Fate::Dropped(reason) => format!("dropped: {reason}"),
    }
}

/// Which records are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection {
    /// About how many: rows are whole, so that their edited pictures can be compared.
    pub most: usize,
    /// Whether only records next to the cut are taken. Otherwise half are, and the others are drawn from all.
    pub near_cut: bool,
    /// Another number draws others.
    pub seed: u64,
}

/// Records of whole rows.
pub type Looked = BTreeSet<(u64, u32)>;

/// Chooses what a review looks at: with a page for each of many reviewers, give each another seed. What people already spoke
/// of is there too, so that it can be seen and taken back. Equal choices give equal reviews.
pub fn select(chosen: &Chosen, selection: &Selection, spoken: impl Iterator<Item = (u64, u32)>) -> Looked {
    let mut near: Vec<(f64, u64)> = chosen
        .fated
        .iter()
        .filter_map(|fated| Some(((fated.bound? - chosen.cut(fated.stratum)?).abs(), fated.row)))
        .filter(|(distance, _)| distance.is_finite())
        .collect();
    near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let drawn = |row: u64| editscale_study::curation::key_of(format!("{} {row}", selection.seed).as_bytes());
    let mut any: Vec<(u64, u64)> = chosen.fated.iter().map(|fated| (drawn(fated.row), fated.row)).collect();
    any.sort_unstable();
    let near_share = if selection.near_cut { selection.most } else { selection.most.div_ceil(2) };
    let mut rows: BTreeSet<u64> = spoken.map(|(row, _)| row).collect();
    let sizes = chosen.fated.iter().fold(BTreeMap::<u64, usize>::new(), |mut sizes, fated| {
        *sizes.entry(fated.row).or_default() += 1;
        sizes
    });
    let mut taken = 0;
    let mut take = |row: u64, most: usize| {
        if taken < most && rows.insert(row) {
            taken += sizes.get(&row).copied().unwrap_or(0);
        }
    };
    near.iter().for_each(|(_, row)| take(*row, near_share));
    // Where nothing has a bound there is no cut to be near to.
    if !selection.near_cut || near.is_empty() {
        any.iter().for_each(|(_, row)| take(*row, selection.most));
    }
    let fated = chosen.fated.iter().filter(|fated| rows.contains(&fated.row));
    fated.map(|fated| (fated.row, fated.candidate)).collect()
}
