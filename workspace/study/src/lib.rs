//! Estimators and intervals for scaling curves: what more samples would have brought, from one pool of samples; and how
//! two measures of the same things agree.
//!
//! Pure functions of numbers. Nothing here knows pictures, searches or files.

pub mod agreement;
mod best_of_k;
mod bootstrap;

pub use best_of_k::{expected_best, expected_gold};
pub use bootstrap::{Interval, bootstrap_mean};

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
    /// Two measures are of the same things.
    #[error("{one} numbers and {other} numbers: expected as many of each")]
    Pairs {
        /// Numbers of the one.
        one: usize,
        /// Numbers of the other.
        other: usize,
    },
    /// Not a probability.
    #[error("a confidence of {0}: expected a number above 0 and below 1")]
    Confidence(f64),
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
