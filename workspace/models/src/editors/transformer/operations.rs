//! Row-wise operations of a transformer's blocks: fused on the processor, out of candle's own elsewhere.

use std::sync::Arc;

use candle_core::{D, DType, Result, Tensor};

use crate::editors::transformer::kernels::{AddGated, BesideGelu, EPSILON, Modulate, TurnedHeads};
use crate::layers::Activation;
use crate::layers::cpu::is_plain;

/// Which item each row belongs to. Rows of an item follow each other.
#[derive(Debug, Clone)]
pub(in crate::editors) struct Owners(Arc<[u32]>);

impl Owners {
    /// Of runs of rows: an item and how many rows of it follow.
    pub(in crate::editors) fn new(runs: impl IntoIterator<Item = (usize, usize)>) -> Self {
        Self(runs.into_iter().flat_map(|(item, rows)| std::iter::repeat_n(item as u32, rows)).collect())
    }

    /// Item, first row and rows of every run.
    fn runs(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let mut start = 0;
        self.0.chunk_by(|a, b| a == b).map(move |run| {
            start += run.len();
            (run[0] as usize, start - run.len(), run.len())
        })
    }
}

/// What rows are modulated by. Shifts, scales and gates are columns of `values`, each as wide as the rows.
#[derive(Debug, Clone, Copy)]
pub(in crate::editors) struct Modulation<'a> {
    /// Of every item: [items, columns].
    pub(in crate::editors) values: &'a Tensor,
    /// The item of every row.
    pub(in crate::editors) owners: &'a Owners,
}

impl Modulation<'_> {
    /// Rows [rows, width] to mean 0 and variance 1, then `· (1 + scale) + shift`. An item's shift begins at column `shift`, its
    /// scale at column `scale`.
    pub(in crate::editors) fn modulate(&self, rows: &Tensor, shift: usize, scale: usize) -> Result<Tensor> {
        if is_plain(rows) {
            let operation = Modulate { owners: self.owners.0.clone(), shift, scale };
            return rows.apply_op2_no_bwd(self.values, &operation);
        }
        let width = rows.dim(1)?;
        let normed = normed(rows)?;
        self.each(|start, count, own| {
            let scaled = normed.narrow(0, start, count)?.broadcast_mul(&(own.narrow(1, scale, width)? + 1.0)?)?;
            scaled.broadcast_add(&own.narrow(1, shift, width)?)
        })
    }

    /// `base + gate · update` of rows [rows, width]; an item's gate begins at column `gate`.
    pub(in crate::editors) fn add_gated(&self, base: &Tensor, update: &Tensor, gate: usize) -> Result<Tensor> {
        if is_plain(base) {
            let operation = AddGated { owners: self.owners.0.clone(), gate };
            return base.apply_op3_no_bwd(update, self.values, &operation);
        }
        let width = base.dim(1)?;
        let sum = self.each(|start, count, own| {
            let gated = update.narrow(0, start, count)?.broadcast_mul(&own.narrow(1, gate, width)?)?;
            base.narrow(0, start, count)? + gated
        })?;
        // As the reference does: half precision ends at 65504, and some activations of the text stream go there.
        if sum.dtype() == DType::F16 { sum.clamp(-65504_f32, 65504_f32) } else { Ok(sum) }
    }

    /// What `of` makes of each item's rows and of its row of values, one below the other.
    fn each(&self, of: impl Fn(usize, usize, &Tensor) -> Result<Tensor>) -> Result<Tensor> {
        let parts = self.owners.runs().map(|(item, start, rows)| of(start, rows, &self.values.narrow(0, item, 1)?));
        Tensor::cat(&parts.collect::<Result<Vec<_>>>()?, 0)
    }
}

/// Rows to mean 0 and variance 1, in single precision within.
fn normed(rows: &Tensor) -> Result<Tensor> {
    let single = rows.to_dtype(DType::F32)?;
    let centred = single.broadcast_sub(&single.mean_keepdim(D::Minus1)?)?;
    let variance = (centred.sqr()?.mean_keepdim(D::Minus1)? + f64::from(EPSILON))?;
    centred.broadcast_div(&variance.sqrt()?)?.to_dtype(rows.dtype())
}

impl TurnedHeads {
    /// The heads of rows [rows, columns]: divided by their root mean square, times a weight [width], and turned by tables. The
    /// answer is [rows, heads, width].
    ///
    /// Tables are [turned rows, width] in single precision: cosines, then sines, one for every two neighbours of a head.
    pub(in crate::editors) fn of(self, fused: &Tensor, weight: &Tensor, tables: &Tensor) -> Result<Tensor> {
        if is_plain(fused) {
            return fused.apply_op3_no_bwd(weight, tables, &self);
        }
        let (rows, width) = (fused.dim(0)?, weight.dim(0)?);
        let heads = fused.narrow(1, self.column, self.heads * width)?.reshape((rows, self.heads, width))?;
        let normed = candle_nn::ops::rms_norm(&heads.contiguous()?, weight, EPSILON)?;
        let unturned = self.unturned.min(rows);
        let (text, picture) = (normed.narrow(0, 0, unturned)?, normed.narrow(0, unturned, rows - unturned)?);
        match (unturned, rows - unturned) {
            (_, 0) => Ok(text),
            (0, _) => turned(&picture, tables),
            _ => Tensor::cat(&[text, turned(&picture, tables)?], 0),
        }
    }
}

/// Turns neighbouring numbers of heads [rows, heads, width] as real and imaginary parts, in single precision.
fn turned(heads: &Tensor, tables: &Tensor) -> Result<Tensor> {
    let (rows, count, width) = heads.dims3()?;
    let half = width / 2;
    let pairs = heads.to_dtype(DType::F32)?.reshape((rows, count, half, 2))?;
    let (real, imaginary) = (pairs.narrow(3, 0, 1)?, pairs.narrow(3, 1, 1)?);
    let table = |from: usize| tables.narrow(0, 0, rows)?.narrow(1, from, half)?.reshape((rows, 1, half, 1));
    let (cosines, sines) = (table(0)?, table(half)?);
    let first = (real.broadcast_mul(&cosines)? - imaginary.broadcast_mul(&sines)?)?;
    let second = (imaginary.broadcast_mul(&cosines)? + real.broadcast_mul(&sines)?)?;
    Tensor::cat(&[first, second], 3)?.reshape((rows, count, width))?.to_dtype(heads.dtype())
}

/// Rows [rows, width] beside the Gaussian error linear unit (its hyperbolic tangent form) of what begins at a column of rows
/// [rows, columns].
pub(in crate::editors) fn beside_gelu(rows: &Tensor, fused: &Tensor, column: usize) -> Result<Tensor> {
    if is_plain(rows) {
        return rows.apply_op2_no_bwd(fused, &BesideGelu { column });
    }
    let inner = fused.narrow(1, column, fused.dim(1)? - column)?.contiguous()?;
    let inner = Activation::GeluTanh.apply(&inner)?;
    Tensor::cat(&[rows, &inner], 1)
}
