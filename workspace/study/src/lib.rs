//! What numbers say: estimators of scaling curves, measures of judges, calibration, and choices over rows of a data
//! set.
//!
//! Pure functions of numbers and labels. Nothing here knows pictures, searches or files.

mod agreement;
mod best_of_k;
mod binomial;
mod bootstrap;
mod clusters;
mod counted;
mod excess;
mod folds;
mod mean_interval;
mod normal;
mod order;
mod rank_correlation;
mod student;

pub mod calibration;
pub mod compare;
pub mod curation;
pub mod judges;
pub mod scaling;

pub use agreement::{Distance, Order, Spread, distance, order_within, spread};
pub use best_of_k::{expected_best, expected_gold};
pub use binomial::{Share, exact_interval, sign_test, wilson_interval};
pub use bootstrap::{Bootstrapped, Ends, Interval, Resampling, bootstrap, bootstrap_mean};
pub use clusters::Clusters;
pub use counted::Counted;
pub use excess::Student;
pub use folds::Folds;
pub use mean_interval::{FEWEST, mean_interval};
pub use normal::{normal_below, normal_quantile};
pub use rank_correlation::{RankPairs, average_ranks, kendall_tau_b, pair_counts, pearson, spearman};
pub use student::{student_below, student_quantile};

use thiserror::Error;

/// Why numbers cannot be estimated from.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum StudyError {
    /// There is nothing to estimate from.
    #[error("there are no samples: expected at least one")]
    Empty,
    /// Not a number to be compared.
    #[error("sample {index} is {value}: expected a finite number")]
    NotFinite {
        /// Its place, from 0.
        index: usize,
        /// What it is.
        value: f64,
    },
    /// Every sample needs both.
    #[error("{proxies} proxy scores and {golds} gold scores: expected as many of each")]
    Lengths {
        /// Proxy scores given.
        proxies: usize,
        /// Gold scores given.
        golds: usize,
    },
    /// Two lists that belong together have one length.
    #[error("{left} numbers on one side and {right} on the other: expected as many of each")]
    Unequal {
        /// Numbers in the first list.
        left: usize,
        /// Numbers in the second list.
        right: usize,
    },
    /// Not a probability.
    #[error("a confidence of {0}: expected a number above 0 and below 1")]
    Confidence(f64),
    /// More than all.
    #[error("{hits} of {of}: expected at most as many as there are")]
    Share {
        /// Those counted.
        hits: u64,
        /// All of them.
        of: u64,
    },
    /// A ranking that cannot be read.
    #[error(
        "the ranking {text:?}: expected each of the letters A to {} once, with > and = or < and = between",
        last_letter(*candidates)
    )]
    Ranking {
        /// As it is written.
        text: String,
        /// How many candidates the group has.
        candidates: usize,
    },
    /// Verdicts on pairs that contradict each other, or do not cover the group.
    #[error(
        "the verdicts on the pairs of {candidates} candidates make no order: expected one of each pair, and no circle"
    )]
    NoOrder {
        /// How many candidates the group has.
        candidates: usize,
    },
    /// Nothing to compare in a group.
    #[error("a group of {candidates} candidates: expected at least 2")]
    SmallGroup {
        /// How many it has.
        candidates: usize,
    },
    /// Nothing can be held out.
    #[error("{folds} folds of {clusters} clusters: expected at least 2 of each")]
    Folds {
        /// Folds asked for.
        folds: usize,
        /// Clusters that there are.
        clusters: usize,
    },
    /// A map that would fall.
    #[error("knot {index} does not go on from the one before: expected a higher score, and a value that is not lower")]
    Knots {
        /// Its place, from 0.
        index: usize,
    },
    /// What counts nothing cannot be observed.
    #[error("the weight of observation {index} is {weight}: expected a number above 0")]
    Weight {
        /// Its place, from 0.
        index: usize,
        /// What it is.
        weight: f64,
    },
    /// Not a part of a whole.
    #[error("a share of {0}: expected a number from 0 to 1")]
    Fraction(f64),
    /// A gate that lets all pass, or none.
    #[error("the gate on {part:?}: expected a finite lower or upper bound, and the lower one not above the upper one")]
    Gate {
        /// The part that it is on.
        part: String,
    },
    /// A range that ends before it begins.
    #[error("a range from {low} to {high}: expected the upper end not below the lower one")]
    Range {
        /// The lower end.
        low: f64,
        /// The upper end.
        high: f64,
    },
    /// Nearness that finds almost everything.
    #[error("a radius of {radius} bits: expected at most {largest} of 64")]
    Radius {
        /// Bits asked for.
        radius: u32,
        /// The most that are looked for.
        largest: u32,
    },
    /// More rows than 32 bits can count.
    #[error("{rows} rows: expected at most 4294967295")]
    Rows {
        /// How many there are.
        rows: usize,
    },
    /// Too few to say anything of.
    #[error("{found} samples: expected at least {needed}")]
    Few {
        /// How many there are.
        found: usize,
        /// How many are needed.
        needed: usize,
    },
    /// Not a standard deviation.
    #[error("a spread of {0}: expected a finite number of at least 0")]
    Spread(f64),
    /// Not a chance.
    #[error("a chance of {0}: expected a number above 0 and below 1")]
    Chance(f64),
    /// A test finds as much where there is nothing.
    #[error("a power of {power}: expected more than the {alpha} of all tests that find what is not there")]
    Power {
        /// The chance to find what is there.
        power: f64,
        /// The chance to find what is not there.
        alpha: f64,
    },
    /// Not a difference.
    #[error("a difference of {0}: expected a finite number")]
    Difference(f64),
    /// Nothing to choose from.
    #[error("the best of {0}: expected at least one size, each of at least 1")]
    Sizes(usize),
    /// No interval comes of none.
    #[error("there are no resamples: expected at least one")]
    Resamples,
}

/// Refuses an empty sample and numbers that are not finite.
fn check(samples: &[f64]) -> Result<(), StudyError> {
    if samples.is_empty() {
        return Err(StudyError::Empty);
    }
    match samples.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(StudyError::NotFinite { index, value: samples[index] }),
        None => Ok(()),
    }
}

/// Refuses lists of different lengths, and what `check` refuses of either.
fn check_both(left: &[f64], right: &[f64]) -> Result<(), StudyError> {
    if left.len() != right.len() {
        return Err(StudyError::Unequal { left: left.len(), right: right.len() });
    }
    check(left)?;
    check(right)
}

/// The letter of the last candidate.
fn last_letter(candidates: usize) -> char {
    u8::try_from(candidates.saturating_sub(1)).map_or('Z', |place| char::from(b'A' + place.min(25)))
}

/// Refuses what is not a probability strictly between 0 and 1.
fn check_confidence(confidence: f64) -> Result<(), StudyError> {
    if confidence > 0.0 && confidence < 1.0 { Ok(()) } else { Err(StudyError::Confidence(confidence)) }
}
