//! Cutting rows into folds, of which each is held out once.

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
    /// The fold of each row: whole clusters, shuffled, in folds whose numbers of clusters differ by at most one. Fails
    /// with fewer than two folds or clusters.
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
