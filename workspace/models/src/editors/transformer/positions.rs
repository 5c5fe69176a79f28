//! Where tokens of pictures lie, as rotations of heads.
//!
//! A token lies at (picture, row, column). Each axis turns its share of a head; neighbouring numbers are real and imaginary
//! part (diffusers' `FluxPosEmbed` and `apply_rotary_emb`; Su et al., 2021, "`RoFormer`").

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use candle_core::{Device, Result, Tensor};
use lru::LruCache;

/// Base of the frequencies.
const THETA: f64 = 10_000.0;

/// How many grids are kept: those of some requests at a time.
const KEPT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(15);

/// Tokens of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::editors) struct Grid {
    /// Where the first of them lies: picture, row, column.
    pub(in crate::editors) first: [i32; 3],
    /// Rows and columns.
    pub(in crate::editors) sides: (usize, usize),
}

/// Tables of rotations, kept for grids that were asked for lately.
#[derive(Debug)]
pub(in crate::editors) struct Positions {
    axes: [usize; 3],
    device: Device,
    kept: Mutex<LruCache<Grid, Tensor>>,
}

impl Positions {
    pub(in crate::editors) fn new(axes: [usize; 3], device: &Device) -> Self {
        Self { axes, device: device.clone(), kept: Mutex::new(LruCache::new(KEPT)) }
    }

    /// Cosines, then sines, of every token: [rows · columns, head width] in single precision.
    pub(in crate::editors) fn tables(&self, grid: Grid) -> Result<Tensor> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.try_get_or_insert(grid, || self.made(grid)).cloned()
    }

    /// The same of tokens that lie anywhere: picture, row and column of each.
    pub(in crate::editors) fn tables_at(&self, places: &[[f32; 3]]) -> Result<Tensor> {
        let width = self.axes.iter().sum::<usize>();
        let mut table = Vec::with_capacity(places.len() * width);
        for place in places {
            let along = |axis: usize| angles(self.axes[axis], f64::from(place[axis]));
            let all: Vec<f64> = (0..3).flat_map(along).collect();
            table.extend(all.iter().map(|angle| angle.cos() as f32));
            table.extend(all.iter().map(|angle| angle.sin() as f32));
        }
        Tensor::from_vec(table, (places.len(), width), &self.device)
    }

    fn made(&self, Grid { first, sides: (rows, columns) }: Grid) -> Result<Tensor> {
        let along = |axis: usize, at: usize| angles(self.axes[axis], f64::from(first[axis]) + at as f64);
        let picture = along(0, 0);
        let across: Vec<Vec<f64>> = (0..columns).map(|at| along(2, at)).collect();
        let width = self.axes.iter().sum::<usize>();
        let mut table = Vec::with_capacity(rows * columns * width);
        for down in (0..rows).map(|at| along(1, at)) {
            for across in &across {
                let all = || picture.iter().chain(&down).chain(across);
                table.extend(all().map(|angle| angle.cos() as f32));
                table.extend(all().map(|angle| angle.sin() as f32));
            }
        }
        Tensor::from_vec(table, (rows * columns, width), &self.device)
    }
}

/// The angles of an axis at a place, in double precision as in the reference.
fn angles(width: usize, at: f64) -> Vec<f64> {
    (0..width / 2).map(|i| at / THETA.powf((2 * i) as f64 / width as f64)).collect()
}
