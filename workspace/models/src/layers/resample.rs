//! Halving and doubling pictures, as diffusers' `Downsample2D` and `Upsample2D` do it.

use candle_core::{Result, Tensor};

use crate::layers::{Convolution, Kernel, Scope, upsample2};
use crate::weights::WeightError;

/// Halves pictures with a convolution of stride 2.
#[derive(Debug, Clone)]
pub struct Downsample {
    convolution: Convolution,
}

impl Downsample {
    /// Loads `conv`. A padding of 1 puts a pixel of zeros on every side, one of 0 puts them below and on the right only.
    pub fn load(scope: &Scope<'_>, channels: usize, padding: usize) -> std::result::Result<Self, WeightError> {
        let padding = if padding == 0 { [0, 1, 0, 1] } else { [padding; 4] };
        let kernel = Kernel { side: 3, stride: 2, padding };
        Ok(Self { convolution: Convolution::load(&scope.at("conv"), (channels, channels), kernel)? })
    }

    /// Maps [batch, channels, height, width] to half the height and width: rounded up with a padding of 1, down with 0.
    pub fn forward(&self, pictures: &Tensor) -> Result<Tensor> {
        self.convolution.forward(pictures)
    }
}

/// Enlarges pictures by repeating pixels, then smooths them with a convolution.
#[derive(Debug, Clone)]
pub struct Upsample {
    convolution: Convolution,
}

impl Upsample {
    /// Loads `conv`.
    pub fn load(scope: &Scope<'_>, channels: usize) -> std::result::Result<Self, WeightError> {
        Ok(Self { convolution: Convolution::load(&scope.at("conv"), (channels, channels), Kernel::THREE)? })
    }

    /// Maps [batch, channels, height, width] to twice the height and width.
    pub fn forward(&self, pictures: &Tensor) -> Result<Tensor> {
        self.convolution.forward(&upsample2(pictures)?)
    }

    /// Maps [batch, channels, height, width] to the given height and width; each pixel is that one of the source in which
    /// its upper left corner lies.
    pub fn forward_to(&self, pictures: &Tensor, height: usize, width: usize) -> Result<Tensor> {
        let (_, _, own_height, own_width) = pictures.dims4()?;
        if (height, width) == (2 * own_height, 2 * own_width) {
            return self.forward(pictures);
        }
        self.convolution.forward(&pictures.upsample_nearest2d(height, width)?)
    }
}
