//! A row with its score, and the best rows of a stream.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::StudyError;
use crate::order::ascending;

/// A row of a data set and its score. In order, the better row comes first: the one with the higher score, and of equal
/// scores the earlier row, so that every choice is the same however rows come.
#[derive(Debug, Clone, Copy)]
pub struct Ranked {
    /// The number of the row.
    pub row: u64,
    /// Its score; higher is better.
    pub score: f64,
}

impl Ord for Ranked {
    fn cmp(&self, other: &Ranked) -> Ordering {
        ascending(other.score, self.score).then(self.row.cmp(&other.row))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Ranked) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Ranked) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}

impl Ranked {
    pub(crate) fn check(&self) -> Result<(), StudyError> {
        if self.score.is_finite() {
            return Ok(());
        }
        Err(StudyError::NotFinite { index: usize::try_from(self.row).unwrap_or(usize::MAX), value: self.score })
    }
}

/// The best k rows of a stream, in one pass: keeps k rows of 16 bytes.
#[derive(Debug, Clone)]
pub struct TopK {
    most: usize,
    /// The worst of the kept on top.
    kept: BinaryHeap<Ranked>,
}

impl TopK {
    /// Keeps at most `most` rows.
    pub fn new(most: usize) -> TopK {
        TopK { most, kept: BinaryHeap::new() }
    }

    /// Looks at one more row. Fails on a score that is not finite, naming the row.
    pub fn offer(&mut self, ranked: Ranked) -> Result<(), StudyError> {
        ranked.check()?;
        if self.kept.len() < self.most {
            self.kept.push(ranked);
        } else if let Some(mut worst) = self.kept.peek_mut()
            && ranked < *worst
        {
            *worst = ranked;
        }
        Ok(())
    }

    /// The rows kept, best first.
    pub fn best_first(self) -> Vec<Ranked> {
        self.kept.into_sorted_vec()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn better_rows_come_first_and_earlier_ones_among_equals() {
        let mut top = TopK::new(3);
        for (row, score) in [1.0, 5.0, 3.0, 5.0, 3.0].into_iter().enumerate() {
            top.offer(Ranked { row: row as u64, score }).unwrap();
        }
        assert_eq!(top.best_first().iter().map(|kept| kept.row).collect::<Vec<_>>(), [1, 3, 2]);
        let mut none = TopK::new(0);
        none.offer(Ranked { row: 0, score: 1.0 }).unwrap();
        assert!(none.best_first().is_empty());
    }

    #[test]
    fn bad_scores_name_their_row() {
        let found = TopK::new(1).offer(Ranked { row: 7, score: f64::INFINITY });
        assert_eq!(found, Err(StudyError::NotFinite { index: 7, value: f64::INFINITY }));
    }

    proptest! {
        #[test]
        fn a_stream_keeps_what_sorting_would(
            scores in prop::collection::vec(-4_i32..4, 0..40), most in 0_usize..12, turn in 0_usize..40
        ) {
            let rows = (0_u64..).zip(&scores).map(|(row, score)| Ranked { row, score: f64::from(*score) });
            let mut rows: Vec<Ranked> = rows.collect();
            if !rows.is_empty() {
                let turn = turn % rows.len();
                rows.rotate_left(turn);
            }
            let mut top = TopK::new(most);
            rows.iter().try_for_each(|row| top.offer(*row)).unwrap();
            rows.sort();
            rows.truncate(most);
            prop_assert_eq!(top.best_first(), rows);
        }
    }
}
