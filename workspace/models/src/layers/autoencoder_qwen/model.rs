//! The whole autoencoder.

use std::path::Path;

use candle_core::{DType, Result, Tensor, bail};

use super::config::Config;
use super::decoder::Decoder;
use super::encoder::Encoder;
use super::names::canonical;
use crate::layers::tiles::Tiles;
use crate::layers::{Compute, Convolution, Kernel, Scope};
use crate::load::LoadError;
use crate::weights::{Checkpoint, WeightError};

/// What files of weights are called in the folders of pipelines.
const STEM: &str = "diffusion_pytorch_model";

/// Pictures to latents and back.
#[derive(Debug, Clone)]
pub struct AutoencoderQwen {
    config: Config,
    compute: Compute,
    encoder: Encoder,
    decoder: Decoder,
    quant: Convolution,
    post_quant: Convolution,
    /// Where set, larger pictures are decoded in tiles.
    tiles: Option<Tiles>,
}

impl AutoencoderQwen {
    /// Loads `config.json` and the weights beside it, or one file with the names of Wan or diffusers. Where no `config.json` lies
    /// beside such a file, it has to hold the released model, of any width.
    pub fn load(place: &Path, compute: &Compute) -> std::result::Result<Self, LoadError> {
        let checkpoint = Self::open(place)?;
        let config = Self::config_of(place, &checkpoint)?;
        Ok(Self::of(&Scope::root(&checkpoint, compute), config)?)
    }

    /// Opens the weights of a folder, or of one file.
    pub(crate) fn open(place: &Path) -> std::result::Result<Checkpoint, WeightError> {
        if place.is_file() {
            return Checkpoint::open_file(place, canonical);
        }
        Checkpoint::open_stem(place, STEM, canonical)
    }

    fn config_of(place: &Path, checkpoint: &Checkpoint) -> std::result::Result<Config, LoadError> {
        let folder = if place.is_file() { place.parent().unwrap_or(Path::new("")) } else { place };
        let file = folder.join("config.json");
        if !place.is_file() || file.exists() {
            return Config::read(&file);
        }
        let shape = checkpoint.fact("encoder.conv_in.weight").map(|fact| fact.shape).unwrap_or_default();
        match shape.first() {
            Some(&width) if width > 0 => Ok(Config::released(width)),
            _ => {
                let reason = "holds no tensor `encoder.conv1.weight`: expected the autoencoder of Qwen-Image";
                Err(LoadError::content(place, reason))
            }
        }
    }

    /// Takes the weights from a checkpoint.
    pub(crate) fn of(scope: &Scope<'_>, config: Config) -> std::result::Result<Self, WeightError> {
        let map = |name: &str, channels: usize| {
            Convolution::load_last_tap(&scope.at(name), (channels, channels), Kernel::POINT)
        };
        let latent = config.latent_channels;
        Ok(Self {
            encoder: Encoder::load(&scope.at("encoder"), &config)?,
            decoder: Decoder::load(&scope.at("decoder"), &config)?,
            quant: map("quant_conv", 2 * latent)?,
            post_quant: map("post_quant_conv", latent)?,
            compute: scope.compute().clone(),
            tiles: None,
            config,
        })
    }

    /// The same, decoding pictures that are larger in tiles of so many pixels a side, of which neighbours share a quarter.
    #[must_use]
    pub fn with_tiles(self, pixels: Option<usize>) -> Self {
        let tiles = pixels.map(|pixels| Tiles::of(pixels, self.factor()));
        Self { tiles, ..self }
    }

    /// The mode of the distribution of latents of pictures. Pictures [batch, 3, height, width] with values from −1 to 1, of any
    /// type and on the model's device; height and width multiples of [`Self::factor`]. The answer is [batch, latent channels,
    /// height / factor, width / factor] in the model's type, not normalised.
    pub fn encode(&self, pictures: &Tensor) -> Result<Tensor> {
        let (_, channels, height, width) = pictures.dims4()?;
        let factor = self.factor();
        if channels != 3 || height == 0 || width == 0 || height % factor != 0 || width % factor != 0 {
            bail!("autoencoder: pictures are {:?}: expected 3 channels and multiples of {factor}", pictures.dims());
        }
        let moments = self.quant.forward(&self.encoder.forward(&pictures.to_dtype(self.compute.dtype)?)?)?;
        // The logarithms of the variances follow the means.
        moments.narrow(1, 0, self.config.latent_channels)?.contiguous()
    }

    /// The pictures of latents: [batch, latent channels, height, width] of any type, not normalised, to [batch, 3, factor ·
    /// height, factor · width] with values around −1 to 1, not clamped, in the model's type.
    pub fn decode(&self, latents: &Tensor) -> Result<Tensor> {
        let (_, channels, height, width) = latents.dims4()?;
        let expected = self.config.latent_channels;
        if channels != expected || height == 0 || width == 0 {
            bail!("autoencoder: latents are {:?}: expected {expected} channels of some size", latents.dims());
        }
        let latents = latents.to_dtype(self.compute.dtype)?;
        match self.tiles {
            Some(tiles) if tiles.cuts(height, width) => tiles.decode(&latents, |tile| self.decode_whole(tile)),
            _ => self.decode_whole(&latents),
        }
    }

    fn decode_whole(&self, latents: &Tensor) -> Result<Tensor> {
        self.decoder.forward(&self.post_quant.forward(latents)?)
    }

    /// Latents as denoisers see them, of those that pictures were encoded to; in single precision.
    pub fn normalise(&self, latents: &Tensor) -> Result<Tensor> {
        let [means, deviations] = self.statistics(latents)?;
        latents.to_dtype(DType::F32)?.broadcast_sub(&means)?.broadcast_div(&deviations)
    }

    /// Latents to be decoded, of those that denoisers see; in single precision.
    pub fn restore(&self, latents: &Tensor) -> Result<Tensor> {
        let [means, deviations] = self.statistics(latents)?;
        latents.to_dtype(DType::F32)?.broadcast_mul(&deviations)?.broadcast_add(&means)
    }

    fn statistics(&self, latents: &Tensor) -> Result<[Tensor; 2]> {
        let placed = |values: &[f64]| {
            let values: Vec<f32> = values.iter().map(|value| *value as f32).collect();
            Tensor::from_vec(values, (1, self.config.latent_channels, 1, 1), latents.device())
        };
        Ok([placed(&self.config.means)?, placed(&self.config.deviations)?])
    }

    /// An upper bound of the bytes of activations while one picture of this size is decoded; of tiles, the picture itself is
    /// counted twice beside one of them.
    pub fn decode_bytes(&self, height: usize, width: usize) -> u64 {
        let dtype = self.compute.dtype;
        let at_once = |height: usize, width: usize| self.config.bytes(height, width, dtype);
        match self.tiles {
            Some(tiles) => tiles.bytes((height, width), dtype.size_in_bytes() as u64, at_once),
            None => at_once(height, width),
        }
    }

    /// What the model's `config.json` says.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How many pixels of a picture's edge make one of the latents'.
    pub fn factor(&self) -> usize {
        self.config.factor()
    }
}
