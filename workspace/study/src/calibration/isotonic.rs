//! Isotonic regression: the map that never falls and is nearest to what was observed.

use super::{Between, Knot, MonotoneMap};
use crate::order::ascending;
use crate::{Clusters, Folds, StudyError};

/// What a score turned out to be worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    /// The judge's score.
    pub score: f64,
    /// What people said, such as a mean rating or 1 for accepted.
    pub target: f64,
    /// How much it counts, above 0: 1, or the number of raters.
    pub weight: f64,
}

/// The map that minimises `Σ weight·(map(score) − target)²` among all that never fall, by pooling adjacent violators
/// (Ayer and others 1955), exactly and in time n·log n.
///
/// Equal scores get one value: their targets are averaged first. Each pool of scores becomes a knot at its lowest and
/// one at its highest score, so that `Lines` runs level within a pool and straight between pools, as scikit-learn's
/// does. Values stay within the range of the targets, and their weighted mean is that of the targets. Fails without
/// observations, on numbers that are not finite, and on weights that are not above 0.
pub fn fit_isotonic(observations: &[Observation], between: Between) -> Result<MonotoneMap, StudyError> {
    check_observations(observations)?;
    let mut sorted = observations.to_vec();
    sorted.sort_by(|a, b| ascending(a.score, b.score));
    let mut pools: Vec<Pool> = Vec::new();
    for equal in sorted.chunk_by(|a, b| a.score == b.score) {
        let mut pool = Pool::of(equal);
        while let Some(before) = pools.pop_if(|before| before.mean() >= pool.mean()) {
            pool = before.joined(pool);
        }
        pools.push(pool);
    }
    MonotoneMap::new(pools.iter().flat_map(Pool::knots).collect(), between)
}

/// Each observation's value from a map that was fitted on the other folds, in the order given: what `fit_of` can
/// honestly be asked about. Clusters are never cut in two. Fails as `fit_isotonic` does, and as `Folds::of_rows`.
pub fn held_out_isotonic(
    observations: &[Observation],
    clusters: &Clusters,
    folds: Folds,
    between: Between,
) -> Result<Vec<f64>, StudyError> {
    check_observations(observations)?;
    if clusters.rows() != observations.len() {
        return Err(StudyError::Unequal { left: observations.len(), right: clusters.rows() });
    }
    let fold_of = folds.of_rows(clusters)?;
    let mut values = vec![0.0; observations.len()];
    for fold in 0..folds.folds.min(clusters.len()) {
        let others = observations.iter().zip(&fold_of).filter(|(_, at)| **at != fold);
        let map = fit_isotonic(&others.map(|(observation, _)| *observation).collect::<Vec<_>>(), between)?;
        let inside = values.iter_mut().zip(observations).zip(&fold_of).filter(|(_, at)| **at == fold);
        inside.for_each(|((value, observation), _)| *value = map.apply(observation.score));
    }
    Ok(values)
}

/// Scores side by side that share a value.
#[derive(Debug, Clone, Copy)]
struct Pool {
    low: f64,
    high: f64,
    weight: f64,
    sum: f64,
}

impl Pool {
    fn of(equal: &[Observation]) -> Pool {
        let weight = equal.iter().map(|each| each.weight).sum();
        let sum = equal.iter().map(|each| each.weight * each.target).sum();
        let score = equal.first().map_or(0.0, |each| each.score);
        Pool { low: score, high: score, weight, sum }
    }

    fn mean(&self) -> f64 {
        self.sum / self.weight
    }

    fn joined(self, next: Pool) -> Pool {
        Pool { low: self.low, high: next.high, weight: self.weight + next.weight, sum: self.sum + next.sum }
    }

    /// One knot, or two where the pool has a width.
    fn knots(&self) -> impl Iterator<Item = Knot> {
        let ends = [self.low, self.high];
        let value = self.mean();
        let distinct = if self.low == self.high { 1 } else { 2 };
        ends.into_iter().take(distinct).map(move |score| Knot { score, value })
    }
}

pub(super) fn check_observations(observations: &[Observation]) -> Result<(), StudyError> {
    let column = |of: fn(&Observation) -> f64| crate::check(&observations.iter().map(of).collect::<Vec<f64>>());
    column(|each| each.score)?;
    column(|each| each.target)?;
    column(|each| each.weight)?;
    match observations.iter().position(|each| each.weight <= 0.0) {
        Some(index) => Err(StudyError::Weight { index, weight: observations[index].weight }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn observations(list: &[(f64, f64, f64)]) -> Vec<Observation> {
        list.iter()
            .map(|(score, target, weight)| Observation { score: *score, target: *target, weight: *weight })
            .collect()
    }

    fn fitted(list: &[(f64, f64, f64)]) -> Vec<(f64, f64)> {
        let map = fit_isotonic(&observations(list), Between::Lines).unwrap();
        map.knots().iter().map(|knot| (knot.score, knot.value)).collect()
    }

    #[test]
    fn pools_worked_out_by_hand() {
        // 3 and 1 violate: 2; then 4 stays; 6 and 5 pool at 5.5.
        let list = [(1.0, 3.0, 1.0), (2.0, 1.0, 1.0), (3.0, 4.0, 1.0), (5.0, 6.0, 1.0), (6.0, 5.0, 1.0)];
        assert_eq!(fitted(&list), [(1.0, 2.0), (2.0, 2.0), (3.0, 4.0), (5.0, 5.5), (6.0, 5.5)]);
        // Weights: (3·1 + 1·3)/4 = 1.5.
        assert_eq!(fitted(&[(1.0, 3.0, 1.0), (2.0, 1.0, 3.0)]), [(1.0, 1.5), (2.0, 1.5)]);
        // A late low target pulls everything down: 1, 2, 3, −2 pool to 1, since 2 and 3 fall back too.
        let late = [(1.0, 1.0, 1.0), (2.0, 2.0, 1.0), (3.0, 3.0, 1.0), (4.0, -2.0, 1.0)];
        assert_eq!(fitted(&late), [(1.0, 1.0), (4.0, 1.0)]);
    }

    #[test]
    fn equal_scores_get_one_value() {
        // Averaged first, whatever their order: (0 + 4)/2 = 2, which is below the 3 before it.
        for list in
            [[(1.0, 3.0, 1.0), (2.0, 0.0, 1.0), (2.0, 4.0, 1.0)], [(2.0, 4.0, 1.0), (2.0, 0.0, 1.0), (1.0, 3.0, 1.0)]]
        {
            let found = fitted(&list);
            assert!(
                found
                    .iter()
                    .zip([1.0, 2.0])
                    .all(|((score, value), at)| *score == at && (value - 7.0 / 3.0).abs() < 1e-12)
            );
        }
        assert_eq!(fitted(&[(0.0, 1.0, 1.0), (-0.0, 2.0, 1.0)]), [(0.0, 1.5)]);
    }

    #[test]
    fn bad_observations_are_named() {
        let weightless = fit_isotonic(&observations(&[(1.0, 1.0, 1.0), (1.0, 1.0, 0.0)]), Between::Lines);
        assert_eq!(weightless, Err(StudyError::Weight { index: 1, weight: 0.0 }));
        assert_eq!(fit_isotonic(&[], Between::Steps), Err(StudyError::Empty));
        let endless = fit_isotonic(&observations(&[(1.0, f64::NAN, 1.0)]), Between::Lines);
        assert!(matches!(endless, Err(StudyError::NotFinite { index: 0, .. })));
    }

    #[test]
    fn held_out_values_come_from_the_others() {
        let list: Vec<(f64, f64, f64)> = (0..20).map(|i| (f64::from(i), f64::from(i), 1.0)).collect();
        let list = observations(&list);
        let folds = Folds { folds: 4, seed: 5 };
        let found = held_out_isotonic(&list, &Clusters::singles(20), folds, Between::Lines).unwrap();
        // On a line, what lies between others is found exactly, and the ends from one side.
        assert!(found.iter().zip(&list).filter(|(value, each)| (*value - each.target).abs() < 1e-12).count() >= 14);
        assert!(found.windows(2).filter(|two| two[0] > two[1]).count() <= 2);
        let wrong = held_out_isotonic(&list, &Clusters::singles(3), folds, Between::Lines);
        assert_eq!(wrong, Err(StudyError::Unequal { left: 20, right: 3 }));
    }

    /// The value at each score by the min-max formula: max over starts of min over ends of the mean between.
    fn by_formula(sorted: &[Observation], at: usize) -> f64 {
        let mean = |from: usize, to: usize| {
            let part = &sorted[from..=to];
            part.iter().map(|each| each.target * each.weight).sum::<f64>()
                / part.iter().map(|each| each.weight).sum::<f64>()
        };
        let lowest = |from: usize| (at..sorted.len()).map(|to| mean(from, to)).fold(f64::INFINITY, f64::min);
        (0..=at).map(lowest).fold(f64::NEG_INFINITY, f64::max)
    }

    proptest! {
        #[test]
        fn pooling_equals_the_formula(targets in prop::collection::vec((-5.0_f64..5.0, 0.1_f64..3.0), 1..15)) {
            let list: Vec<Observation> = targets.iter().enumerate()
                .map(|(score, (target, weight))| (score as f64, *target, *weight))
                .map(|(score, target, weight)| Observation { score, target, weight })
                .collect();
            let map = fit_isotonic(&list, Between::Lines).unwrap();
            let steps = fit_isotonic(&list, Between::Steps).unwrap();
            for (at, each) in list.iter().enumerate() {
                prop_assert!((map.apply(each.score) - by_formula(&list, at)).abs() < 1e-9);
                prop_assert_eq!(map.apply(each.score), steps.apply(each.score));
            }
            let mean = |of: &dyn Fn(&Observation) -> f64| list.iter().map(|each| each.weight * of(each)).sum::<f64>();
            prop_assert!((mean(&|each| map.apply(each.score)) - mean(&|each| each.target)).abs() < 1e-9);
        }

        #[test]
        fn the_order_of_observations_does_not_matter(
            targets in prop::collection::vec((0_i32..5, -5.0_f64..5.0), 1..15), turn in 0_usize..15
        ) {
            let list: Vec<Observation> = targets.iter()
                .map(|(score, target)| Observation { score: f64::from(*score), target: *target, weight: 1.0 })
                .collect();
            let turn = turn % list.len();
            let turned = [&list[turn..], &list[..turn]].concat();
            let [one, other] = [list.clone(), turned].map(|list| fit_isotonic(&list, Between::Lines).unwrap());
            for each in &list {
                prop_assert!((one.apply(each.score) - other.apply(each.score)).abs() < 1e-9);
            }
        }
    }
}
