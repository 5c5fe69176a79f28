//! The shape of the autoencoder: read from its `config.json`, or from the shapes of its tensors.

use std::path::Path;

use candle_core::DType;

use crate::load::{Fixed, LoadError, Settings};

/// What a `config.json` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Channels at the full resolution.
    pub base_dim: usize,
    /// Channels of latents.
    pub latent_channels: usize,
    /// Channels at each resolution as multiples of those at the full one; every resolution is half of the one before.
    pub multiples: Vec<usize>,
    /// Residual blocks at each resolution of the encoder; the decoder has one more.
    pub residuals: usize,
    /// Denoisers see `(latents − mean) / deviation`, a channel each.
    pub means: Vec<f64>,
    /// See [`Self::means`].
    pub deviations: Vec<f64>,
}

/// The most resolutions that are accepted: the released model has four.
const MOST_LEVELS: usize = 12;

/// Of the released model, a number for each of its channels of latents.
const MEANS: [f64; 16] = [
    -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508, 0.4134, -0.0715, 0.5517, -0.3632, -0.1922,
    -0.9497, 0.2503, -0.2921,
];
const DEVIATIONS: [f64; 16] = [
    2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743, 3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253,
    2.8251, 1.9160,
];

/// The keys that [`Config::read`] reads.
const READ: [&str; 6] = ["base_dim", "z_dim", "dim_mult", "num_res_blocks", "latents_mean", "latents_std"];

/// What the other keys may say.
const FIXED: [(&str, Fixed); 4] = [
    ("attn_scales", Fixed::False),
    ("dropout", Fixed::Number(0.0)),
    ("input_channels", Fixed::Number(3.0)),
    // Which resolutions halve time as well: of one frame there is nothing to halve.
    ("temperal_downsample", Fixed::Anything),
];

impl Config {
    /// Reads a `config.json`; absent keys are what diffusers takes them to be.
    pub fn read(file: &Path) -> Result<Self, LoadError> {
        let settings = Settings::read(file)?;
        settings.expect_class("AutoencoderKLQwenImage")?;
        settings.refuse_others(&READ, &FIXED)?;
        let latent_channels = settings.size("z_dim", 16)?;
        let config = Self {
            base_dim: settings.size("base_dim", 96)?,
            latent_channels,
            multiples: settings.sizes("dim_mult", &[1, 2, 4, 4], MOST_LEVELS)?,
            residuals: settings.size("num_res_blocks", 2)?,
            means: settings.numbers("latents_mean", &MEANS, latent_channels)?,
            deviations: settings.numbers("latents_std", &DEVIATIONS, latent_channels)?,
        };
        // The decoder halves channels as it doubles a picture.
        if config.multiples.iter().skip(1).any(|multiple| !(multiple * config.base_dim).is_multiple_of(2)) {
            return Err(
                settings.refuse("dim_mult", format!("even numbers of channels beside `base_dim` {}", config.base_dim))
            );
        }
        if config.deviations.iter().any(|deviation| *deviation <= 0.0) {
            return Err(settings.refuse("latents_std", "numbers above 0"));
        }
        Ok(config)
    }

    /// That of the released model, which files without a `config.json` hold, with so many channels at the full resolution.
    pub(super) fn released(base_dim: usize) -> Self {
        Self {
            base_dim,
            latent_channels: MEANS.len(),
            multiples: vec![1, 2, 4, 4],
            residuals: 2,
            means: MEANS.to_vec(),
            deviations: DEVIATIONS.to_vec(),
        }
    }

    /// How many pixels of a picture's edge make one of the latents': 2^(resolutions − 1).
    pub fn factor(&self) -> usize {
        1 << (self.multiples.len() - 1)
    }

    /// Channels at each resolution, from the full one down.
    pub(super) fn channels(&self) -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator {
        self.multiples.iter().map(|multiple| multiple * self.base_dim)
    }

    /// Channels at the smallest resolution.
    pub(super) fn deepest(&self) -> usize {
        self.channels().next_back().unwrap_or_default()
    }

    /// An upper bound of the bytes of activations while one picture of this size is encoded or decoded at once, in the given
    /// type. It counts what takes most: a residual block's input, the input normalised, the same unfolded for a convolution (nine
    /// times, as on cards), two outputs, and the norm's numbers in single precision; or what is doubled from below, unfolded.
    /// Weights are not counted.
    pub fn bytes(&self, height: usize, width: usize, dtype: DType) -> u64 {
        let size = dtype.size_in_bytes() as u64;
        let levels = self.channels().collect::<Vec<_>>();
        let level = |(at, &channels): (usize, &usize)| {
            let doubled = levels.get(at + 1).map_or(0, |below| *below as u64 * size * 11);
            let pixels = (height.div_ceil(1 << at) as u64).saturating_mul(width.div_ceil(1 << at) as u64);
            pixels.saturating_mul(doubled.max(channels as u64 * (size * 13 + 4 * 2)))
        };
        levels.iter().enumerate().map(level).max().unwrap_or_default()
    }
}
