//! Accuracy with ties where the threshold was chosen on other pairs.

use super::{Pair, PairCounts, best_threshold};
use crate::{Clusters, Folds, StudyError};

/// What thresholds reach on pairs that they were not chosen on.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldOut {
    /// All pairs, each judged with the threshold of the other folds.
    pub counts: PairCounts,
    /// The threshold that each fold was judged with; far apart, they say that no one threshold fits.
    pub thresholds: Vec<f64>,
}

/// Cross-validated accuracy with ties: for each fold, the best threshold of all other folds is put to this one.
///
/// Clusters (pairs of one source, or one group) are never cut in two, since what was learned of one pair would leak to
/// its neighbours. Time is that of `folds` calls of `best_threshold`. Fails as that does, where `clusters` has another
/// number of rows than there are pairs, and with fewer than two folds or clusters.
pub fn held_out_threshold(pairs: &[Pair], clusters: &Clusters, folds: Folds) -> Result<HeldOut, StudyError> {
    if clusters.rows() != pairs.len() {
        return Err(StudyError::Unequal { left: pairs.len(), right: clusters.rows() });
    }
    let fold_of = folds.of_rows(clusters)?;
    let mut held_out = HeldOut { counts: PairCounts::default(), thresholds: Vec::new() };
    for fold in 0..folds.folds.min(clusters.len()) {
        let of = |is_inside: bool| pairs.iter().zip(&fold_of).filter(move |(_, at)| (**at == fold) == is_inside);
        let others: Vec<Pair> = of(false).map(|(pair, _)| *pair).collect();
        let threshold = best_threshold(&others)?.threshold;
        of(true).for_each(|(pair, _)| held_out.counts.count(pair, threshold));
        held_out.thresholds.push(threshold);
    }
    Ok(held_out)
}

#[cfg(test)]
mod tests {
    use super::super::Preference::{self, First, Second, Tie};
    use super::*;
    use crate::Counted;

    #[test]
    fn two_folds_worked_out_by_hand() {
        // Each cluster's own best threshold is put to the other one: 1 to the second, where it ties nothing, and 2 to
        // the first, where it ties the preference of margin 1.5.
        let first = [(Tie, 1.0), (First, 1.5), (First, 3.0)];
        let second = [(Tie, 2.0), (Second, -4.0)];
        let pairs: Vec<Pair> =
            first.iter().chain(&second).map(|(human, margin)| Pair { human: *human, margin: *margin }).collect();
        let clusters = Clusters::by_key([0, 0, 0, 1, 1]);
        let found = held_out_threshold(&pairs, &clusters, Folds { folds: 2, seed: 1 }).unwrap();
        let expected =
            PairCounts { concordant: 2, tied_for_people: 1, tied_for_judge: 1, tied_for_both: 1, discordant: 0 };
        assert_eq!(found.counts, expected);
        let mut thresholds = found.thresholds;
        thresholds.sort_by(f64::total_cmp);
        assert_eq!(thresholds, [1.0, 2.0]);
    }

    #[test]
    fn held_out_accuracy_of_noise_is_below_that_in_sample() {
        let mut counted = Counted::new(9);
        let labels: [Preference; 3] = [First, Tie, Second];
        let pairs: Vec<Pair> =
            (0..200).map(|_| Pair { human: labels[counted.below(3)], margin: counted.unit() - 0.5 }).collect();
        let found = held_out_threshold(&pairs, &Clusters::singles(200), Folds::default()).unwrap();
        assert_eq!((found.counts.all(), found.thresholds.len()), (200, 10));
        assert!(found.counts.accuracy() < best_threshold(&pairs).unwrap().accuracy.value());
        assert_eq!(Ok(found), held_out_threshold(&pairs, &Clusters::singles(200), Folds::default()));
    }

    #[test]
    fn too_few_clusters_are_named() {
        let pair = Pair { human: Tie, margin: 1.0 };
        let found = held_out_threshold(&[pair, pair], &Clusters::by_key([0, 0]), Folds::default());
        assert_eq!(found, Err(StudyError::Folds { folds: 10, clusters: 1 }));
        let found = held_out_threshold(&[pair], &Clusters::singles(2), Folds::default());
        assert_eq!(found, Err(StudyError::Unequal { left: 1, right: 2 }));
    }
}
