//! Convolutions of pictures.

use candle_core::{Result, Tensor};

use crate::layers::Scope;
use crate::weights::WeightError;

/// A convolution with square kernels over pictures [batch, channels, height, width], with a bias.
#[derive(Debug, Clone)]
pub struct Convolution {
    /// [outputs, inputs, kernel, kernel].
    weight: Tensor,
    /// [outputs].
    bias: Tensor,
    stride: usize,
    padding: usize,
}

impl Convolution {
    /// Loads `weight` and `bias`. `padding` pixels of zeros are put on every side.
    pub fn load(
        scope: &Scope<'_>,
        (inputs, outputs): (usize, usize),
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> std::result::Result<Self, WeightError> {
        let weight = scope.small("weight", &[outputs, inputs, kernel, kernel])?;
        Ok(Self { weight, bias: scope.small("bias", &[outputs])?, stride, padding })
    }

    /// Maps [batch, inputs, height, width] to [batch, outputs, (height + 2 padding − kernel) / stride + 1, …].
    pub fn forward(&self, pictures: &Tensor) -> Result<Tensor> {
        let mapped = pictures.conv2d(&self.weight, self.padding, self.stride, 1, 1)?;
        mapped.broadcast_add(&self.bias.reshape((1, (), 1, 1))?)
    }
}
