//! The way down, the middle and the way up.

use candle_core::{Result, Tensor, bail};

use super::config::{BlockConfig, Config};
use super::text::Pass;
use super::transformer::{Transformer, TransformerShape};
use crate::layers::{Downsample, Residual, ResidualShape, Scope, Upsample};
use crate::weights::WeightError;

/// A residual block, and the transformer behind it where there is one.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    residual: Residual,
    transformer: Option<Transformer>,
}

/// `DownBlock2D` and `CrossAttnDownBlock2D`.
#[derive(Debug, Clone)]
pub(super) struct DownBlock {
    layers: Vec<Layer>,
    downsample: Option<Downsample>,
}

/// `UNetMidBlock2DCrossAttn`.
#[derive(Debug, Clone)]
pub(super) struct MiddleBlock {
    first: Layer,
    second: Residual,
}

/// `UpBlock2D` and `CrossAttnUpBlock2D`.
#[derive(Debug, Clone)]
pub(super) struct UpBlock {
    layers: Vec<Layer>,
    upsample: Option<Upsample>,
}

fn residual_shape(config: &Config, inputs: usize, outputs: usize) -> ResidualShape {
    let (groups, epsilon) = (config.norm_num_groups, config.norm_eps);
    ResidualShape { inputs, outputs, time: Some(config.time_width()), groups, epsilon, scale: 1.0 }
}

fn transformer_shape(config: &Config, block: &BlockConfig) -> TransformerShape {
    TransformerShape {
        channels: block.channels,
        heads: block.heads,
        layers: block.transformer_layers,
        text: config.cross_attention_dim,
        groups: config.norm_num_groups,
        is_linear: config.use_linear_projection,
    }
}

impl Layer {
    /// Loads `resnets.AT` of a block, and `attentions.AT` where it attends.
    fn load(
        scope: &Scope<'_>,
        at: usize,
        residual: ResidualShape,
        transformer: Option<TransformerShape>,
    ) -> std::result::Result<Self, WeightError> {
        let attentions = scope.at("attentions").at(at);
        let transformer = transformer.map(|shape| Transformer::load(&attentions, shape)).transpose()?;
        Ok(Self { residual: Residual::load(&scope.at("resnets").at(at), residual)?, transformer })
    }

    fn forward(&self, pictures: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor> {
        let pictures = self.residual.forward(pictures, Some(&pass.time))?;
        match &self.transformer {
            Some(transformer) => transformer.forward(&pictures, pass),
            None => Ok(pictures),
        }
    }
}

impl DownBlock {
    /// Loads the block at one place of the list of resolutions.
    pub(super) fn load(scope: &Scope<'_>, config: &Config, at: usize) -> std::result::Result<Self, WeightError> {
        let block = &config.blocks[at];
        let before = config.blocks[at.saturating_sub(1)].channels;
        let transformer = block.is_attending_down.then(|| transformer_shape(config, block));
        let layer = |layer: usize| {
            let inputs = if layer == 0 { before } else { block.channels };
            Layer::load(scope, layer, residual_shape(config, inputs, block.channels), transformer)
        };
        let is_last = at + 1 == config.blocks.len();
        let down = || Downsample::load(&scope.at("downsamplers").at(0), block.channels, config.downsample_padding);
        Ok(Self {
            layers: (0..block.layers).map(layer).collect::<std::result::Result<_, _>>()?,
            downsample: (!is_last).then(down).transpose()?,
        })
    }

    /// Leaves what every layer made on the stack `skips`.
    pub(super) fn forward(&self, mut pictures: Tensor, skips: &mut Vec<Tensor>, pass: &mut Pass<'_>) -> Result<Tensor> {
        for layer in &self.layers {
            pictures = layer.forward(&pictures, pass)?;
            skips.push(pictures.clone());
        }
        if let Some(downsample) = &self.downsample {
            pictures = downsample.forward(&pictures)?;
            skips.push(pictures.clone());
        }
        Ok(pictures)
    }

    /// Its transformers, in the order in which pictures pass them.
    pub(super) fn transformers(&self) -> impl Iterator<Item = &Transformer> {
        self.layers.iter().filter_map(|layer| layer.transformer.as_ref())
    }
}

impl MiddleBlock {
    pub(super) fn load(scope: &Scope<'_>, config: &Config) -> std::result::Result<Self, WeightError> {
        let block = &config.blocks[config.blocks.len() - 1];
        let shape = residual_shape(config, block.channels, block.channels);
        let shape = ResidualShape { scale: config.mid_block_scale_factor, ..shape };
        Ok(Self {
            first: Layer::load(scope, 0, shape, Some(transformer_shape(config, block)))?,
            second: Residual::load(&scope.at("resnets").at(1), shape)?,
        })
    }

    pub(super) fn forward(&self, pictures: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor> {
        self.second.forward(&self.first.forward(pictures, pass)?, Some(&pass.time))
    }

    pub(super) fn transformers(&self) -> impl Iterator<Item = &Transformer> {
        self.first.transformer.iter()
    }
}

impl UpBlock {
    /// Loads the block of one of the resolutions, which are counted from the full one.
    pub(super) fn load(scope: &Scope<'_>, config: &Config, at: usize) -> std::result::Result<Self, WeightError> {
        let block = &config.blocks[at];
        // What comes from the resolution below, and what the way down left at the end of its stack for this one.
        let below = config.blocks[(at + 1).min(config.blocks.len() - 1)].channels;
        let above = config.blocks[at.saturating_sub(1)].channels;
        let transformer = block.is_attending_up.then(|| transformer_shape(config, block));
        let layer = |layer: usize| {
            let inputs = if layer == 0 { below } else { block.channels };
            let skip = if layer == block.layers { above } else { block.channels };
            Layer::load(scope, layer, residual_shape(config, inputs + skip, block.channels), transformer)
        };
        Ok(Self {
            layers: (0..=block.layers).map(layer).collect::<std::result::Result<_, _>>()?,
            upsample: (at > 0).then(|| Upsample::load(&scope.at("upsamplers").at(0), block.channels)).transpose()?,
        })
    }

    /// Takes what it needs from the stack `skips`, and grows to the size of what is then on top of it.
    pub(super) fn forward(&self, mut pictures: Tensor, skips: &mut Vec<Tensor>, pass: &mut Pass<'_>) -> Result<Tensor> {
        for layer in &self.layers {
            let Some(skip) = skips.pop() else { bail!("unet: fewer layers on the way down than on the way up") };
            pictures = layer.forward(&Tensor::cat(&[&pictures, &skip], 1)?, pass)?;
        }
        match (&self.upsample, skips.last()) {
            (Some(upsample), Some(skip)) => {
                let (_, _, height, width) = skip.dims4()?;
                upsample.forward_to(&pictures, height, width)
            }
            _ => Ok(pictures),
        }
    }

    pub(super) fn transformers(&self) -> impl Iterator<Item = &Transformer> {
        self.layers.iter().filter_map(|layer| layer.transformer.as_ref())
    }
}
