//! How much a choice of rows depends on κ, or on the judge.

use super::{Ranked, TopK, WithoutDoubt, lower_bound};
use crate::StudyError;

/// Two choices of rows, compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Overlap {
    /// Rows in both.
    pub both: usize,
    /// Rows in the first alone.
    pub only_first: usize,
    /// Rows in the second alone. Of two choices of one size it is `only_first`: how many rows were swapped.
    pub only_second: usize,
}

impl Overlap {
    /// Jaccard's index, `both/(both + only_first + only_second)`, from 0 to 1; 1 of two empty choices.
    pub fn jaccard(&self) -> f64 {
        let either = self.both + self.only_first + self.only_second;
        if either == 0 { 1.0 } else { self.both as f64 / either as f64 }
    }
}

/// Compares two choices, in any order; a row named twice counts once. Keeps a copy of both.
pub fn overlap(first: &[u64], second: &[u64]) -> Overlap {
    let [first, second] = [first, second].map(|rows| {
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        rows.dedup();
        rows
    });
    let both = first.iter().filter(|row| second.binary_search(row).is_ok()).count();
    Overlap { both, only_first: first.len() - both, only_second: second.len() - both }
}

/// A row with what a judge says of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// The number of the row.
    pub row: u64,
    /// μ.
    pub mean: f64,
    /// σ, where the judge states it.
    pub sigma: Option<f64>,
}

/// What became of a choice at another κ.
#[derive(Debug, Clone, PartialEq)]
pub struct KappaPoint {
    /// The κ.
    pub kappa: f64,
    /// The choice at the reference κ against the one at this κ.
    pub overlap: Overlap,
    /// The lowest bound that was kept at this κ; `None` where nothing was.
    pub lowest: Option<f64>,
}

/// A choice of the best rows by μ − κσ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundChoice {
    /// How many rows are chosen.
    pub most: usize,
    /// The κ that the choice was made with.
    pub kappa: f64,
    /// What to do with rows whose σ is not known.
    pub without: WithoutDoubt,
}

impl BoundChoice {
    /// The rows chosen, best first; rows without a bound are not chosen. Fails on a mean that is not finite.
    pub fn of(&self, rows: &[Judged]) -> Result<Vec<Ranked>, StudyError> {
        let mut top = TopK::new(self.most);
        for judged in rows {
            Ranked { row: judged.row, score: judged.mean }.check()?;
            if let Some(score) = lower_bound(judged.mean, judged.sigma, self.kappa, self.without) {
                top.offer(Ranked { row: judged.row, score })?;
            }
        }
        Ok(top.best_first())
    }

    /// The same choice at other κ, each against this one. Keeps the rows of two choices.
    pub fn at_other_kappas(&self, rows: &[Judged], kappas: &[f64]) -> Result<Vec<KappaPoint>, StudyError> {
        let numbers = |chosen: &[Ranked]| chosen.iter().map(|ranked| ranked.row).collect::<Vec<u64>>();
        let reference = numbers(&self.of(rows)?);
        let point = |kappa: &f64| {
            let chosen = BoundChoice { kappa: *kappa, ..*self }.of(rows)?;
            let lowest = chosen.last().map(|ranked| ranked.score);
            Ok(KappaPoint { kappa: *kappa, overlap: overlap(&reference, &numbers(&chosen)), lowest })
        };
        kappas.iter().map(point).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps_worked_out_by_hand() {
        let found = overlap(&[3, 1, 2, 2], &[2, 4, 3]);
        assert_eq!(found, Overlap { both: 2, only_first: 1, only_second: 1 });
        assert_eq!(found.jaccard(), 0.5);
        assert_eq!(overlap(&[], &[]).jaccard(), 1.0);
        assert_eq!(overlap(&[1], &[]).jaccard(), 0.0);
    }

    #[test]
    fn doubtful_rows_fall_out_as_kappa_rises() {
        let rows: Vec<Judged> = [(3.0, 2.0), (2.0, 0.5), (1.5, 0.1), (1.0, 0.0)]
            .iter()
            .enumerate()
            .map(|(row, (mean, sigma))| Judged { row: row as u64, mean: *mean, sigma: Some(*sigma) })
            .collect();
        let choice = BoundChoice { most: 2, kappa: 0.0, without: WithoutDoubt::Unknown };
        let found = choice.at_other_kappas(&rows, &[0.0, 1.0, 3.0]).unwrap();
        // κ = 1: 1, 1.5, 1.4, 1. κ = 3: −3, 0.5, 1.2, 1.
        let swapped: Vec<usize> = found.iter().map(|point| point.overlap.only_second).collect();
        assert_eq!(swapped, [0, 1, 2]);
        assert_eq!(found.iter().map(|point| point.lowest).collect::<Vec<_>>(), [Some(2.0), Some(1.4), Some(1.0)]);
    }

    #[test]
    fn rows_without_a_bound_are_not_chosen() {
        let rows = [Judged { row: 0, mean: 9.0, sigma: None }, Judged { row: 1, mean: 1.0, sigma: Some(0.0) }];
        let mut choice = BoundChoice { most: 1, kappa: 1.0, without: WithoutDoubt::Unknown };
        assert_eq!(choice.of(&rows).unwrap()[0].row, 1);
        choice.without = WithoutDoubt::Certain;
        assert_eq!(choice.of(&rows).unwrap()[0].row, 0);
        let wrong = choice.of(&[Judged { row: 4, mean: f64::NAN, sigma: None }]);
        assert!(matches!(wrong, Err(StudyError::NotFinite { index: 4, .. })));
    }
}
