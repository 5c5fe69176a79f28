//! Affine maps of rows.

use std::sync::Arc;

use candle_core::quantized::QTensor;
use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::layers::Scope;
use crate::layers::cpu::{TASK, is_plain, plain};
use crate::weights::WeightError;

/// `x Wᵀ + b`, with a weight of shape [outputs, inputs].
#[derive(Debug, Clone)]
pub struct Linear {
    weight: Weight,
    bias: Option<Tensor>,
}

/// A matrix [outputs, inputs].
#[derive(Debug, Clone)]
enum Weight {
    /// Numbers.
    Dense(Tensor),
    /// Blocks of a few bits a number.
    Quantised(Arc<QTensor>),
}

impl Linear {
    /// With a bias.
    pub fn load(scope: &Scope<'_>, inputs: usize, outputs: usize) -> std::result::Result<Self, WeightError> {
        let bias = Some(scope.small("bias", &[outputs])?);
        Ok(Self { bias, ..Self::load_no_bias(scope, inputs, outputs)? })
    }

    /// Without a bias.
    pub fn load_no_bias(scope: &Scope<'_>, inputs: usize, outputs: usize) -> std::result::Result<Self, WeightError> {
        Ok(Self::new(scope.kept("weight", &[outputs, inputs])?, None))
    }

    /// With a bias, from the weight of a convolution whose kernel is one pixel, [outputs, inputs, 1, 1].
    pub fn load_pointwise(scope: &Scope<'_>, inputs: usize, outputs: usize) -> std::result::Result<Self, WeightError> {
        let weight = scope.kept("weight", &[outputs, inputs, 1, 1])?.flatten_from(1);
        let weight = weight.map_err(|error| scope.device_error("weight", error))?;
        Ok(Self { weight: Weight::Dense(weight), bias: Some(scope.small("bias", &[outputs])?) })
    }

    /// From its parts.
    pub fn new(weight: Tensor, bias: Option<Tensor>) -> Self {
        Self { weight: Weight::Dense(weight), bias }
    }

    /// From a quantised matrix [outputs, inputs]. It is expanded each time it is used, which costs little where rows are many,
    /// and activations are never rounded: what a row becomes does not depend on its neighbours.
    pub fn quantised(weight: Arc<QTensor>, bias: Option<Tensor>) -> Result<Self> {
        if weight.shape().rank() != 2 {
            bail!("a quantised weight has shape {:?}: expected two dimensions", weight.shape());
        }
        Ok(Self { weight: Weight::Quantised(weight), bias })
    }

    /// The same with its weight in a type: that of the activations saves conversions.
    pub(crate) fn in_type(&self, dtype: DType) -> Result<Self> {
        Ok(Self::new(self.matrix(dtype)?, self.bias.clone()))
    }

    /// The weight as numbers of a type.
    fn matrix(&self, dtype: DType) -> Result<Tensor> {
        match &self.weight {
            Weight::Dense(weight) => weight.to_dtype(dtype),
            Weight::Quantised(weight) => weight.dequantize(&weight.device())?.to_dtype(dtype),
        }
    }

    /// Maps rows [rows, inputs] to [rows, outputs].
    pub fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        let product = rows.matmul(&self.matrix(rows.dtype())?.t()?)?;
        match &self.bias {
            Some(bias) => add_to_rows(&product, bias),
            None => Ok(product),
        }
    }
}

/// Adds a vector [width] to every row [rows, width].
fn add_to_rows(rows: &Tensor, vector: &Tensor) -> Result<Tensor> {
    if is_plain(rows) { rows.apply_op2_no_bwd(vector, &AddToRows) } else { rows.broadcast_add(vector) }
}

struct AddToRows;

impl CustomOp2 for AddToRows {
    fn name(&self) -> &'static str {
        "add-to-rows"
    }

    fn cpu_fwd(&self, rows: &CpuStorage, l1: &Layout, vector: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let width = l2.shape().elem_count();
        if width == 0 || l1.dims().last() != Some(&width) {
            bail!("add to rows: rows {:?} do not have the width {width}", l1.dims());
        }
        let (rows, vector) = (plain(rows, l1)?, plain(vector, l2)?);
        let mut out = vec![0.0; rows.len()];
        let task = (TASK / width).max(1) * width;
        out.par_chunks_mut(task).zip(rows.par_chunks(task)).for_each(|(out, rows)| {
            for (out, row) in out.chunks_exact_mut(width).zip(rows.chunks_exact(width)) {
                for ((out, &value), &added) in out.iter_mut().zip(row).zip(vector) {
                    *out = value + added;
                }
            }
        });
        Ok((CpuStorage::F32(out), l1.shape().clone()))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn a_bias_is_added_to_every_row() -> Result<()> {
        for width in [1, 3, 16, 37, 200] {
            let rows = Tensor::randn(0.0_f32, 1.0, (700, width), &Device::Cpu)?;
            let bias = Tensor::randn(0.0_f32, 1.0, width, &Device::Cpu)?;
            let (ours, right) = (add_to_rows(&rows, &bias)?, rows.broadcast_add(&bias)?);
            assert_eq!(ours.to_vec2::<f32>()?, right.to_vec2::<f32>()?, "width {width}");
            assert!(add_to_rows(&rows, &Tensor::zeros(width + 1, DType::F32, &Device::Cpu)?).is_err());
        }
        Ok(())
    }
}
