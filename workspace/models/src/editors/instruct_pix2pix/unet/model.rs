//! The whole network.

use std::path::Path;

use candle_core::{DType, Result, Tensor, bail};
use editscale_core::Watch;

use super::blocks::{DownBlock, MiddleBlock, UpBlock};
use super::config::Config;
use super::text::{Pass, PreparedText, ranges};
use super::time::TimeEmbedding;
use super::transformer::Transformer;
use crate::editors::cancel::unless_cancelled;
use crate::editors::class::DIFFUSERS;
use crate::layers::{Compute, Convolution, GroupNorm, Kernel, Scope};
use crate::load::LoadError;
use crate::weights::{Checkpoint, WeightError};

/// What the network is given for one step.
#[derive(Debug, Clone)]
pub struct UNetBatch {
    /// Latents [batch, in channels, height, width] of any type, on the model's device.
    pub latents: Tensor,
    /// The time of each.
    pub timesteps: Vec<f32>,
    /// Texts that were prepared.
    pub text: PreparedText,
    /// Which of them each looks at.
    pub of: Vec<usize>,
}

/// Predicts the noise in latents.
#[derive(Debug, Clone)]
pub struct UNet {
    config: Config,
    dtype: DType,
    time: TimeEmbedding,
    conv_in: Convolution,
    /// From the full resolution down.
    down: Vec<DownBlock>,
    middle: MiddleBlock,
    /// From the smallest resolution up.
    up: Vec<UpBlock>,
    norm: GroupNorm,
    conv_out: Convolution,
}

impl UNet {
    /// Loads `config.json` and the weights beside it.
    pub fn load(folder: &Path, compute: &Compute) -> std::result::Result<Self, LoadError> {
        let config = Config::read(&folder.join("config.json"))?;
        let checkpoint = Self::open(folder)?;
        Ok(Self::of(&Scope::root(&checkpoint, compute), config)?)
    }

    /// Opens the weights of a folder.
    pub(crate) fn open(folder: &Path) -> std::result::Result<Checkpoint, WeightError> {
        Checkpoint::open_stem(folder, DIFFUSERS, str::to_owned)
    }

    /// Takes the weights from a checkpoint.
    pub(crate) fn of(scope: &Scope<'_>, config: Config) -> std::result::Result<Self, WeightError> {
        let compute = scope.compute();
        let (count, widest) = (config.blocks.len(), config.widest());
        let down = |at: usize| DownBlock::load(&scope.at("down_blocks").at(at), &config, at);
        let up = |at: usize| UpBlock::load(&scope.at("up_blocks").at(at), &config, count - 1 - at);
        Ok(Self {
            dtype: compute.dtype,
            time: TimeEmbedding::load(&scope.at("time_embedding"), &config)?,
            conv_in: Convolution::load(&scope.at("conv_in"), (config.in_channels, widest), Kernel::THREE)?,
            down: (0..count).map(down).collect::<std::result::Result<_, _>>()?,
            middle: MiddleBlock::load(&scope.at("mid_block"), &config)?,
            up: (0..count).map(up).collect::<std::result::Result<_, _>>()?,
            norm: GroupNorm::load(&scope.at("conv_norm_out"), config.norm_num_groups, widest, config.norm_eps)?,
            conv_out: Convolution::load(&scope.at("conv_out"), (widest, config.out_channels), Kernel::THREE)?,
            config,
        })
    }

    /// Computes what the network sees of texts at every step, once. Each text is [tokens, width] with at least one token, of
    /// any type and on the model's device; the width is that of the configuration's `cross_attention_dim`.
    pub fn prepare(&self, texts: &[Tensor]) -> Result<PreparedText> {
        if texts.is_empty() {
            bail!("unet: no texts to prepare");
        }
        let expected = self.config.cross_attention_dim;
        let mut lengths = Vec::with_capacity(texts.len());
        for text in texts {
            match text.dims2()? {
                (rows, width) if rows > 0 && width == expected => lengths.push(rows),
                _ => bail!("unet: a text is {:?}: expected rows of width {expected}", text.dims()),
            }
        }
        let rows = Tensor::cat(texts, 0)?.to_dtype(self.dtype)?;
        let layers = self.transformers().flat_map(|transformer| transformer.keys_values(&rows));
        Ok(PreparedText { layers: layers.collect::<Result<_>>()?, texts: ranges(lengths.into_iter()) })
    }

    /// Predicts noise: [batch, out channels, height, width] in the model's type. Fails between two blocks where the watch says
    /// that the work is not wanted any more.
    ///
    /// Any height and width of at least one will do; multiples of 2^(resolutions − 1) are what models are made for.
    pub fn forward(&self, batch: &UNetBatch, watch: &dyn Watch) -> Result<Tensor> {
        self.check(batch)?;
        let UNetBatch { latents, timesteps, text, of } = batch;
        let mut latents = latents.to_dtype(self.dtype)?;
        if self.config.center_input_sample {
            latents = latents.affine(2.0, -1.0)?;
        }
        let mut pass = Pass::new(self.time.forward(timesteps, &latents)?, text, of);
        let mut inner = self.conv_in.forward(&latents)?;
        let mut skips = vec![inner.clone()];
        for block in &self.down {
            unless_cancelled(watch)?;
            inner = block.forward(inner, &mut skips, &mut pass)?;
        }
        unless_cancelled(watch)?;
        inner = self.middle.forward(&inner, &mut pass)?;
        for block in &self.up {
            unless_cancelled(watch)?;
            inner = block.forward(inner, &mut skips, &mut pass)?;
        }
        self.conv_out.forward(&self.norm.forward_silu(&inner)?)
    }

    fn check(&self, UNetBatch { latents, timesteps, text, of }: &UNetBatch) -> Result<()> {
        let (batch, channels, height, width) = latents.dims4()?;
        let expected = self.config.in_channels;
        if channels != expected || batch == 0 || height == 0 || width == 0 {
            bail!("unet: latents are {:?}: expected some with {expected} channels", latents.dims());
        }
        if timesteps.len() != batch || of.len() != batch {
            let (timesteps, texts) = (timesteps.len(), of.len());
            bail!("unet: {timesteps} timesteps and {texts} choices of a text for {batch} pictures");
        }
        if let Some(missing) = of.iter().find(|&&text_of| text_of >= text.len()) {
            bail!("unet: a picture looks at text {missing} of {}", text.len());
        }
        let layers: usize = self.transformers().map(Transformer::len).sum();
        if text.layers.len() != layers {
            bail!("unet: the text was prepared for {} layers: expected {layers}", text.layers.len());
        }
        Ok(())
    }

    /// All transformers in the order in which pictures pass them.
    fn transformers(&self) -> impl Iterator<Item = &Transformer> {
        let down = self.down.iter().flat_map(DownBlock::transformers);
        let up = self.up.iter().flat_map(UpBlock::transformers);
        down.chain(self.middle.transformers()).chain(up)
    }

    /// What the model's `config.json` says.
    pub fn config(&self) -> &Config {
        &self.config
    }
}
