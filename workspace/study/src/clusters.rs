//! Rows that belong together: all candidates of one source, all pairs of one group.

use std::collections::BTreeMap;

/// Which rows form each cluster. Rows of one cluster are not independent of each other, so intervals and folds take
/// clusters whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clusters {
    /// The rows, cluster after cluster.
    rows: Vec<usize>,
    /// Where each cluster ends in `rows`.
    ends: Vec<usize>,
}

impl Clusters {
    /// Rows with equal keys form a cluster; clusters are in the order of their keys, rows in the order given.
    pub fn by_key<K: Ord>(keys: impl IntoIterator<Item = K>) -> Clusters {
        let mut members: BTreeMap<K, Vec<usize>> = BTreeMap::new();
        for (row, key) in keys.into_iter().enumerate() {
            members.entry(key).or_default().push(row);
        }
        let mut clusters = Clusters { rows: Vec::new(), ends: Vec::new() };
        for rows in members.into_values() {
            clusters.rows.extend(rows);
            clusters.ends.push(clusters.rows.len());
        }
        clusters
    }

    /// Each of `rows` rows is a cluster of its own.
    pub fn singles(rows: usize) -> Clusters {
        Clusters { rows: (0..rows).collect(), ends: (1..=rows).collect() }
    }

    /// How many clusters there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many rows there are in all.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// The rows of one cluster; none where there is no such cluster.
    pub fn members(&self, cluster: usize) -> &[usize] {
        let start = cluster.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(cluster).and_then(|end| self.rows.get(start..*end)).unwrap_or_default()
    }

    /// The rows of these clusters, as often as each is named.
    pub(crate) fn gather(&self, clusters: impl Iterator<Item = usize>, rows: &mut Vec<usize>) {
        rows.clear();
        clusters.for_each(|cluster| rows.extend_from_slice(self.members(cluster)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_keys_come_together() {
        let clusters = Clusters::by_key(["b", "a", "b", "c"]);
        assert_eq!((clusters.len(), clusters.rows()), (3, 4));
        assert_eq!([clusters.members(0), clusters.members(1), clusters.members(2)], [&[1][..], &[0, 2], &[3]]);
        assert!(clusters.members(3).is_empty());
        assert_eq!(Clusters::singles(2), Clusters::by_key([0, 1]));
        assert!(Clusters::singles(0).is_empty());
    }
}
