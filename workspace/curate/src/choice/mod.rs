//! Records to what is kept, and why the rest is not.

mod allotment;
mod choosing;
mod error;
mod groups;
mod overrides;
mod preferences;
mod reading;
mod rules;
mod selection;
mod sides;

use std::collections::BTreeMap;

use editscale_study::curation::{Distribution, DropReason, Histogram, KappaPoint, Overlap, Side};

pub use choosing::choose;
pub use error::ChoiceError;
pub use overrides::{Override, Overrides};
pub use preferences::{Preference, Preferences, PreferredBy, preferences};
pub use rules::{Diversity, GroupBy, Keep, PerRow, PreferenceRules, Rules, ShareOut, SplitRule, Strata, THE_SCORE};

/// What became of one record.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// It is kept, for this part of the split; everything is for training where nothing is split.
    Kept(Side),
    /// It is not, for this reason.
    Dropped(DropReason),
}

/// One record's numbers and its fate.
#[derive(Debug, Clone, PartialEq)]
pub struct Fated {
    /// The row's number in the data set.
    pub row: u64,
    /// Which of the row's edited pictures.
    pub candidate: u32,
    /// Its score, μ.
    pub score: Option<f64>,
    /// Its bound, μ − κσ: what the choice went by.
    pub bound: Option<f64>,
    /// Its stratum: a place in [`Chosen::strata`].
    pub stratum: u32,
    /// The part of the split that its source is in, kept or not; everything is for training where nothing is split.
    pub side: Side,
    /// What became of it.
    pub fate: Fate,
}

/// A choice, and what people want to know of it. 80 bytes a record.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// One for each record, in record order.
    pub fated: Vec<Fated>,
    /// Names of the strata.
    pub strata: Vec<String>,
    /// What was dropped for which reason: how many records, and the first few (places in `fated`).
    pub dropped: BTreeMap<DropReason, (u64, Vec<u64>)>,
    /// Scores of each stratum that has scored records, with examples at each decile (places in `fated`), and the same scores in
    /// bins: all of them, and those that were kept.
    pub distributions: BTreeMap<u32, StratumScores>,
    /// The choice at other κ; empty where no record has a σ.
    pub kappas: Vec<KappaPoint>,
    /// The choice by each reward alone and by each part, against this one.
    pub judges: Vec<(String, Overlap)>,
    /// How many groups of near duplicates there are with more than one record.
    pub near_duplicate_groups: u64,
    /// The lowest bound that was kept by the rules; nothing where none was.
    pub lowest: Option<f64>,
    /// The same of each stratum, where each has a part of its own to fill; empty where all compete.
    pub lowest_of_strata: Vec<Option<f64>>,
    /// Records whose bound is within their own σ of `lowest`, on either side: with these the choice could have gone the other way.
    pub near_lowest: u64,
}

impl Chosen {
    /// The lowest bound that was kept among those that records of this stratum compete with.
    pub fn cut(&self, stratum: u32) -> Option<f64> {
        if self.lowest_of_strata.is_empty() {
            return self.lowest;
        }
        self.lowest_of_strata.get(stratum as usize).copied().flatten()
    }
}

/// The scores of one stratum.
#[derive(Debug, Clone)]
pub struct StratumScores {
    /// All scored records.
    pub all: Distribution,
    /// All scored records in bins.
    pub bins: Histogram,
    /// Those that were kept, in the same bins.
    pub kept: Histogram,
}
