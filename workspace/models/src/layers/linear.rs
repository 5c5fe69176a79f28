//! Affine maps of rows.

use std::sync::Arc;

use candle_core::quantized::QTensor;
use candle_core::{DType, Result, Tensor, bail};

use crate::layers::{Scope, cpu};
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
            Some(bias) => cpu::add_to_rows(&product, bias),
            None => Ok(product),
        }
    }
}
