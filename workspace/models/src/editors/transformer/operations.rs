//! Row-wise operations of a transformer's blocks: fused on the processor, out of candle's own elsewhere.

use std::sync::Arc;

use candle_core::{DType, Result, Tensor};

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
        self.modulate_composite(rows, shift, scale)
    }

    /// The same as one kernel an item, of which scale and shift are weight and bias: in single precision within, and rounded once.
    fn modulate_composite(&self, rows: &Tensor, shift: usize, scale: usize) -> Result<Tensor> {
        let (rows, width) = (rows.contiguous()?, rows.dim(1)?);
        self.each(|start, count, own| {
            let column = |at: usize| own.narrow(1, at, width)?.flatten_all();
            let (weight, bias) = ((column(scale)? + 1.0)?, column(shift)?);
            candle_nn::ops::layer_norm(&rows.narrow(0, start, count)?, &weight, &bias, EPSILON)
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

impl TurnedHeads {
    /// The heads of rows [rows, columns]: divided by their root mean square, times a weight [width], and turned by tables. The
    /// answer is [rows, heads, width].
    ///
    /// Tables are [turned rows, width] in single precision: cosines, then sines, one for every two neighbours of a head.
    pub(in crate::editors) fn of(self, fused: &Tensor, weight: &Tensor, tables: &Tensor) -> Result<Tensor> {
        if is_plain(fused) {
            return fused.apply_op3_no_bwd(weight, tables, &self);
        }
        self.composite(fused, weight, tables)
    }

    fn composite(self, fused: &Tensor, weight: &Tensor, tables: &Tensor) -> Result<Tensor> {
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
    let (rows, _, width) = heads.dims3()?;
    let half = width / 2;
    // Every row is a text of one token with tables of its own to the kernel.
    let table = |from: usize| tables.narrow(0, 0, rows)?.narrow(1, from, half)?.contiguous()?.reshape((rows, 1, half));
    let single = heads.to_dtype(DType::F32)?.contiguous()?.unsqueeze(2)?;
    candle_nn::rotary_emb::rope_i(&single, &table(0)?, &table(half)?)?.squeeze(2)?.to_dtype(heads.dtype())
}

/// Rows [rows, width] beside the Gaussian error linear unit (its hyperbolic tangent form) of what begins at a column of rows
/// [rows, columns].
pub(in crate::editors) fn beside_gelu(rows: &Tensor, fused: &Tensor, column: usize) -> Result<Tensor> {
    if is_plain(rows) {
        return rows.apply_op2_no_bwd(fused, &BesideGelu { column });
    }
    let inner = Activation::GeluTanh.apply(&fused.narrow(1, column, fused.dim(1)? - column)?)?;
    Tensor::cat(&[rows, &inner], 1)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn random(rows: usize, columns: usize) -> Tensor {
        Tensor::randn(0.3_f32, 1.5, (rows, columns), &Device::Cpu).unwrap()
    }

    fn off(found: &Tensor, right: &Tensor) -> f32 {
        (found - right).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap()
    }

    #[test]
    fn rows_are_modulated_alike_on_all_devices() -> Result<()> {
        let (rows, values) = (random(50, 24), random(3, 96));
        for runs in [vec![(0, 50)], vec![(2, 1), (0, 19), (1, 0), (2, 30)]] {
            let owners = Owners::new(runs);
            let by = Modulation { values: &values, owners: &owners };
            let (fused, composite) = (by.modulate(&rows, 24, 72)?, by.modulate_composite(&rows, 24, 72)?);
            assert!(off(&composite, &fused) < 2e-5, "off by {}", off(&composite, &fused));
        }
        Ok(())
    }

    #[test]
    fn heads_are_turned_alike_on_all_devices() -> Result<()> {
        let (fused, weight, tables) = (random(40, 70), random(1, 12).flatten_all()?, random(40, 12));
        for unturned in [0, 7, 40] {
            let heads = TurnedHeads { column: 24, heads: 3, unturned };
            let (ours, right) = (heads.composite(&fused, &weight, &tables)?, heads.of(&fused, &weight, &tables)?);
            assert!(off(&ours, &right) < 1e-5, "{unturned}: off by {}", off(&ours, &right));
        }
        Ok(())
    }
}
