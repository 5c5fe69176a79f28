//! The port between scores and preference.

use std::cmp::Ordering;
use std::fmt;

use crate::ScoreCard;

/// What an objective makes of a score card: finite, higher is better, totally ordered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Utility(f64);

impl Utility {
    /// A utility, unless the number is not finite.
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(value))
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Eq for Utility {}

impl PartialOrd for Utility {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Utility {
    fn cmp(&self, other: &Self) -> Ordering {
        // Adding zero makes −0 and +0 the same before the total order tells them apart.
        (self.0 + 0.0).total_cmp(&(other.0 + 0.0))
    }
}

/// What utilities can be compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// A card's utility does not depend on the others: it compares between rounds and with a target.
    Absolute,
    /// Ranks and the like: utilities compare only within the set that they were computed on.
    Relative,
}

/// Makes several rewards' scores into one preference. Pure.
pub trait Objective: Send + Sync + fmt::Debug {
    /// One utility a card, in card order; `None` where a card lacks what the objective needs, or is barred by a gate.
    /// The order of the cards does not matter to any card's utility.
    fn utilities(&self, cards: &[&ScoreCard]) -> Vec<Option<Utility>>;

    /// By how much each card's utility is lower for its judges' doubt, in card order; 0 where it has no utility. `None` for an
    /// objective that holds no doubt against anybody.
    fn doubts(&self, _: &[&ScoreCard]) -> Option<Vec<f64>> {
        None
    }

    /// What the utilities can be compared with.
    fn scale(&self) -> Scale;

    /// Its rules in one line, for run records.
    fn revision(&self) -> String;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utilities_are_finite_and_both_zeros_are_equal() {
        assert!([f64::NAN, f64::INFINITY, f64::NEG_INFINITY].into_iter().all(|value| Utility::new(value).is_none()));
        let utility = |value| Utility::new(value).unwrap();
        let mut ascending = [utility(1.0), utility(0.0), utility(-2.5), utility(1e-300)];
        ascending.sort();
        assert_eq!(ascending.map(Utility::get), [-2.5, 0.0, 1e-300, 1.0]);
        assert_eq!(utility(-0.0).cmp(&utility(0.0)), Ordering::Equal);
    }
}
