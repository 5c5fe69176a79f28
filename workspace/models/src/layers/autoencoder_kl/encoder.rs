//! Pictures to the moments of their latents' distribution.

use candle_core::{Result, Tensor};

use super::chain::{Chain, EPSILON};
use super::config::Config;
use super::middle::Middle;
use crate::layers::{Convolution, Downsample, GroupNorm, Kernel, Scope};
use crate::weights::WeightError;

/// diffusers' `Encoder`.
#[derive(Debug, Clone)]
pub(super) struct Encoder {
    conv_in: Convolution,
    blocks: Vec<DownBlock>,
    middle: Middle,
    norm: GroupNorm,
    conv_out: Convolution,
}

/// Residual blocks at one resolution; all but the last resolution are then halved.
#[derive(Debug, Clone)]
struct DownBlock {
    residuals: Chain,
    downsample: Option<Downsample>,
}

impl Encoder {
    pub(super) fn load(scope: &Scope<'_>, config: &Config) -> std::result::Result<Self, WeightError> {
        let channels = &config.block_out_channels;
        let mut inputs = config.widest();
        let mut blocks = Vec::with_capacity(channels.len());
        for (at, &outputs) in channels.iter().enumerate() {
            let is_last = at + 1 == channels.len();
            blocks.push(DownBlock::load(&scope.at("down_blocks").at(at), config, (inputs, outputs), is_last)?);
            inputs = outputs;
        }
        let (deepest, moments) = (config.deepest(), 2 * config.latent_channels);
        Ok(Self {
            conv_in: Convolution::load(&scope.at("conv_in"), (config.in_channels, config.widest()), Kernel::THREE)?,
            blocks,
            middle: Middle::load(&scope.at("mid_block"), config)?,
            norm: GroupNorm::load(&scope.at("conv_norm_out"), config.norm_num_groups, deepest, EPSILON)?,
            conv_out: Convolution::load(&scope.at("conv_out"), (deepest, moments), Kernel::THREE)?,
        })
    }

    /// [batch, channels, height, width] to [batch, 2 · latent channels, height / factor, width / factor].
    pub(super) fn forward(&self, pictures: &Tensor) -> Result<Tensor> {
        let mut inner = self.conv_in.forward(pictures)?;
        for block in &self.blocks {
            inner = block.forward(inner)?;
        }
        let inner = self.middle.forward(&inner)?;
        self.conv_out.forward(&self.norm.forward_silu(&inner)?)
    }
}

impl DownBlock {
    fn load(
        scope: &Scope<'_>,
        config: &Config,
        (inputs, outputs): (usize, usize),
        is_last: bool,
    ) -> std::result::Result<Self, WeightError> {
        let residuals = Chain::load(scope, config, (inputs, outputs), config.layers_per_block)?;
        let downsample =
            (!is_last).then(|| Downsample::load(&scope.at("downsamplers").at(0), outputs, 0)).transpose()?;
        Ok(Self { residuals, downsample })
    }

    fn forward(&self, pictures: Tensor) -> Result<Tensor> {
        let pictures = self.residuals.forward(pictures)?;
        match &self.downsample {
            Some(downsample) => downsample.forward(&pictures),
            None => Ok(pictures),
        }
    }
}
