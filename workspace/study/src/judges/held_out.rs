//! Accuracy with ties where the threshold was chosen on other pairs.

use super::{Pair, PairCounts, best_threshold};
use crate::{Clusters, Counted, StudyError};

/// How to cut clusters into folds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Folds {
    /// How many; at least 2. Where there are fewer clusters, each is a fold.
    pub folds: usize,
    /// What the order of the clusters is counted from.
    pub seed: u64,
}

impl Default for Folds {
    fn default() -> Folds {
        Folds { folds: 10, seed: 0 }
    }
}

impl Folds {
    /// The fold of each row: whole clusters, shuffled, in folds whose numbers of clusters differ by at most one. Fails with fewer
    /// than two folds or clusters.
    pub fn of_rows(&self, clusters: &Clusters) -> Result<Vec<usize>, StudyError> {
        let folds = self.folds.min(clusters.len());
        if folds < 2 {
            return Err(StudyError::Folds { folds: self.folds, clusters: clusters.len() });
        }
        let mut order: Vec<usize> = (0..clusters.len()).collect();
        Counted::new(self.seed).shuffle(&mut order);
        let mut fold_of = vec![0; clusters.rows()];
        for (place, cluster) in order.into_iter().enumerate() {
            clusters.members(cluster).iter().for_each(|row| fold_of[*row] = place % folds);
        }
        Ok(fold_of)
    }
}

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
/// Clusters (pairs of one source, or one group) are never cut in two, since what was learned of one pair would leak to its
/// neighbours. Time is that of `folds` calls of `best_threshold`. Fails as that does, where `clusters` has another number of rows
/// than there are pairs, and with fewer than two folds or clusters.
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

    #[test]
    fn two_folds_worked_out_by_hand() {
        // Each cluster's own best threshold is put to the other one: 1 to the second, where it ties nothing, and 2 to the first,
        // where it ties the preference of margin 1.5.
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
    fn folds_are_even_and_keep_clusters_whole() {
        let keys: Vec<usize> = (0..70).map(|row| row % 23).collect();
        let fold_of = Folds { folds: 5, seed: 3 }.of_rows(&Clusters::by_key(&keys)).unwrap();
        let mut sizes = [0; 5];
        for key in 0..23 {
            let of_key: Vec<usize> = (0..70).filter(|row| keys[*row] == key).map(|row| fold_of[row]).collect();
            assert!(of_key.iter().all(|fold| *fold == of_key[0]));
            sizes[of_key[0]] += 1;
        }
        assert!(sizes.iter().all(|size| (4..=5).contains(size)), "{sizes:?}");
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
