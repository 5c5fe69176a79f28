//! Positions of tokens.

/// A picture's patches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Grid {
    /// Patches from top to bottom.
    pub rows: usize,
    /// Patches from left to right.
    pub columns: usize,
}

impl Grid {
    /// Patches in all.
    pub fn patches(self) -> usize {
        self.rows * self.columns
    }

    /// The row and column of each patch, merged tokens in reading order and within each its patches in reading order.
    pub fn places(self, merge: usize) -> Vec<(u32, u32)> {
        let mut places = Vec::with_capacity(self.patches());
        for row in (0..self.rows).step_by(merge) {
            for column in (0..self.columns).step_by(merge) {
                for inner in 0..merge * merge {
                    places.push(((row + inner / merge) as u32, (column + inner % merge) as u32));
                }
            }
        }
        places
    }
}

/// Positions that count tokens from a first one, the same on all axes. This is what EditReward's released code runs with:
/// it hands the decoder embeddings without ids, and the reference then counts.
pub fn plain_positions(first: usize, count: usize) -> impl Iterator<Item = [u32; 3]> {
    (first..first + count).map(|position| [position as u32; 3])
}

/// Positions in time, row and column as Qwen2.5-VL has them where it sees token ids: text advances all three; a picture's
/// tokens share a time and spread over rows and columns; what follows begins behind the largest.
///
/// `ids` are the tokens, `picture` the id that stands for a picture's tokens, `grids` the pictures in order.
pub fn multimodal_positions(ids: &[u32], picture: u32, grids: &[Grid], merge: usize) -> Vec<[u32; 3]> {
    let mut positions = Vec::with_capacity(ids.len());
    let mut grids = grids.iter();
    let (mut at, mut next) = (0, 0_u32);
    while at < ids.len() {
        let grid = if ids[at] == picture { grids.next() } else { None };
        let Some(grid) = grid else {
            positions.push([next; 3]);
            (at, next) = (at + 1, next + 1);
            continue;
        };
        let (rows, columns) = ((grid.rows / merge) as u32, (grid.columns / merge) as u32);
        positions.extend((0..rows).flat_map(|row| (0..columns).map(move |column| [next, next + row, next + column])));
        at += (rows * columns) as usize;
        next += rows.max(columns);
    }
    positions
}

/// Which of the three positions turns each frequency: sections of frequencies by time, row and column.
pub(super) fn axes(sections: &[usize], frequencies: usize) -> Vec<usize> {
    let of = sections.iter().enumerate().flat_map(|(axis, &count)| std::iter::repeat_n(axis, count));
    of.chain(std::iter::repeat(0)).take(frequencies).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_of_a_merged_token_follow_each_other() {
        let places = Grid { rows: 4, columns: 4 }.places(2);
        let rows: Vec<u32> = places.iter().map(|place| place.0).collect();
        let columns: Vec<u32> = places.iter().map(|place| place.1).collect();
        assert_eq!(rows, [0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3]);
        assert_eq!(columns, [0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1, 2, 3, 2, 3]);
    }

    #[test]
    fn pictures_spread_over_rows_and_columns() {
        let grid = Grid { rows: 4, columns: 6 };
        let ids = [1, 2, 9, 9, 9, 9, 9, 9, 3];
        let positions = multimodal_positions(&ids, 9, &[grid], 2);
        let expected = [[0; 3], [1; 3], [2, 2, 2], [2, 2, 3], [2, 2, 4], [2, 3, 2], [2, 3, 3], [2, 3, 4], [5; 3]];
        assert_eq!(positions, expected);
    }

    #[test]
    fn sections_share_out_the_frequencies() {
        assert_eq!(axes(&[1, 2, 2], 5), [0, 1, 1, 2, 2]);
        assert_eq!(axes(&[], 3), [0, 0, 0]);
    }
}
