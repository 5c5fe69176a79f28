//! Pictures to the moments of their latents' distribution.

use candle_core::{Result, Tensor};

use super::config::Config;
use super::middle::Middle;
use super::norm::PixelNorm;
use super::residual::Residual;
use crate::layers::{Convolution, Kernel, Scope};
use crate::weights::WeightError;

/// Halves a picture: a row of zeros below and a column on the right, and every second place of a kernel.
const HALVING: Kernel = Kernel { side: 3, stride: 2, padding: [0, 1, 0, 1] };

/// diffusers' `QwenImageEncoder3d`, of one frame.
#[derive(Debug, Clone)]
pub(super) struct Encoder {
    conv_in: Convolution,
    blocks: Vec<Block>,
    middle: Middle,
    norm: PixelNorm,
    conv_out: Convolution,
}

/// What the row of `down_blocks` consists of.
#[derive(Debug, Clone)]
enum Block {
    Residual(Residual),
    Halving(Convolution),
}

impl Encoder {
    pub(super) fn load(scope: &Scope<'_>, config: &Config) -> std::result::Result<Self, WeightError> {
        let (deepest, moments) = (config.deepest(), 2 * config.latent_channels);
        let place = |name: &str| scope.at(name);
        Ok(Self {
            conv_in: Convolution::load_last_tap(&place("conv_in"), (3, config.base_dim), Kernel::THREE)?,
            blocks: blocks(&place("down_blocks"), config)?,
            middle: Middle::load(&place("mid_block"), deepest)?,
            norm: PixelNorm::load(&place("norm_out"), deepest)?,
            conv_out: Convolution::load_last_tap(&place("conv_out"), (deepest, moments), Kernel::THREE)?,
        })
    }

    /// [batch, 3, height, width] to [batch, 2 · latent channels, height / factor, width / factor].
    pub(super) fn forward(&self, pictures: &Tensor) -> Result<Tensor> {
        let mut inner = self.conv_in.forward(pictures)?;
        for block in &self.blocks {
            inner = match block {
                Block::Residual(residual) => residual.forward(&inner)?,
                Block::Halving(convolution) => convolution.forward(&inner)?,
            };
        }
        let inner = self.middle.forward(&inner)?;
        self.conv_out.forward(&self.norm.forward_silu(&inner)?)
    }
}

/// All levels in one row: the residual blocks of each, and behind all but the last what halves the picture.
fn blocks(scope: &Scope<'_>, config: &Config) -> std::result::Result<Vec<Block>, WeightError> {
    let (mut blocks, mut inputs, levels) = (Vec::new(), config.base_dim, config.channels().len());
    for (level, outputs) in config.channels().enumerate() {
        for _ in 0..config.residuals {
            blocks.push(Block::Residual(Residual::load(&scope.at(blocks.len()), inputs, outputs)?));
            inputs = outputs;
        }
        if level + 1 < levels {
            let place = scope.at(blocks.len()).at("resample.1");
            blocks.push(Block::Halving(Convolution::load(&place, (outputs, outputs), HALVING)?));
        }
    }
    Ok(blocks)
}
