//! Rotary position embedding.

use candle_core::{Device, Result, Tensor};
use half::bf16;

use crate::layers::Compute;

/// Whether frequency tables are rounded as EditReward's released code rounds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RopeTables {
    /// As the released code computes: it casts the whole model to brain floats after loading, tables included, in
    /// training and in scoring. Text: frequencies rounded, then used in single precision. Vision: positions, angles,
    /// cosines and sines rounded.
    #[default]
    Official,
    /// In single precision throughout.
    Exact,
}

/// The inverse frequencies of one axis: `theta^(-2i / width)` for i below width / 2.
#[derive(Debug, Clone)]
pub struct Rotary {
    frequencies: Vec<f32>,
    tables: RopeTables,
}

fn rounded(value: f32) -> f32 {
    bf16::from_f32(value).to_f32()
}

impl Rotary {
    /// Frequencies of a rotation over `width` numbers.
    pub fn new(theta: f64, width: usize, tables: RopeTables) -> Self {
        // As the reference does: every step in single precision.
        let frequency = |i: usize| 1.0 / (theta as f32).powf((2 * i) as f32 / width as f32);
        let frequencies = (0..width / 2).map(frequency);
        let frequencies = match tables {
            RopeTables::Official => frequencies.map(rounded).collect(),
            RopeTables::Exact => frequencies.collect(),
        };
        Self { frequencies, tables }
    }

    /// How many angles a position has.
    pub fn len(&self) -> usize {
        self.frequencies.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.frequencies.is_empty()
    }

    /// The angle of one frequency at a position, in single precision.
    pub fn angle(&self, at: usize, position: u32) -> f32 {
        position as f32 * self.frequencies[at]
    }

    /// Cosine and sine tables for text, [rows, angles] each, in the type of the activations. `axis` says which of a
    /// row's three positions turns each frequency; plain positions have three equal ones.
    pub fn text(&self, positions: &[[u32; 3]], axis: &[usize], compute: &Compute) -> Result<(Tensor, Tensor)> {
        let angle =
            |position: &[u32; 3]| (0..self.len()).map(|at| self.angle(at, position[axis[at]])).collect::<Vec<_>>();
        let angles: Vec<f32> = positions.iter().flat_map(angle).collect();
        let table = |function: fn(f32) -> f32| {
            let values: Vec<f32> = angles.iter().copied().map(function).collect();
            Tensor::from_vec(values, (positions.len(), self.len()), &Device::Cpu)?
                .to_dtype(compute.dtype)?
                .to_device(&compute.device)
        };
        Ok((table(f32::cos)?, table(f32::sin)?))
    }

    /// Cosine and sine tables for patches at (row, column), [patches, 2 · angles] each, in single precision: the first
    /// half turns with the row, the second with the column.
    pub fn grid(&self, places: &[(u32, u32)], device: &Device) -> Result<(Tensor, Tensor)> {
        let round = match self.tables {
            RopeTables::Official => rounded,
            RopeTables::Exact => |value| value,
        };
        let angle = |position: u32, at: usize| round(round(position as f32) * self.frequencies[at]);
        let of = |&(row, column): &(u32, u32)| {
            let rows = (0..self.len()).map(move |at| angle(row, at));
            rows.chain((0..self.len()).map(move |at| angle(column, at)))
        };
        let angles: Vec<f32> = places.iter().flat_map(of).collect();
        let table = |function: fn(f32) -> f32| {
            let values: Vec<f32> = angles.iter().map(|&angle| round(function(angle))).collect();
            Tensor::from_vec(values, (places.len(), 2 * self.len()), device)
        };
        Ok((table(f32::cos)?, table(f32::sin)?))
    }
}

/// Rotates heads [rows, heads, width] by tables [rows, width / 2]: the first half of a head is paired with the second.
pub fn rotate(heads: &Tensor, cosines: &Tensor, sines: &Tensor) -> Result<Tensor> {
    // Tables in single precision ask for the rotation in single precision, whatever the activations.
    let turned =
        candle_nn::rotary_emb::rope_thd(&heads.to_dtype(cosines.dtype())?.unsqueeze(0)?.contiguous()?, cosines, sines)?;
    turned.squeeze(0)?.to_dtype(heads.dtype())
}
