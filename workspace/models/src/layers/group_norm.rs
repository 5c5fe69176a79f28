//! Normalisation of pictures over groups of channels.

use candle_core::{D, DType, Result, Tensor};

use crate::layers::Scope;
use crate::weights::WeightError;

/// Every group of channels of every picture to mean 0 and variance 1, then a weight and a bias a channel (Wu and He 2018,
/// "Group normalization"). Means are taken in single precision.
#[derive(Debug, Clone)]
pub struct GroupNorm {
    /// [channels].
    weight: Tensor,
    /// [channels].
    bias: Tensor,
    groups: usize,
    epsilon: f64,
}

impl GroupNorm {
    /// Loads `weight` and `bias`. `groups` divides `channels`.
    pub fn load(
        scope: &Scope<'_>,
        groups: usize,
        channels: usize,
        epsilon: f64,
    ) -> std::result::Result<Self, WeightError> {
        let (weight, bias) = (scope.small("weight", &[channels])?, scope.small("bias", &[channels])?);
        Ok(Self { weight, bias, groups, epsilon })
    }

    /// Normalises [batch, channels, height, width].
    pub fn forward(&self, pictures: &Tensor) -> Result<Tensor> {
        let (batch, channels, height, width) = pictures.dims4()?;
        let groups = pictures.reshape((batch, self.groups, channels / self.groups * height * width))?;
        let groups = groups.to_dtype(DType::F32)?;
        let centred = groups.broadcast_sub(&groups.mean_keepdim(D::Minus1)?)?;
        let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
        let normed = centred.broadcast_div(&(variance + self.epsilon)?.sqrt()?)?;
        let normed = normed.to_dtype(pictures.dtype())?.reshape((batch, channels, height, width))?;
        let weight = self.weight.reshape((1, channels, 1, 1))?;
        normed.broadcast_mul(&weight)?.broadcast_add(&self.bias.reshape((1, channels, 1, 1))?)
    }

    /// The same, followed by the sigmoid-weighted linear unit, `x · sigmoid(x)`.
    pub fn forward_silu(&self, pictures: &Tensor) -> Result<Tensor> {
        self.forward(pictures)?.silu()
    }
}
