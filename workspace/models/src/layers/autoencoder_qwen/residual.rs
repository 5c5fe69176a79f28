//! The residual block of convolutions: diffusers' `QwenImageResidualBlock`, of one frame.

use candle_core::{Result, Tensor};

use super::norm::PixelNorm;
use crate::layers::{Convolution, Kernel, Scope, in_place};
use crate::weights::WeightError;

/// Two convolutions, each after a norm and an activation, around which the input is led.
#[derive(Debug, Clone)]
pub(super) struct Residual {
    norm1: PixelNorm,
    conv1: Convolution,
    norm2: PixelNorm,
    conv2: Convolution,
    /// Brings the input to the output's channels where they differ.
    shortcut: Option<Convolution>,
}

impl Residual {
    pub(super) fn load(scope: &Scope<'_>, inputs: usize, outputs: usize) -> std::result::Result<Self, WeightError> {
        let convolution = |name: &str, inputs: usize, kernel: Kernel| {
            Convolution::load_last_tap(&scope.at(name), (inputs, outputs), kernel)
        };
        Ok(Self {
            norm1: PixelNorm::load(&scope.at("norm1"), inputs)?,
            conv1: convolution("conv1", inputs, Kernel::THREE)?,
            norm2: PixelNorm::load(&scope.at("norm2"), outputs)?,
            conv2: convolution("conv2", outputs, Kernel::THREE)?,
            shortcut: (inputs != outputs).then(|| convolution("conv_shortcut", inputs, Kernel::POINT)).transpose()?,
        })
    }

    /// Maps [batch, inputs, height, width] to [batch, outputs, height, width].
    pub(super) fn forward(&self, pictures: &Tensor) -> Result<Tensor> {
        // Assigned, not shadowed: what is replaced gives its memory back.
        let mut inner = self.conv1.forward(&self.norm1.forward_silu(pictures)?)?;
        inner = self.norm2.forward_silu(&inner)?;
        inner = self.conv2.forward(&inner)?;
        match &self.shortcut {
            Some(shortcut) => in_place::sum(inner, &shortcut.forward(pictures)?),
            None => in_place::sum(inner, pictures),
        }
    }
}
