//! The best rows with at most so many of one cluster.

use std::collections::BTreeMap;

use super::{Ranked, TopK};
use crate::StudyError;

/// The best rows of a stream of which at most `per_cluster` come from one cluster (one source, one kind of
/// instruction): what going down from the best and passing over full clusters would keep, and no other choice of so
/// many rows has a higher sum of scores.
///
/// Keeps up to `per_cluster` rows of each cluster, 16 bytes a row.
#[derive(Debug, Clone)]
pub struct Diverse<K> {
    most: usize,
    per_cluster: usize,
    clusters: BTreeMap<K, TopK>,
}

impl<K: Ord> Diverse<K> {
    /// Keeps at most `most` rows in all.
    pub fn new(most: usize, per_cluster: usize) -> Diverse<K> {
        Diverse { most, per_cluster, clusters: BTreeMap::new() }
    }

    /// Looks at one more row. Fails on a score that is not finite, naming the row.
    pub fn offer(&mut self, cluster: K, ranked: Ranked) -> Result<(), StudyError> {
        let per_cluster = self.per_cluster;
        self.clusters.entry(cluster).or_insert_with(|| TopK::new(per_cluster)).offer(ranked)
    }

    /// The rows kept, best first.
    pub fn best_first(self) -> Vec<Ranked> {
        let mut kept: Vec<Ranked> = self.clusters.into_values().flat_map(TopK::best_first).collect();
        kept.sort_unstable();
        kept.truncate(self.most);
        kept
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn full_clusters_are_passed_over() {
        let mut diverse = Diverse::new(3, 1);
        for (row, (cluster, score)) in
            [(1, 9.0), (1, 8.0), (2, 7.0), (1, 9.5), (3, 1.0), (4, 0.5)].into_iter().enumerate()
        {
            diverse.offer(cluster, Ranked { row: row as u64, score }).unwrap();
        }
        assert_eq!(diverse.best_first().iter().map(|kept| kept.row).collect::<Vec<_>>(), [3, 2, 4]);
    }

    proptest! {
        #[test]
        fn the_stream_keeps_what_going_down_does(
            rows in prop::collection::vec((0_u8..5, -4_i32..4), 0..40), most in 0_usize..20, per_cluster in 0_usize..4
        ) {
            let mut diverse = Diverse::new(most, per_cluster);
            let mut all = Vec::new();
            for (row, (cluster, score)) in rows.iter().enumerate() {
                let ranked = Ranked { row: row as u64, score: f64::from(*score) };
                diverse.offer(*cluster, ranked).unwrap();
                all.push((ranked, *cluster));
            }
            all.sort();
            let (mut counts, mut down) = ([0; 5], Vec::new());
            for (ranked, cluster) in all {
                let count = &mut counts[usize::from(cluster)];
                if *count < per_cluster && down.len() < most {
                    *count += 1;
                    down.push(ranked);
                }
            }
            prop_assert_eq!(diverse.best_first(), down);
        }
    }
}
