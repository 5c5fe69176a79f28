//! Latents to pictures.

use candle_core::{Result, Tensor};

use super::config::Config;
use super::middle::Middle;
use super::norm::PixelNorm;
use super::residual::Residual;
use crate::layers::{Convolution, Kernel, Scope, upsample2};
use crate::weights::WeightError;

/// diffusers' `QwenImageDecoder3d`, of one frame.
#[derive(Debug, Clone)]
pub(super) struct Decoder {
    conv_in: Convolution,
    middle: Middle,
    blocks: Vec<UpBlock>,
    norm: PixelNorm,
    conv_out: Convolution,
}

/// Residual blocks at one resolution; all but the full one are then doubled, with half the channels.
#[derive(Debug, Clone)]
struct UpBlock {
    residuals: Vec<Residual>,
    doubling: Option<Convolution>,
}

impl Decoder {
    pub(super) fn load(scope: &Scope<'_>, config: &Config) -> std::result::Result<Self, WeightError> {
        let (latent, deepest, widest) =
            (config.latent_channels, config.deepest(), config.channels().next().unwrap_or_default());
        let (mut inputs, mut blocks, levels) = (deepest, Vec::new(), config.channels().len());
        for (at, outputs) in config.channels().rev().enumerate() {
            let is_last = at + 1 == levels;
            let place = scope.at("up_blocks").at(at);
            blocks.push(UpBlock::load(&place, (inputs, outputs), config.residuals + 1, is_last)?);
            inputs = outputs / 2;
        }
        Ok(Self {
            conv_in: Convolution::load_last_tap(&scope.at("conv_in"), (latent, deepest), Kernel::THREE)?,
            middle: Middle::load(&scope.at("mid_block"), deepest)?,
            blocks,
            norm: PixelNorm::load(&scope.at("norm_out"), widest)?,
            conv_out: Convolution::load_last_tap(&scope.at("conv_out"), (widest, 3), Kernel::THREE)?,
        })
    }

    /// [batch, latent channels, height, width] to [batch, 3, factor · height, factor · width].
    pub(super) fn forward(&self, latents: &Tensor) -> Result<Tensor> {
        let mut inner = self.middle.forward(&self.conv_in.forward(latents)?)?;
        for block in &self.blocks {
            inner = block.forward(inner)?;
        }
        // Dropped before the last convolution takes its memory: this is the full resolution.
        let normed = self.norm.forward_silu(&inner)?;
        drop(inner);
        self.conv_out.forward(&normed)
    }
}

impl UpBlock {
    fn load(
        scope: &Scope<'_>,
        (inputs, outputs): (usize, usize),
        count: usize,
        is_last: bool,
    ) -> std::result::Result<Self, WeightError> {
        let residual = |at: usize| {
            let inputs = if at == 0 { inputs } else { outputs };
            Residual::load(&scope.at("resnets").at(at), inputs, outputs)
        };
        let doubling = || {
            let place = scope.at("upsamplers.0.resample.1");
            Convolution::load(&place, (outputs, outputs / 2), Kernel::THREE)
        };
        Ok(Self {
            residuals: (0..count).map(residual).collect::<std::result::Result<_, _>>()?,
            doubling: (!is_last).then(doubling).transpose()?,
        })
    }

    fn forward(&self, mut pictures: Tensor) -> Result<Tensor> {
        for residual in &self.residuals {
            pictures = residual.forward(&pictures)?;
        }
        match &self.doubling {
            Some(convolution) => convolution.forward(&upsample2(&pictures)?),
            None => Ok(pictures),
        }
    }
}
