//! Two recipes on the same requests: their difference, whether chance makes one as large, and what could have been seen.

mod holm;
mod pareto;
mod permutation;
mod power;

pub use holm::holm;
pub use pareto::pareto_front;
pub use permutation::{Permutation, permutation};
pub use power::{MOST_REQUESTS, Power, minimum_detectable, requests_needed};

use crate::bootstrap::Interval;
use crate::mean_interval::{deviation, mean_interval};
use crate::{StudyError, check_both};

/// How to compare.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparing {
    /// Of the interval, above 0 and below 1.
    pub confidence: f64,
    /// How many ways to flip signs are drawn where there are too many to count them all.
    pub draws: u32,
    /// What they are counted from.
    pub seed: u64,
    /// How sure the least difference to be seen has to be.
    pub power: Power,
}

impl Default for Comparing {
    fn default() -> Self {
        Self { confidence: 0.95, draws: 20_000, seed: 0, power: Power::default() }
    }
}

/// A paired comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paired {
    /// Requests that both have.
    pub requests: usize,
    /// The mean of second less first, with its interval: see [`mean_interval`].
    pub difference: Interval,
    /// The sign-flip test.
    pub test: Permutation,
    /// The standard deviation of the requests' differences.
    pub spread: f64,
    /// The least mean difference that so many requests would show, were the spread this one; nothing where so few show none.
    pub detectable: Option<f64>,
    /// Requests on which the second is better.
    pub better: usize,
    /// Requests on which the second is worse.
    pub worse: usize,
}

/// Compares two recipes by one number a request of each, in the same order. Fails on fewer than two requests, on lists of different
/// lengths and on numbers that are not finite.
pub fn compare(first: &[f64], second: &[f64], how: &Comparing) -> Result<Paired, StudyError> {
    check_both(first, second)?;
    let differences: Vec<f64> = first.iter().zip(second).map(|(first, second)| second - first).collect();
    let requests = differences.len();
    let few = StudyError::Few { found: requests, needed: 2 };
    let difference = mean_interval(&differences, how.confidence)?.ok_or(few)?;
    let spread = deviation(&differences);
    Ok(Paired {
        requests,
        difference,
        test: permutation(&differences, how.draws, how.seed)?,
        spread,
        detectable: minimum_detectable(requests as u64, spread, &how.power)?,
        better: differences.iter().filter(|difference| **difference > 0.0).count(),
        worse: differences.iter().filter(|difference| **difference < 0.0).count(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_worked_out_by_hand() {
        let first = [0.1, 0.2, 0.3, 0.4, 0.5];
        let second = [0.2, 0.4, 0.6, 0.8, 0.5];
        let found = compare(&first, &second, &Comparing::default()).unwrap();
        // Differences 0.1, 0.2, 0.3, 0.4, 0: mean 0.2, s² = 0.025; 2 of 2⁴ ways, the last pair says nothing.
        assert!((found.difference.mean - 0.2).abs() < 1e-12 && (found.spread - 0.025_f64.sqrt()).abs() < 1e-12);
        assert!(found.test.is_exact && (found.test.p - 0.125).abs() < 1e-12, "{:?}", found.test);
        assert_eq!((found.requests, found.better, found.worse), (5, 4, 0));
        assert_eq!(found.detectable, None, "five requests have no p below 1/16");
        let found = compare(&[0.0; 8], &[0.1, 0.2, 0.3, 0.4, 0.1, 0.2, 0.3, 0.4], &Comparing::default()).unwrap();
        // (2.3646 + 0.8960)·√(0.1/7/8)
        let expected = 3.2606 * (0.1_f64 / 56.0).sqrt();
        assert!(found.detectable.is_some_and(|seen| (seen - expected).abs() < 1e-4), "{:?}", found.detectable);
    }

    #[test]
    fn sides_turn_the_difference_around() {
        let (first, second) = ([0.3, 0.1, 0.9, 0.4], [0.5, 0.2, 0.1, 0.8]);
        let how = Comparing::default();
        let [one, other] = [compare(&first, &second, &how).unwrap(), compare(&second, &first, &how).unwrap()];
        assert!((one.difference.low + other.difference.high).abs() < 1e-12);
        assert_eq!((one.test, one.better), (other.test, other.worse));
    }

    #[test]
    fn what_cannot_be_compared_is_named() {
        let how = Comparing::default();
        assert_eq!(compare(&[1.0], &[2.0], &how), Err(StudyError::Few { found: 1, needed: 2 }));
        assert_eq!(compare(&[1.0], &[], &how), Err(StudyError::Unequal { left: 1, right: 0 }));
        assert!(matches!(compare(&[1.0, f64::MAX], &[0.0, f64::MIN], &how), Err(StudyError::NotFinite { .. })));
    }
}
