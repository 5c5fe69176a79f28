//! The autoencoder of the crate.

use std::path::Path;

use diffusers::models::vae::{AutoEncoderKL, AutoEncoderKLConfig};
use editscale_models::layers::autoencoder_kl::Config;
use editscale_models::load::LoadError;
use editscale_models::weights::Checkpoint;
use tch::Device;
use tch::nn::VarStore;

use super::weights::fill;
use super::{guarded, numbers, tensor};

/// From pictures to latents and back.
#[derive(Debug)]
pub struct Autoencoder {
    config: Config,
    network: AutoEncoderKL,
    variables: VarStore,
}

/// How the layers of the attention are called since diffusers 0.14, and how the crate calls them.
const RENAMED: [(&str, &str); 4] = [("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out", "proj_attn")];

/// A logarithm of the variance whose standard deviation is 0 in single precision.
const NO_VARIANCE: f64 = -1e4;

/// The crate's name of a tensor.
fn crates(stored: &str) -> String {
    let mut parts: Vec<&str> = stored.split('.').collect();
    if let Some(at) = parts.iter().position(|part| *part == "attentions")
        && let Some(layer) = parts.get_mut(at + 2)
        && let Some((_, old)) = RENAMED.iter().find(|(new, _)| new == layer)
    {
        let is_nested = *layer == "to_out";
        *layer = old;
        if is_nested && parts.get(at + 3) == Some(&"0") {
            parts.remove(at + 3);
        }
    }
    parts.join(".")
}

/// The first thing about a configuration that the crate cannot build.
fn misfit(config: &Config) -> Option<&'static str> {
    match config {
        Config { use_quant_conv: false, .. } => Some("`use_quant_conv` is off: expected it on"),
        Config { use_post_quant_conv: false, .. } => Some("`use_post_quant_conv` is off: expected it on"),
        Config { mid_block_add_attention: false, .. } => Some("`mid_block_add_attention` is off: expected it on"),
        _ => None,
    }
}

impl Autoencoder {
    /// Loads the component of a folder.
    pub fn load(folder: &Path, device: Device) -> Result<Self, LoadError> {
        let file = folder.join("config.json");
        let config = Config::read(&file)?;
        if let Some(misfit) = misfit(&config) {
            let reason =
                format!("{misfit}, as the crate `diffusers` builds it; the editor `instruct_pix2pix` takes it");
            return Err(LoadError::content(&file, reason));
        }
        let shape = AutoEncoderKLConfig {
            block_out_channels: config.block_out_channels.iter().map(|channels| *channels as i64).collect(),
            layers_per_block: config.layers_per_block as i64,
            latent_channels: config.latent_channels as i64,
            norm_num_groups: config.norm_num_groups as i64,
        };
        let checkpoint = Checkpoint::open_stem(folder, "diffusion_pytorch_model", crates)?;
        let mut variables = VarStore::new(device);
        let (inputs, outputs) = (config.in_channels as i64, config.out_channels as i64);
        let network = guarded(|| Ok(AutoEncoderKL::new(variables.root(), inputs, outputs, shape)));
        let network = network.map_err(|reason| LoadError::content(&file, reason))?;
        fill(&mut variables, &checkpoint)?;
        let autoencoder = Self { config, network, variables };
        autoencoder.settle().map_err(|reason| LoadError::content(&file, reason))?;
        Ok(autoencoder)
    }

    /// Has the encoder answer with the mode of its distribution. The crate offers samples only: without variance every
    /// sample is the mean, which is the mode.
    fn settle(&self) -> Result<(), String> {
        let channels = self.config.latent_channels as i64;
        guarded(|| {
            for (name, variable) in self.variables.variables() {
                let mut variances = match name.as_str() {
                    "quant_conv.weight" | "quant_conv.bias" => variable.narrow(0, channels, channels),
                    _ => continue,
                };
                let value = if name.ends_with("bias") { NO_VARIANCE } else { 0.0 };
                variances.copy_(&variances.full_like(value));
            }
            Ok(())
        })
    }

    /// The shape of the network.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The latents [channels, rows, columns] of a picture [3, height, width] of values from −1 to 1.
    pub fn encode(&self, planes: &[f32], height: usize, width: usize) -> Result<Vec<f32>, String> {
        guarded(|| {
            let shape = [1, self.config.in_channels as i64, height as i64, width as i64];
            numbers(&self.network.encode(&tensor(planes, &shape, self.variables.device())).sample())
        })
    }

    /// The picture [3, height, width] of latents as the U-Net has them, of so many rows and columns.
    pub fn decode(&self, latents: &[f32], rows: usize, columns: usize) -> Result<Vec<f32>, String> {
        guarded(|| {
            let shape = [1, self.config.latent_channels as i64, rows as i64, columns as i64];
            let latents = tensor(latents, &shape, self.variables.device());
            let latents = latents / self.config.scaling_factor + self.config.shift_factor;
            numbers(&self.network.decode(&latents))
        })
    }

    /// About the most bytes while a picture of this size is encoded.
    pub fn encode_bytes(&self, height: usize, width: usize) -> u64 {
        self.config.encode_bytes(height, width, candle_core::DType::F32).saturating_add(self.scores(height, width))
    }

    /// About the most bytes while a picture of this size is decoded.
    pub fn decode_bytes(&self, height: usize, width: usize) -> u64 {
        self.config.decode_bytes(height, width, candle_core::DType::F32).saturating_add(self.scores(height, width))
    }

    /// The scores of attention, which the crate keeps whole, and their shares.
    fn scores(&self, height: usize, width: usize) -> u64 {
        let rows = (height / self.config.factor()) as u64 * (width / self.config.factor()) as u64;
        rows.saturating_mul(rows).saturating_mul(4 * 2)
    }
}

#[cfg(test)]
mod tests {
    use super::crates;

    #[test]
    fn both_schemes_of_names_lead_to_the_crates() {
        let table = [
            ("encoder.mid_block.attentions.0.to_q.weight", "encoder.mid_block.attentions.0.query.weight"),
            ("decoder.mid_block.attentions.0.to_out.0.bias", "decoder.mid_block.attentions.0.proj_attn.bias"),
            ("decoder.mid_block.attentions.0.value.bias", "decoder.mid_block.attentions.0.value.bias"),
            ("decoder.mid_block.attentions.0.group_norm.bias", "decoder.mid_block.attentions.0.group_norm.bias"),
            ("quant_conv.weight", "quant_conv.weight"),
        ];
        for (stored, name) in table {
            assert_eq!(crates(stored), name);
        }
    }
}
