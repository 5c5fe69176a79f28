//! The whole autoencoder.

use std::path::Path;

use candle_core::{DType, Result, Tensor, bail};

use super::config::Config;
use super::decoder::Decoder;
use super::encoder::Encoder;
use super::names::{canonical, of_original};
use crate::layers::tiles::Tiles;
use crate::layers::{Compute, Convolution, Kernel, Scope};
use crate::load::LoadError;
use crate::weights::{Checkpoint, WeightError};

/// What files of weights are called in the folders of pipelines.
const STEM: &str = "diffusion_pytorch_model";

/// Pictures to latents and back.
#[derive(Debug, Clone)]
pub struct AutoencoderKl {
    config: Config,
    dtype: DType,
    encoder: Encoder,
    decoder: Decoder,
    quant: Option<Convolution>,
    post_quant: Option<Convolution>,
    /// Where set, larger pictures are decoded in tiles.
    tiles: Option<Tiles>,
}

impl AutoencoderKl {
    /// Loads `config.json` and the weights beside it. Checkpoints with the attention's older names are read as well.
    pub fn load(folder: &Path, compute: &Compute) -> std::result::Result<Self, LoadError> {
        let config = Config::read(&folder.join("config.json"))?;
        Ok(Self::of(&Scope::root(&Self::open(folder)?, compute), config)?)
    }

    /// Loads one file with the names of Black Forest Labs. A `config.json` beside it says its shape if it is an autoencoder's;
    /// else the shape is taken from the tensors, and the latents' scale is that of FLUX.1.
    pub fn load_file(file: &Path, compute: &Compute) -> std::result::Result<Self, LoadError> {
        let checkpoint = Self::open_file(file)?;
        let config = Config::of_file(file, &checkpoint)?;
        Ok(Self::of(&Scope::root(&checkpoint, compute), config)?)
    }

    /// Opens one file with the names of Black Forest Labs.
    pub(crate) fn open_file(file: &Path) -> std::result::Result<Checkpoint, WeightError> {
        Checkpoint::open_file(file, of_original)
    }

    /// Opens the weights of a folder.
    pub(crate) fn open(folder: &Path) -> std::result::Result<Checkpoint, WeightError> {
        Checkpoint::open_stem(folder, STEM, canonical)
    }

    /// Takes the weights from a checkpoint.
    pub(crate) fn of(scope: &Scope<'_>, config: Config) -> std::result::Result<Self, WeightError> {
        let map = |name: &str, is_there: bool, channels: usize| {
            is_there.then(|| Convolution::load(&scope.at(name), (channels, channels), Kernel::POINT)).transpose()
        };
        let latent = config.latent_channels;
        Ok(Self {
            encoder: Encoder::load(&scope.at("encoder"), &config)?,
            decoder: Decoder::load(&scope.at("decoder"), &config)?,
            quant: map("quant_conv", config.use_quant_conv, 2 * latent)?,
            post_quant: map("post_quant_conv", config.use_post_quant_conv, latent)?,
            dtype: scope.compute().dtype,
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

    /// The mean of the distribution of latents of pictures. Pictures [batch, channels, height, width] with values from −1
    /// to 1, of any type and on the model's device; height and width multiples of [`Self::factor`]. The answer is
    /// [batch, latent channels, height / factor, width / factor] in the model's type, neither shifted nor scaled.
    pub fn encode(&self, pictures: &Tensor) -> Result<Tensor> {
        Ok(self.moments(pictures)?[0].clone())
    }

    /// The same with the logarithms of the variances.
    pub fn moments(&self, pictures: &Tensor) -> Result<[Tensor; 2]> {
        let (_, channels, height, width) = pictures.dims4()?;
        let (expected, factor) = (self.config.in_channels, self.factor());
        if channels != expected {
            bail!("autoencoder: pictures have {channels} channels: expected {expected}");
        }
        if height == 0 || width == 0 || height % factor != 0 || width % factor != 0 {
            bail!("autoencoder: pictures are {width}x{height}: expected multiples of {factor}");
        }
        let mut moments = self.encoder.forward(&pictures.to_dtype(self.dtype)?)?;
        if let Some(quant) = &self.quant {
            moments = quant.forward(&moments)?;
        }
        let latent = self.config.latent_channels;
        Ok([moments.narrow(1, 0, latent)?.contiguous()?, moments.narrow(1, latent, latent)?.contiguous()?])
    }

    /// The pictures of latents: [batch, latent channels, height, width] of any type, neither shifted nor scaled, to
    /// [batch, channels, factor · height, factor · width] with values around −1 to 1, not clamped, in the model's type.
    pub fn decode(&self, latents: &Tensor) -> Result<Tensor> {
        let (_, channels, height, width) = latents.dims4()?;
        let expected = self.config.latent_channels;
        if channels != expected || height == 0 || width == 0 {
            bail!("autoencoder: latents are {:?}: expected {expected} channels of some size", latents.dims());
        }
        let latents = latents.to_dtype(self.dtype)?;
        match self.tiles {
            Some(tiles) if tiles.cuts(height, width) => tiles.decode(&latents, |tile| self.decode_whole(tile)),
            _ => self.decode_whole(&latents),
        }
    }

    fn decode_whole(&self, latents: &Tensor) -> Result<Tensor> {
        match &self.post_quant {
            Some(post_quant) => self.decoder.forward(&post_quant.forward(latents)?),
            None => self.decoder.forward(latents),
        }
    }

    /// An upper bound of the bytes of activations while one picture of this size, in pixels, is decoded; of tiles, the picture
    /// itself is counted twice beside one of them.
    pub fn decode_bytes(&self, height: usize, width: usize) -> u64 {
        let at_once = |height: usize, width: usize| self.config.decode_bytes(height, width, self.dtype);
        match self.tiles {
            Some(tiles) => tiles.bytes((height, width), self.dtype.size_in_bytes() as u64, at_once),
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

    /// The type of activations.
    pub fn dtype(&self) -> DType {
        self.dtype
    }
}
