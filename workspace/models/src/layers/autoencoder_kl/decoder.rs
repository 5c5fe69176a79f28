//! Latents to pictures.

use candle_core::{Result, Tensor};

use super::chain::{Chain, EPSILON};
use super::config::Config;
use super::middle::Middle;
use crate::layers::{Convolution, GroupNorm, Kernel, Scope, Upsample};
use crate::weights::WeightError;

/// diffusers' `Decoder`.
#[derive(Debug, Clone)]
pub(super) struct Decoder {
    conv_in: Convolution,
    middle: Middle,
    blocks: Vec<UpBlock>,
    norm: GroupNorm,
    conv_out: Convolution,
}

/// Residual blocks at one resolution; all but the full one are then doubled.
#[derive(Debug, Clone)]
struct UpBlock {
    residuals: Chain,
    upsample: Option<Upsample>,
}

impl Decoder {
    pub(super) fn load(scope: &Scope<'_>, config: &Config) -> std::result::Result<Self, WeightError> {
        let mut inputs = config.deepest();
        let mut blocks = Vec::with_capacity(config.block_out_channels.len());
        for (at, &outputs) in config.block_out_channels.iter().rev().enumerate() {
            let is_last = at + 1 == config.block_out_channels.len();
            blocks.push(UpBlock::load(&scope.at("up_blocks").at(at), config, (inputs, outputs), is_last)?);
            inputs = outputs;
        }
        let widest = config.widest();
        Ok(Self {
            conv_in: Convolution::load(
                &scope.at("conv_in"),
                (config.latent_channels, config.deepest()),
                Kernel::THREE,
            )?,
            middle: Middle::load(&scope.at("mid_block"), config)?,
            blocks,
            norm: GroupNorm::load(&scope.at("conv_norm_out"), config.norm_num_groups, widest, EPSILON)?,
            conv_out: Convolution::load(&scope.at("conv_out"), (widest, config.out_channels), Kernel::THREE)?,
        })
    }

    /// [batch, latent channels, height, width] to [batch, channels, factor · height, factor · width].
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
        config: &Config,
        (inputs, outputs): (usize, usize),
        is_last: bool,
    ) -> std::result::Result<Self, WeightError> {
        let residuals = Chain::load(scope, config, (inputs, outputs), config.layers_per_block + 1)?;
        let upsample = (!is_last).then(|| Upsample::load(&scope.at("upsamplers").at(0), outputs)).transpose()?;
        Ok(Self { residuals, upsample })
    }

    fn forward(&self, pictures: Tensor) -> Result<Tensor> {
        let pictures = self.residuals.forward(pictures)?;
        match &self.upsample {
            Some(upsample) => upsample.forward(&pictures),
            None => Ok(pictures),
        }
    }
}
