//! Sets that grow together.

/// Disjoint sets of rows, 4 bytes a row. The representative of a set is its earliest row.
#[derive(Debug, Clone)]
pub(super) struct UnionFind {
    parents: Vec<u32>,
}

impl UnionFind {
    /// Each row a set of its own.
    pub(super) fn new(rows: u32) -> UnionFind {
        UnionFind { parents: (0..rows).collect() }
    }

    /// The earliest row of the set, halving the path to it.
    pub(super) fn find(&mut self, mut row: u32) -> u32 {
        while self.parents[row as usize] != row {
            let above = self.parents[self.parents[row as usize] as usize];
            self.parents[row as usize] = above;
            row = above;
        }
        row
    }

    /// Puts two sets together.
    pub(super) fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.find(a), self.find(b));
        self.parents[a.max(b) as usize] = a.min(b);
    }

    /// The earliest row of each row's set.
    pub(super) fn labels(mut self) -> Vec<u32> {
        (0..self.parents.len() as u32).map(|row| self.find(row)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_called_by_their_earliest_row() {
        let mut sets = UnionFind::new(6);
        for (a, b) in [(5, 4), (4, 2), (0, 1), (1, 0)] {
            sets.join(a, b);
        }
        assert_eq!(sets.labels(), [0, 0, 2, 3, 2, 2]);
    }
}
