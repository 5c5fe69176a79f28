//! Quantiles, and the score above which a share of all rows lies.

use std::cmp::Ordering;

use crate::order::ascending;
use crate::{StudyError, check};

/// The value below which `share` of the values lies, from 0 for the smallest to 1 for the largest, between two values
/// on a straight line (Hyndman and Fan's type 7, as numpy does). Fails without values, on numbers that are not finite
/// and on a share outside 0 to 1.
pub fn quantile(values: &[f64], share: f64) -> Result<f64, StudyError> {
    check(values)?;
    check_share(share)?;
    let mut values = values.to_vec();
    let place = (values.len() - 1) as f64 * share;
    let below = place.floor() as usize;
    let (_, low, above) = values.select_nth_unstable_by(below, |a, b| ascending(*a, *b));
    let low = *low;
    let high = above.iter().copied().min_by(|a, b| ascending(*a, *b)).unwrap_or(low);
    let part = place - below as f64;
    Ok(low * (1.0 - part) + high * part)
}

/// Where to cut so that just so many rows are kept: made from all scores in a first pass, and asked for each row, in
/// order, in a second. Holds 24 bytes; making it needs the scores, 8 bytes a row. For few rows to keep, `TopK` needs
/// less.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cut {
    score: f64,
    /// How many rows with exactly this score are still to be kept.
    at_score: u64,
    keeps_none: bool,
}

impl Cut {
    /// Keeps the `count` best rows, or all where there are fewer; of equal scores at the cut, those asked for first.
    /// Fails without scores and on scores that are not finite.
    pub fn best(mut scores: Vec<f64>, count: u64) -> Result<Cut, StudyError> {
        check(&scores)?;
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(scores.len());
        let Some(last) = count.checked_sub(1) else {
            return Ok(Cut { score: 0.0, at_score: 0, keeps_none: true });
        };
        let (above, cut, _) = scores.select_nth_unstable_by(last, |a, b| ascending(*b, *a));
        let score = *cut;
        let better = above.iter().filter(|other| **other > score).count();
        Ok(Cut { score, at_score: (count - better) as u64, keeps_none: false })
    }

    /// Keeps the best share of all rows, from 0 to 1: as many as is nearest, a half counting up. Fails as `best` does,
    /// and on a share outside 0 to 1.
    pub fn share(scores: Vec<f64>, share: f64) -> Result<Cut, StudyError> {
        check_share(share)?;
        let count = (scores.len() as f64 * share).round() as u64;
        Cut::best(scores, count)
    }

    /// The lowest score that is kept; `None` where nothing is.
    pub fn lowest(&self) -> Option<f64> {
        (!self.keeps_none).then_some(self.score)
    }

    /// Whether the next row is kept.
    pub fn keeps(&mut self, score: f64) -> bool {
        if self.keeps_none {
            return false;
        }
        match ascending(score, self.score) {
            Ordering::Greater => true,
            Ordering::Equal if self.at_score > 0 => {
                self.at_score -= 1;
                true
            }
            _ => false,
        }
    }
}

fn check_share(share: f64) -> Result<(), StudyError> {
    if (0.0..=1.0).contains(&share) { Ok(()) } else { Err(StudyError::Fraction(share)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Ranked, TopK};
    use super::*;

    #[test]
    fn quantiles_worked_out_by_hand() {
        let values = [4.0, 1.0, 3.0, 2.0];
        for (share, expected) in [(0.0, 1.0), (0.5, 2.5), (1.0 / 3.0, 2.0), (0.9, 3.7), (1.0, 4.0)] {
            assert!((quantile(&values, share).unwrap() - expected).abs() < 1e-12, "{share}");
        }
        assert_eq!(quantile(&[7.0], 0.3), Ok(7.0));
        assert_eq!(quantile(&values, 1.5), Err(StudyError::Fraction(1.5)));
        assert_eq!(quantile(&[], 0.5), Err(StudyError::Empty));
    }

    fn kept(mut cut: Cut, scores: &[f64]) -> Vec<u64> {
        (0_u64..).zip(scores).filter(|(_, score)| cut.keeps(**score)).map(|(row, _)| row).collect()
    }

    #[test]
    fn ties_at_the_cut_are_kept_in_order() {
        let scores = [1.0, 2.0, 2.0, 3.0, 2.0];
        assert_eq!(kept(Cut::best(scores.to_vec(), 3).unwrap(), &scores), [1, 2, 3]);
        assert_eq!(kept(Cut::share(scores.to_vec(), 0.5).unwrap(), &scores), [1, 2, 3], "2.5 rows count up");
        assert_eq!(Cut::best(scores.to_vec(), 3).unwrap().lowest(), Some(2.0));
        assert!(kept(Cut::best(scores.to_vec(), 0).unwrap(), &scores).is_empty());
        assert_eq!(kept(Cut::best(scores.to_vec(), 99).unwrap(), &scores).len(), 5);
        assert_eq!(Cut::share(scores.to_vec(), f64::NAN).map_err(|mistake| mistake.to_string().is_empty()), Err(false));
    }

    proptest! {
        #[test]
        fn two_passes_keep_what_one_does(scores in prop::collection::vec(-4_i32..4, 1..40), count in 0_usize..45) {
            let scores: Vec<f64> = scores.iter().map(|score| f64::from(*score)).collect();
            let mut top = TopK::new(count);
            (0..).zip(&scores).try_for_each(|(row, score)| top.offer(Ranked { row, score: *score })).unwrap();
            let mut rows: Vec<u64> = top.best_first().iter().map(|kept| kept.row).collect();
            rows.sort_unstable();
            prop_assert_eq!(kept(Cut::best(scores.clone(), count as u64).unwrap(), &scores), rows);
        }
    }
}
