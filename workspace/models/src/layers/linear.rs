//! Affine maps of rows.

use std::sync::Arc;

use candle_core::quantized::QTensor;
use candle_core::{CpuStorage, DType, InplaceOp2, Layout, Result, Tensor, bail};
use rayon::prelude::*;

use crate::layers::cpu::{TASK, is_plain, plain, plain_mut};
use crate::layers::{Scope, Slot};
use crate::weights::{GgufWeight, WeightError};

/// `x Wᵀ + b`, with a weight of shape [outputs, inputs].
#[derive(Debug, Clone)]
pub struct Linear {
    weight: Weight,
    bias: Option<Tensor>,
    /// Where something may be added to the product.
    slot: Option<Slot>,
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
        match scope.matrix("weight", &[outputs, inputs])? {
            GgufWeight::Dense(weight) => Ok(Self::new(weight, None)),
            GgufWeight::Quantised(weight) => {
                Self::quantised(weight, None).map_err(|error| scope.device_error("weight", error))
            }
        }
    }

    /// With a bias, from the weight of a convolution whose kernel is one pixel, [outputs, inputs, 1, 1].
    pub fn load_pointwise(scope: &Scope<'_>, inputs: usize, outputs: usize) -> std::result::Result<Self, WeightError> {
        let weight = scope.kept("weight", &[outputs, inputs, 1, 1])?.flatten_from(1);
        let weight = weight.map_err(|error| scope.device_error("weight", error))?;
        Ok(Self::new(weight, Some(scope.small("bias", &[outputs])?)))
    }

    /// From its parts.
    pub fn new(weight: Tensor, bias: Option<Tensor>) -> Self {
        Self { weight: Weight::Dense(weight), bias, slot: None }
    }

    /// From a quantised matrix [outputs, inputs]. It is expanded each time it is used, which costs little where rows are many,
    /// and activations are never rounded: what a row becomes does not depend on its neighbours.
    pub fn quantised(weight: Arc<QTensor>, bias: Option<Tensor>) -> Result<Self> {
        if weight.shape().rank() != 2 {
            bail!("a quantised weight has shape {:?}: expected two dimensions", weight.shape());
        }
        Ok(Self { weight: Weight::Quantised(weight), bias, slot: None })
    }

    /// The same with a place where something may be added to the product.
    #[must_use]
    pub fn with_slot(self, slot: Slot) -> Self {
        Self { slot: Some(slot), ..self }
    }

    /// The same with its weight in a type: that of the activations saves conversions.
    pub(crate) fn in_type(&self, dtype: DType) -> Result<Self> {
        Ok(Self { slot: self.slot.clone(), ..Self::new(self.matrix(dtype)?, self.bias.clone()) })
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
        let product = match self.slot.as_ref().and_then(Slot::get) {
            Some(addition) => addition.add(rows, &product)?,
            None => product,
        };
        match &self.bias {
            Some(bias) => add_to_rows(product, bias),
            None => Ok(product),
        }
    }
}

/// Adds a vector [width] to every row [rows, width] of a tensor that nobody else uses: where they lie, if that is on the processor.
fn add_to_rows(rows: Tensor, vector: &Tensor) -> Result<Tensor> {
    if !is_plain(&rows) {
        return rows.broadcast_add(vector);
    }
    rows.inplace_op2(vector, &AddToRows)?;
    Ok(rows)
}

struct AddToRows;

impl InplaceOp2 for AddToRows {
    fn name(&self) -> &'static str {
        "add-to-rows"
    }

    fn cpu_fwd(&self, rows: &mut CpuStorage, l1: &Layout, vector: &CpuStorage, l2: &Layout) -> Result<()> {
        let width = l2.shape().elem_count();
        if width == 0 || l1.dims().last() != Some(&width) {
            bail!("add to rows: rows {:?} do not have the width {width}", l1.dims());
        }
        let (rows, vector) = (plain_mut(rows, l1)?, plain(vector, l2)?);
        let task = (TASK / width).max(1) * width;
        rows.par_chunks_mut(task).for_each(|rows| {
            for row in rows.chunks_exact_mut(width) {
                row.iter_mut().zip(vector).for_each(|(value, &added)| *value += added);
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use candle_core::quantized::GgmlDType;

    use super::*;
    use crate::layers::LowRank;

    /// On numbers and on blocks of bits alike, and nothing is left of it once it is gone.
    #[test]
    fn what_lies_in_the_slot_is_added_to_the_product() -> Result<()> {
        let random = |rows: usize, columns: usize| Tensor::randn(0.0_f32, 1.0, (rows, columns), &Device::Cpu);
        let (rows, weight, bias) = (random(5, 64)?, random(32, 64)?, random(1, 32)?.flatten_all()?);
        let (down, up) = (random(3, 64)?, random(32, 3)?);
        let bits = Arc::new(QTensor::quantize(&weight, GgmlDType::Q8_0)?);
        for linear in [Linear::new(weight, Some(bias.clone())), Linear::quantised(bits, Some(bias))?] {
            let slot = Slot::default();
            let linear = linear.with_slot(slot.clone());
            let before = linear.forward(&rows)?;
            slot.set(Some(Arc::new(LowRank::new(down.clone(), up.clone()))));
            let added = rows.matmul(&down.t()?)?.matmul(&up.t()?)?;
            let off = (linear.forward(&rows)? - (&before + added)?)?.abs()?.max_all()?.to_scalar::<f32>()?;
            assert!(off < 1e-4, "{off}");
            slot.set(None);
            assert_eq!(linear.forward(&rows)?.to_vec2::<f32>()?, before.to_vec2::<f32>()?);
        }
        Ok(())
    }

    #[test]
    fn a_bias_is_added_to_every_row() -> Result<()> {
        for width in [1, 3, 16, 37, 200] {
            let rows = Tensor::randn(0.0_f32, 1.0, (700, width), &Device::Cpu)?;
            let bias = Tensor::randn(0.0_f32, 1.0, width, &Device::Cpu)?;
            let (ours, right) = (add_to_rows(rows.copy()?, &bias)?, rows.broadcast_add(&bias)?);
            assert_eq!(ours.to_vec2::<f32>()?, right.to_vec2::<f32>()?, "width {width}");
            assert!(add_to_rows(rows, &Tensor::zeros(width + 1, DType::F32, &Device::Cpu)?).is_err());
        }
        Ok(())
    }
}
