//! The margin up to which scores count as equal, chosen so that accuracy with ties is best.

use super::pairwise::check_pairs;
use super::{Pair, PairCounts, Preference, count_pairs};
use crate::order::ascending;
use crate::{Share, StudyError};

/// A threshold and what it reaches on the pairs that it was chosen on. That is too good for others: see
/// `held_out_threshold`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibrated {
    /// Margins of at most this size are ties of the judge.
    pub threshold: f64,
    /// C + Thm of all pairs.
    pub accuracy: Share,
}

/// The smallest threshold with the best accuracy with ties: tie calibration of Deutsch, Foster and Freitag 2023 (arXiv
/// 2305.14324). Tries 0, which ties equal scores only, and then every margin that there is; all pairs of one margin are
/// tied together.
///
/// `calc_accuracy_with_ties_for_edit_reward_bench` of the published code, used for groups of two and for the pooled
/// pairs, gives the same value. Takes time n·log n. Fails on no pairs and on margins that are not finite.
pub fn best_threshold(pairs: &[Pair]) -> Result<Calibrated, StudyError> {
    let mut sweep = Sweep::begin(pairs, 0.0)?;
    let mut best = sweep.reached(0.0);
    for equal in sweep.order.chunk_by(|a, b| a.margin.abs() == b.margin.abs()) {
        equal.iter().for_each(|pair| sweep.hits += gained(pair));
        best = better(best, sweep.reached(equal[0].margin.abs()));
    }
    Ok(best)
}

/// The threshold as `calc_accuracy_with_ties` of the published code finds it, used for GenAI-Bench and AURORA-Bench.
///
/// Its quirks: it ties the pairs one by one in ascending order of margin and looks after each, so that no ties at all
/// are never tried, and the pair of the smallest margin is always tied; and among equal margins it takes the accuracy
/// after some of them, which no threshold reaches, in the order of the input. Fails as `best_threshold` does, where the
/// code answers with minus infinity.
pub fn best_threshold_as_published(pairs: &[Pair]) -> Result<Calibrated, StudyError> {
    let mut sweep = Sweep::begin(pairs, -1.0)?;
    let mut best = Calibrated { threshold: 0.0, accuracy: Share { hits: 0, of: sweep.of } };
    for (place, pair) in sweep.order.iter().enumerate() {
        sweep.hits += gained(pair);
        let reached = sweep.reached(pair.margin.abs());
        best = if place == 0 { reached } else { better(best, reached) };
    }
    Ok(best)
}

/// Pairs in ascending order of margin, tied one after the other.
struct Sweep {
    /// Those that are not tied from the beginning.
    order: Vec<Pair>,
    /// C + Thm, which never falls below 0; signed, for pairs that are lost by tying them.
    hits: i64,
    of: u64,
}

impl Sweep {
    fn begin(pairs: &[Pair], threshold: f64) -> Result<Sweep, StudyError> {
        check_pairs(pairs)?;
        let PairCounts { concordant, tied_for_both, .. } = count_pairs(pairs, threshold);
        let mut order: Vec<Pair> = pairs.iter().copied().filter(|pair| pair.margin.abs() > threshold).collect();
        // Stable, as the published code's: equal margins stay in the order of the input.
        order.sort_by(|a, b| ascending(a.margin.abs(), b.margin.abs()));
        Ok(Sweep { order, hits: (concordant + tied_for_both) as i64, of: pairs.len() as u64 })
    }

    fn reached(&self, threshold: f64) -> Calibrated {
        Calibrated { threshold, accuracy: Share { hits: self.hits.max(0) as u64, of: self.of } }
    }
}

/// What tying this pair adds to C + Thm.
fn gained(pair: &Pair) -> i64 {
    match (pair.human, Preference::of(pair.margin, 0.0)) {
        (Preference::Tie, _) => 1,
        (human, judged) if human == judged => -1,
        _ => 0,
    }
}

fn better(best: Calibrated, next: Calibrated) -> Calibrated {
    if next.accuracy.hits > best.accuracy.hits { next } else { best }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::accuracy_without_ties_as_published;
    use super::*;
    use Preference::{First, Second, Tie};

    fn pairs(list: &[(Preference, f64)]) -> Vec<Pair> {
        list.iter().map(|(human, margin)| Pair { human: *human, margin: *margin }).collect()
    }

    fn found(hits: u64, of: u64, threshold: f64) -> Calibrated {
        Calibrated { threshold, accuracy: Share { hits, of } }
    }

    #[test]
    fn values_worked_out_by_hand() {
        // Tying up to 1 wins the tie at 0.5 and the one at 1, and loses the preference at 0.75: 4 of 5.
        let list = pairs(&[(First, 3.0), (Tie, -0.5), (First, 0.75), (Tie, 1.0), (Second, -2.0)]);
        assert_eq!(best_threshold(&list), Ok(found(4, 5, 0.5)));
        assert_eq!(best_threshold_as_published(&list), Ok(found(4, 5, 0.5)));
    }

    #[test]
    fn the_example_of_the_published_script() {
        // `calc_accuracy.py` at `edb027e`, run with Python: 6 of 9 with ties, 5 of 6 without.
        let (first, second) =
            ([0.9, -0.7, 0.1, 0.8, -0.6, 0.2, 0.7, -0.5, 0.3], [0.1, -0.8, 0.5, 0.5, -0.3, 0.3, 0.4, -0.4, 0.4]);
        let labels = [First, Second, Tie, First, Second, Tie, First, Second, Tie];
        let list: Vec<Pair> = (0..9).map(|i| Pair { human: labels[i], margin: first[i] - second[i] }).collect();
        assert_eq!(best_threshold_as_published(&list).unwrap().accuracy, Share { hits: 6, of: 9 });
        assert_eq!(accuracy_without_ties_as_published(&list), Some(5.0 / 6.0));
    }

    #[test]
    fn pairs_with_many_equal_margins_as_the_published_scripts_see_them() {
        // Values of `eval_bench.py` at `edb027e` on the same lists, run with Python; the last is that for groups.
        for (seed, with_ties, [right, decided], for_groups, threshold) in GOLDENS {
            let pair = |i: i64| Pair {
                human: [Second, Tie, First][((i * i + seed * i) % 7 % 3) as usize],
                margin: ((i * 37 + seed) % 23 - 11) as f64 / 4.0,
            };
            let list: Vec<Pair> = (0..40).map(pair).collect();
            let hits = |found: Calibrated| found.accuracy.hits;
            assert_eq!(hits(best_threshold_as_published(&list).unwrap()), with_ties, "{seed}");
            assert_eq!(accuracy_without_ties_as_published(&list), Some(right / decided), "{seed}");
            let best = best_threshold(&list).unwrap();
            assert_eq!((best.accuracy.hits, best.threshold), (for_groups, threshold), "{seed}");
        }
    }

    /// Seed, pairs right with ties of 40, pairs right without ties of how many, pairs right and threshold for groups.
    const GOLDENS: [(i64, u64, [f64; 2], u64, f64); 4] = [
        (1, 19, [19.0, 40.0], 19, 0.0),
        (2, 15, [13.0, 28.0], 14, 0.25),
        (5, 15, [14.0, 29.0], 15, 0.25),
        (8, 17, [17.0, 40.0], 17, 0.0),
    ];

    #[test]
    fn published_code_never_tries_to_tie_nothing() {
        let list = pairs(&[(First, 1.0), (Second, -2.0)]);
        assert_eq!(best_threshold(&list), Ok(found(2, 2, 0.0)));
        assert_eq!(best_threshold_as_published(&list), Ok(found(1, 2, 1.0)));
    }

    #[test]
    fn published_code_stops_among_equal_margins() {
        // Both margins are 1: tied together they reach 1 of 2, as not tied. After the first alone the code counts 2 of
        // 2.
        let list = pairs(&[(Tie, 1.0), (First, 1.0)]);
        assert_eq!(best_threshold(&list), Ok(found(1, 2, 0.0)));
        assert_eq!(best_threshold_as_published(&list), Ok(found(2, 2, 1.0)));
        let turned: Vec<Pair> = list.into_iter().rev().collect();
        assert_eq!(best_threshold_as_published(&turned), Ok(found(1, 2, 1.0)), "it depends on the order");
    }

    #[test]
    fn equal_scores_are_tied_from_the_beginning() {
        let list = pairs(&[(Tie, 0.0), (First, 0.0), (First, 2.0)]);
        assert_eq!(best_threshold(&list), Ok(found(2, 3, 0.0)));
    }

    #[test]
    fn bad_pairs_are_named() {
        assert_eq!(best_threshold(&[]), Err(StudyError::Empty));
        let wrong = best_threshold_as_published(&pairs(&[(Tie, f64::INFINITY)]));
        assert!(matches!(wrong, Err(StudyError::NotFinite { index: 0, .. })));
    }

    fn any_pairs() -> impl Strategy<Value = Vec<Pair>> {
        let pair = (prop_oneof![Just(First), Just(Tie), Just(Second)], -6i32..7);
        let pair = pair.prop_map(|(human, margin)| Pair { human, margin: f64::from(margin) / 2.0 });
        prop::collection::vec(pair, 1..30)
    }

    proptest! {
        #[test]
        fn the_sweep_equals_trying_every_threshold(list in any_pairs()) {
            let best = best_threshold(&list).unwrap();
            let at = |threshold: f64| count_pairs(&list, threshold).accuracy().unwrap();
            prop_assert_eq!(Some(at(best.threshold)), best.accuracy.value());
            for pair in &list {
                prop_assert!(at(pair.margin.abs()) <= at(best.threshold));
                prop_assert!(pair.margin.abs() >= best.threshold || at(pair.margin.abs()) < at(best.threshold));
            }
            prop_assert!(at(0.0) <= at(best.threshold));
        }

        #[test]
        fn odd_monotone_changes_leave_accuracy_alone(list in any_pairs()) {
            let bent = |pair: &Pair| Pair { margin: pair.margin.powi(3) * 2.0, ..*pair };
            let bent: Vec<Pair> = list.iter().map(bent).collect();
            prop_assert_eq!(best_threshold(&list).unwrap().accuracy, best_threshold(&bent).unwrap().accuracy);
            let turned = |pair: &Pair| Pair { human: pair.human.turned(), margin: -pair.margin };
            let turned: Vec<Pair> = list.iter().map(turned).collect();
            prop_assert_eq!(best_threshold(&list), best_threshold(&turned));
        }
    }
}
