//! Agreement with people on pairs, with ties and without.

use super::{HumanOrder, Preference};
use crate::{StudyError, check};

/// One pair that people compared, and what a judge makes of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// What people said.
    pub human: Preference,
    /// The judge's score of the first less that of the second.
    pub margin: f64,
}

/// Pairs by what people said and what the judge said: C, D, Th, Tm and Thm of Deutsch, Foster and Freitag 2023
/// (arXiv 2305.14324).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PairCounts {
    /// C: both prefer the same one.
    pub concordant: u64,
    /// D: each prefers the other one.
    pub discordant: u64,
    /// Th: tied for people alone.
    pub tied_for_people: u64,
    /// Tm: tied for the judge alone.
    pub tied_for_judge: u64,
    /// Thm: tied for both.
    pub tied_for_both: u64,
}

impl PairCounts {
    /// All pairs.
    pub fn all(&self) -> u64 {
        self.concordant + self.discordant + self.tied_for_people + self.tied_for_judge + self.tied_for_both
    }

    /// Accuracy with ties, `(C + Thm)/N`, from 0 to 1; `None` of no pairs.
    pub fn accuracy(&self) -> Option<f64> {
        (self.all() > 0).then(|| (self.concordant + self.tied_for_both) as f64 / self.all() as f64)
    }

    /// Counts one more pair.
    pub fn count(&mut self, pair: &Pair, threshold: f64) {
        let judged = Preference::of_margin(pair.margin, threshold);
        *match (pair.human, judged) {
            (Preference::Tie, Preference::Tie) => &mut self.tied_for_both,
            (Preference::Tie, _) => &mut self.tied_for_people,
            (_, Preference::Tie) => &mut self.tied_for_judge,
            // A margin of 0 that is not tied prefers neither, and agrees with no preference.
            (human, judged) if human == judged && pair.margin != 0.0 => &mut self.concordant,
            _ => &mut self.discordant,
        } += 1;
    }

    /// Both counts together.
    #[must_use]
    pub fn and(self, other: PairCounts) -> PairCounts {
        PairCounts {
            concordant: self.concordant + other.concordant,
            discordant: self.discordant + other.discordant,
            tied_for_people: self.tied_for_people + other.tied_for_people,
            tied_for_judge: self.tied_for_judge + other.tied_for_judge,
            tied_for_both: self.tied_for_both + other.tied_for_both,
        }
    }
}

/// Counts pairs, a margin of at most `threshold` in size being a tie of the judge. 0 ties equal scores only, and a
/// number below 0 ties none, as the published code does for accuracy without ties.
pub fn count_pairs(pairs: &[Pair], threshold: f64) -> PairCounts {
    let mut counts = PairCounts::default();
    pairs.iter().for_each(|pair| counts.count(pair, threshold));
    counts
}

/// All pairs of one group's candidates, i before j, in the order of `itertools.combinations`. Fails where the order is
/// of another number of candidates, and on scores that are not finite.
pub fn pairs_of_group(scores: &[f64], human: &HumanOrder) -> Result<Vec<Pair>, StudyError> {
    check(scores)?;
    if scores.len() != human.candidates() {
        return Err(StudyError::Unequal { left: scores.len(), right: human.candidates() });
    }
    let pairs = (0..scores.len()).flat_map(|i| (i + 1..scores.len()).map(move |j| (i, j)));
    Ok(pairs
        .filter_map(|(i, j)| Some(Pair { human: human.preference(i, j)?, margin: scores[i] - scores[j] }))
        .collect())
}

/// Accuracy without ties as published: C/(C + D) of the pairs that people did not tie, where a margin of exactly 0
/// counts as wrong (`calc_accuracy_without_ties`). From 0 to 1; `None` where people tied every pair (the code divides
/// by zero).
///
/// A judge with coarse scores is punished for every pair that it cannot tell apart, as if it had been wrong each time.
pub fn accuracy_without_ties_as_published(pairs: &[Pair]) -> Option<f64> {
    let counts = count_pairs(pairs, -1.0);
    let decided = counts.concordant + counts.discordant;
    (decided > 0).then(|| counts.concordant as f64 / decided as f64)
}

/// Accuracy without ties, `(C + Tm/2)/(C + D + Tm)` of the pairs that people did not tie: equal scores are right half
/// the time, which is what choosing by a coin would bring, so that a constant judge has ½. From 0 to 1; `None` where
/// people tied every pair.
pub fn accuracy_without_ties(pairs: &[Pair]) -> Option<f64> {
    let counts = count_pairs(pairs, 0.0);
    let decided = counts.concordant + counts.discordant + counts.tied_for_judge;
    (decided > 0).then(|| (counts.concordant as f64 + counts.tied_for_judge as f64 / 2.0) / decided as f64)
}

/// Fails on no pairs, and on a margin that is not finite.
pub(super) fn check_pairs(pairs: &[Pair]) -> Result<(), StudyError> {
    check(&pairs.iter().map(|pair| pair.margin).collect::<Vec<f64>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Preference::{First, Second, Tie};

    fn pairs(list: &[(Preference, f64)]) -> Vec<Pair> {
        list.iter().map(|(human, margin)| Pair { human: *human, margin: *margin }).collect()
    }

    #[test]
    fn counts_worked_out_by_hand() {
        let pairs = pairs(&[(First, 2.0), (First, -2.0), (Second, -0.5), (Second, 0.0), (Tie, 0.5), (Tie, 3.0)]);
        for (threshold, expected) in
            [(-1.0, [2, 2, 2, 0, 0]), (0.0, [2, 1, 2, 1, 0]), (0.5, [1, 1, 1, 2, 1]), (3.0, [0, 0, 0, 4, 2])]
        {
            let counts = count_pairs(&pairs, threshold);
            let found = [
                counts.concordant,
                counts.discordant,
                counts.tied_for_people,
                counts.tied_for_judge,
                counts.tied_for_both,
            ];
            assert_eq!(found, expected, "{threshold}");
        }
        assert_eq!(count_pairs(&pairs, 0.5).accuracy(), Some(2.0 / 6.0));
    }

    #[test]
    fn a_margin_of_zero_is_wrong_as_published_and_half_right() {
        let pairs = pairs(&[(First, 1.0), (Second, 0.0), (First, -0.0), (Tie, 1.0), (Second, 1.0)]);
        assert_eq!(accuracy_without_ties_as_published(&pairs), Some(0.25));
        assert_eq!(accuracy_without_ties(&pairs), Some(0.5));
        let ties = [Pair { human: Tie, margin: 1.0 }];
        assert_eq!((accuracy_without_ties(&ties), accuracy_without_ties_as_published(&ties)), (None, None));
    }

    #[test]
    fn pairs_of_a_group_are_all_of_them() {
        let human = HumanOrder::parse("C>A=B", 3).unwrap();
        let found = pairs_of_group(&[1.0, 3.0, 7.0], &human).unwrap();
        assert_eq!(found, pairs(&[(Tie, -2.0), (Second, -6.0), (Second, -4.0)]));
        assert!(matches!(pairs_of_group(&[1.0], &human), Err(StudyError::Unequal { left: 1, right: 3 })));
    }
}
