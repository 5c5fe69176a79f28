//! Affine maps of rows.

use candle_core::{DType, Result, Tensor};

use crate::layers::{Scope, cpu};
use crate::weights::WeightError;

/// `x Wᵀ + b`, with a weight of shape [outputs, inputs].
#[derive(Debug, Clone)]
pub struct Linear {
    weight: Tensor,
    bias: Option<Tensor>,
}

impl Linear {
    /// With a bias.
    pub fn load(scope: &Scope<'_>, inputs: usize, outputs: usize) -> std::result::Result<Self, WeightError> {
        let bias = Some(scope.small("bias", &[outputs])?);
        Ok(Self { bias, ..Self::load_no_bias(scope, inputs, outputs)? })
    }

    /// Without a bias.
    pub fn load_no_bias(scope: &Scope<'_>, inputs: usize, outputs: usize) -> std::result::Result<Self, WeightError> {
        Ok(Self { weight: scope.kept("weight", &[outputs, inputs])?, bias: None })
    }

    /// With a bias, from the weight of a convolution whose kernel is one pixel, [outputs, inputs, 1, 1].
    pub fn load_pointwise(scope: &Scope<'_>, inputs: usize, outputs: usize) -> std::result::Result<Self, WeightError> {
        let weight = scope.kept("weight", &[outputs, inputs, 1, 1])?.flatten_from(1);
        let weight = weight.map_err(|error| scope.device_error("weight", error))?;
        Ok(Self { weight, bias: Some(scope.small("bias", &[outputs])?) })
    }

    /// From its parts.
    pub fn new(weight: Tensor, bias: Option<Tensor>) -> Self {
        Self { weight, bias }
    }

    /// The same with its weight in a type: that of the activations saves conversions.
    pub(crate) fn in_type(&self, dtype: DType) -> Result<Self> {
        Ok(Self { weight: self.weight.to_dtype(dtype)?, bias: self.bias.clone() })
    }

    /// Maps rows [rows, inputs] to [rows, outputs].
    pub fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        let weight = self.weight.to_dtype(rows.dtype())?;
        let product = rows.matmul(&weight.t()?)?;
        match &self.bias {
            Some(bias) => cpu::add_to_rows(&product, bias),
            None => Ok(product),
        }
    }
}
