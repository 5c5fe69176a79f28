//! What a choice goes by.

use editscale_study::StudyError;
use editscale_study::curation::{Gate, Likeness, PairRule, Quota, WithoutDoubt};

/// The part of a [`Gate`] that is the score itself, μ. No reward can have this name, which has a blank.
pub const THE_SCORE: &str = "the score";

/// The rules of a choice, in the order in which they apply.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// Bounds on parts of the score, called as in [`crate::Record::said`], and on [`THE_SCORE`].
    pub gates: Vec<Gate>,
    /// κ in μ − κσ, which records are compared by. 0 is the score itself, and then no σ is needed.
    pub kappa: f64,
    /// What stands for the σ of a record without one.
    pub without_sigma: WithoutDoubt,
    /// The least μ − κσ that is kept.
    pub at_least: Option<f64>,
    /// How many edited pictures of one row may stay.
    pub per_row: PerRow,
    /// In how many bits the hashes of both pictures may differ for two records of one instruction to be nearly the same; nothing is looked for
    /// where this is nothing. At most 15.
    pub near_duplicates: Option<u32>,
    /// How many records of one group may stay.
    pub diversity: Option<Diversity>,
    /// What the kept records are made of.
    pub strata: Strata,
    /// How many records are kept.
    pub keep: Keep,
    /// How the kept ones are split.
    pub split: SplitRule,
    /// When instructions are alike.
    pub likeness: Likeness,
    /// At which κ the choice is made again, to see how much depends on it.
    pub other_kappas: Vec<f64>,
    /// Examples of each decile of a stratum, and of each reason to drop.
    pub examples: usize,
}

/// How many edited pictures of one row may stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PerRow {
    /// The best.
    #[default]
    Best,
    /// Any number.
    All,
}

/// What makes records one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupBy {
    /// The source picture, by its digest.
    Source,
    /// Instructions that are alike, by the shingles that they share.
    Instruction,
    /// The usual kinds of edits, by the words of English instructions.
    EditCategory,
    /// A column of the data set that is carried on, by its name in [`crate::Record::extra`].
    Column(String),
}

/// How many records of one group may stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diversity {
    /// What makes a group.
    pub by: GroupBy,
    /// How many stay at most.
    pub most: u64,
}

/// What the kept records are made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Strata {
    /// What makes a stratum.
    pub by: GroupBy,
    /// How many of the largest are strata of their own, those with a share of their own beside them; the rest is one.
    pub largest: usize,
    /// How what is kept is shared out among them.
    pub share_out: ShareOut,
}

/// How what is kept is shared out among strata.
#[derive(Debug, Clone, PartialEq)]
pub enum ShareOut {
    /// Not at all: strata are only told of.
    Freely,
    /// By a rule.
    By(Quota),
    /// These shares of what is kept, by the names of strata, and what is left of 1 to the others as they are in size. What a
    /// stratum cannot fill goes to those that can, in proportion. Above 0, 1 together at most.
    Named(Vec<(String, f64)>),
}

/// How many records are kept.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Keep {
    /// All that the other rules leave.
    #[default]
    All,
    /// The best of them: so many.
    Top(u64),
    /// The best of them: this share, from 0 to 1, of what the other rules leave.
    Share(f64),
}

/// How the kept records are split. Equal sources, and sources that are nearly the same, stay on one side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SplitRule {
    /// About this share of sources is held out, from 0 to 1.
    pub validation: f64,
    /// Another number gives another split.
    pub salt: u64,
    /// In how many bits the hashes of sources may differ for them to stay together. At most 15.
    pub radius: u32,
}

/// Which pairs are made of several edited pictures.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PreferenceRules {
    /// Which pairs, and when they are clear enough.
    pub pairs: PairRule,
    /// Whether rows with the same source and the same instruction are taken together.
    pub across_rows: bool,
}

impl Default for Strata {
    fn default() -> Self {
        Self { by: GroupBy::EditCategory, largest: 64, share_out: ShareOut::Freely }
    }
}

impl Default for SplitRule {
    fn default() -> Self {
        Self { validation: 0.0, salt: 0, radius: 6 }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            gates: Vec::new(),
            kappa: 0.0,
            without_sigma: WithoutDoubt::default(),
            at_least: None,
            per_row: PerRow::default(),
            near_duplicates: None,
            diversity: None,
            strata: Strata::default(),
            keep: Keep::default(),
            split: SplitRule::default(),
            likeness: Likeness::default(),
            other_kappas: vec![0.0, 0.5, 1.0, 2.0],
            examples: 4,
        }
    }
}

impl Rules {
    /// What is wrong with them in themselves, in words.
    pub(super) fn mistake(&self) -> Option<String> {
        let most_gates = usize::from(u16::MAX) - 1;
        if self.gates.len() > most_gates {
            return Some(format!("{} gates: expected at most {most_gates}", self.gates.len()));
        }
        let numbers = [("κ", Some(self.kappa)), ("the least bound", self.at_least)];
        let others = self.other_kappas.iter().map(|kappa| ("another κ", Some(*kappa)));
        for (name, value) in numbers.into_iter().chain(others) {
            if let Some(value) = value.filter(|value| !value.is_finite()) {
                return Some(format!("{name} is {value}: expected a finite number"));
            }
        }
        if let Keep::Share(share) = self.keep
            && !(0.0..=1.0).contains(&share)
        {
            return Some(StudyError::Fraction(share).to_string());
        }
        self.strata.mistake(self.keep)
    }
}

impl Strata {
    fn mistake(&self, keep: Keep) -> Option<String> {
        if self.share_out != ShareOut::Freely && keep == Keep::All {
            return Some(
                "there is nothing to share out among strata where all is kept: expected a number or a share".into(),
            );
        }
        let ShareOut::Named(shares) = &self.share_out else { return None };
        for (place, (name, share)) in shares.iter().enumerate() {
            if !(share.is_finite() && *share > 0.0) {
                return Some(format!("the share of `{name}` is {share}: expected a number above 0"));
            }
            if shares.iter().take(place).any(|(other, _)| other == name) {
                return Some(format!("`{name}` has two shares: expected one"));
            }
        }
        let all: f64 = shares.iter().map(|(_, share)| share).sum();
        // What decimal fractions miss is not told of.
        (all > 1.0 + 1e-9).then(|| format!("the shares of strata are {all} together: expected at most 1"))
    }
}
