//! The attention windows of the vision tower.

use crate::layers::qwen25_vl::Grid;

/// The order of merged tokens in which every window's tokens follow each other, and the windows' sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Windows {
    /// The merged token (in reading order) at each place.
    pub(super) order: Vec<usize>,
    /// Merged tokens in each window. Windows at the right and lower edge are smaller; none is padded.
    pub(super) sizes: Vec<usize>,
}

/// The windows of one picture's grid of merged tokens, window by window in reading order. `cells` is a window's edge in
/// merged tokens.
pub(super) fn windows(grid: Grid, merge: usize, cells: usize) -> Windows {
    let (rows, columns) = (grid.rows / merge, grid.columns / merge);
    let mut windows = Windows { order: Vec::with_capacity(rows * columns), sizes: Vec::new() };
    for top in (0..rows).step_by(cells) {
        for left in (0..columns).step_by(cells) {
            let before = windows.order.len();
            for row in top..(top + cells).min(rows) {
                windows.order.extend((left..(left + cells).min(columns)).map(|column| row * columns + column));
            }
            windows.sizes.push(windows.order.len() - before);
        }
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes in patches, as the reference gives them for these grids.
    #[test]
    fn windows_are_those_of_the_reference() {
        let square = windows(Grid { rows: 32, columns: 32 }, 2, 4);
        assert_eq!(square.sizes, vec![16; 16]);
        assert_eq!(square.order[..6], [0, 1, 2, 3, 16, 17]);
        let odd = windows(Grid { rows: 26, columns: 36 }, 2, 4);
        assert_eq!(odd.sizes.len(), 20);
        let patches: Vec<usize> = odd.sizes.iter().map(|size| size * 4).collect();
        assert_eq!(patches[..4], [64; 4]);
        assert_eq!(patches[17..], [16, 16, 8]);
        assert_eq!(patches.iter().sum::<usize>(), 936);
    }

    #[test]
    fn every_token_has_one_place() {
        for (rows, columns) in [(2, 2), (4, 454), (10, 12), (30, 30), (6, 6)] {
            let mut order = windows(Grid { rows, columns }, 2, 4).order;
            order.sort_unstable();
            assert_eq!(order, (0..rows * columns / 4).collect::<Vec<_>>());
        }
    }
}
