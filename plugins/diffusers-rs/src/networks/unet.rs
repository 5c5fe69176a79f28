//! The U-Net of the crate.

use std::path::Path;

use diffusers::models::unet_2d::{BlockConfig, UNet2DConditionModel, UNet2DConditionModelConfig};
use editscale_models::editors::instruct_pix2pix::unet::{self, Config};
use editscale_models::load::LoadError;
use editscale_models::weights::Checkpoint;
use tch::nn::VarStore;
use tch::{Device, Tensor};

use super::weights::fill;
use super::{guarded, numbers};

/// The groups of every residual block that the crate builds on the way down and up, whatever a configuration says.
const GROUPS: usize = 32;

/// The network that predicts noise.
#[derive(Debug)]
pub struct UNet {
    config: Config,
    network: UNet2DConditionModel,
}

/// The first thing about a configuration that the crate cannot build, or builds as something else.
fn misfit(config: &Config) -> Option<String> {
    let one_of = |of: fn(&unet::BlockConfig) -> usize| {
        let first = config.blocks.first().map(of);
        config.blocks.iter().find(|block| Some(of(block)) != first).map(of)
    };
    if config.norm_num_groups != GROUPS {
        return Some(format!("`norm_num_groups` is {}: expected {GROUPS}", config.norm_num_groups));
    }
    if let Some(layers) = one_of(|block| block.layers) {
        return Some(format!("`layers_per_block` differs between blocks ({layers}): expected one number"));
    }
    if let Some(block) = config.blocks.iter().find(|block| block.transformer_layers != 1) {
        return Some(format!("`transformer_layers_per_block` is {}: expected 1", block.transformer_layers));
    }
    if config.blocks.iter().any(|block| block.is_attending_down != block.is_attending_up) {
        return Some("`down_block_types` and `up_block_types` are no mirror images: expected that they are".to_owned());
    }
    None
}

/// A configuration as the crate has it.
fn crates(config: &Config) -> UNet2DConditionModelConfig {
    let block = |block: &unet::BlockConfig| BlockConfig {
        out_channels: block.channels as i64,
        use_cross_attn: block.is_attending_down,
        attention_head_dim: block.heads as i64,
    };
    UNet2DConditionModelConfig {
        center_input_sample: config.center_input_sample,
        flip_sin_to_cos: config.flip_sin_to_cos,
        freq_shift: config.freq_shift,
        blocks: config.blocks.iter().map(block).collect(),
        layers_per_block: config.blocks.first().map_or(0, |block| block.layers as i64),
        downsample_padding: config.downsample_padding as i64,
        mid_block_scale_factor: config.mid_block_scale_factor,
        norm_num_groups: config.norm_num_groups as i64,
        norm_eps: config.norm_eps,
        cross_attention_dim: config.cross_attention_dim as i64,
        sliced_attention_size: None,
        use_linear_projection: config.use_linear_projection,
    }
}

impl UNet {
    /// Loads the component of a folder.
    pub fn load(folder: &Path, device: Device) -> Result<Self, LoadError> {
        let file = folder.join("config.json");
        let config = Config::read(&file)?;
        if let Some(misfit) = misfit(&config) {
            let reason =
                format!("{misfit}, as the crate `diffusers` builds it; the editor `instruct_pix2pix` takes it");
            return Err(LoadError::content(&file, reason));
        }
        let checkpoint = Checkpoint::open_stem(folder, "diffusion_pytorch_model", str::to_owned)?;
        let mut variables = VarStore::new(device);
        let (inputs, outputs) = (config.in_channels as i64, config.out_channels as i64);
        let network = guarded(|| Ok(UNet2DConditionModel::new(variables.root(), inputs, outputs, crates(&config))));
        let network = network.map_err(|reason| LoadError::content(&file, reason))?;
        fill(&mut variables, &checkpoint)?;
        Ok(Self { config, network })
    }

    /// The shape of the network.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The noise in `latents` [rows, channels, height, width] at one time, with a text [tokens, width] a row.
    pub fn predict(&self, latents: &Tensor, timestep: f32, texts: &Tensor) -> Result<Vec<f32>, String> {
        guarded(|| numbers(&self.network.forward(latents, f64::from(timestep), texts)))
    }

    /// About the most bytes of a pass of `branches` rows: activations, and scores of attention, which the crate keeps whole:
    /// as they are computed, scaled, and as shares.
    pub fn bytes(&self, rows: usize, columns: usize, branches: u64) -> u64 {
        let scores = |(at, block): (usize, &unet::BlockConfig)| {
            let pixels = (rows.div_ceil(1 << at) as u64).saturating_mul(columns.div_ceil(1 << at) as u64);
            let count = pixels.saturating_mul(pixels).saturating_mul(block.heads as u64);
            if block.is_attending_down { count.saturating_mul(4 * 3) } else { 0 }
        };
        let scores = self.config.blocks.iter().enumerate().map(scores).max().unwrap_or_default();
        let layers = self.config.row_bytes(rows, columns, candle_core::DType::F32);
        layers.saturating_add(scores).saturating_mul(branches)
    }
}
