//! Position bias: whether a judge that sees two candidates at once favours a place.

use super::Preference;
use crate::{Interval, Share, StudyError, exact_interval, sign_test};

/// A pair that was judged in both orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BothOrders {
    /// The place that won with candidate a first.
    pub forward: Preference,
    /// The place that won with candidate b first.
    pub backward: Preference,
}

/// How often one place was favoured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PositionBias {
    /// Wins of the first place, of those where a place won: ½ without bias.
    pub first: Share,
    /// The share with its exact interval (Clopper and Pearson).
    pub interval: Interval,
    /// The exact two-sided probability of a share so far from ½ without bias.
    pub p_value: f64,
}

/// Pairs judged in both orders, by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SwapTally {
    /// The same candidate won in both orders, or both times none.
    pub consistent: u64,
    /// The first place won both times.
    pub first_place: u64,
    /// The second place won both times.
    pub second_place: u64,
    /// A tie in one order, and a winner in the other.
    pub half_tied: u64,
}

impl SwapTally {
    /// The share of pairs judged the same in both orders.
    pub fn consistency(&self) -> Share {
        let of = self.consistent + self.first_place + self.second_place + self.half_tied;
        Share { hits: self.consistent, of }
    }

    /// The bias among pairs whose winner changed with the order, where quality cannot be the reason: the exact form of
    /// `McNemar`'s test. `Ok(None)` where there is no such pair. Fails on a confidence that is none.
    pub fn bias(&self, confidence: f64) -> Result<Option<PositionBias>, StudyError> {
        bias(Share { hits: self.first_place, of: self.first_place + self.second_place }, confidence)
    }
}

/// Sorts pairs judged in both orders.
pub fn swap_tally(pairs: &[BothOrders]) -> SwapTally {
    let mut tally = SwapTally::default();
    for pair in pairs {
        *match (pair.forward, pair.backward) {
            (forward, backward) if forward == backward.turned() => &mut tally.consistent,
            (Preference::First, Preference::First) => &mut tally.first_place,
            (Preference::Second, Preference::Second) => &mut tally.second_place,
            _ => &mut tally.half_tied,
        } += 1;
    }
    tally
}

/// The bias of verdicts in one order only, ties left out. Quality cancels only where the place of each candidate was
/// drawn by lot; of candidates put in an order for a reason, it says nothing. `Ok(None)` where no place ever won. Fails
/// on a confidence that is none.
pub fn first_place_bias(verdicts: &[Preference], confidence: f64) -> Result<Option<PositionBias>, StudyError> {
    let mut first = Share::default();
    let decided = verdicts.iter().filter(|verdict| **verdict != Preference::Tie);
    decided.for_each(|verdict| first.count(*verdict == Preference::First));
    bias(first, confidence)
}

fn bias(first: Share, confidence: f64) -> Result<Option<PositionBias>, StudyError> {
    crate::check_confidence(confidence)?;
    if first.of == 0 {
        return Ok(None);
    }
    Ok(Some(PositionBias { first, interval: exact_interval(first, confidence)?, p_value: sign_test(first)? }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Preference::{First, Second, Tie};

    #[test]
    fn swaps_worked_out_by_hand() {
        let pair = |(forward, backward)| BothOrders { forward, backward };
        let mut pairs: Vec<BothOrders> =
            [(First, Second), (Second, First), (Tie, Tie), (Tie, First), (Second, Tie), (Second, Second)]
                .map(pair)
                .into();
        pairs.extend([pair((First, First)); 5]);
        let tally = swap_tally(&pairs);
        assert_eq!(tally, SwapTally { consistent: 3, first_place: 5, second_place: 1, half_tied: 2 });
        assert_eq!(tally.consistency(), Share { hits: 3, of: 11 });
        let bias = tally.bias(0.95).unwrap().unwrap();
        assert_eq!(bias.first, Share { hits: 5, of: 6 });
        // Two sides of (6 + 1)/64.
        assert!((bias.p_value - 14.0 / 64.0).abs() < 1e-12);
        assert!(bias.interval.low < 0.5 && bias.interval.high > 0.95);
    }

    #[test]
    fn one_order_leaves_ties_out() {
        let verdicts = [[First; 8].as_slice(), &[Second; 2], &[Tie; 4]].concat();
        let bias = first_place_bias(&verdicts, 0.9).unwrap().unwrap();
        assert_eq!(bias.first, Share { hits: 8, of: 10 });
        assert!((bias.p_value - 112.0 / 1024.0).abs() < 1e-12);
        assert_eq!(first_place_bias(&[Tie], 0.9), Ok(None));
        assert_eq!(first_place_bias(&[First], 0.0), Err(StudyError::Confidence(0.0)));
        assert_eq!(SwapTally::default().bias(0.9), Ok(None));
        assert_eq!(SwapTally::default().consistency().value(), None);
    }
}
