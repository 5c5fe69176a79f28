//! Pictures to latents and back: an autoencoder, and where it computes.

use std::path::Path;

use candle_core::{DType, Result, Tensor};
use editscale_core::{Failure, Image};
use editscale_picture::Rgb8;

use crate::editors::diffusion::Geometry;
use crate::editors::failure::failed;
use crate::editors::memory::check_room;
use crate::editors::pixels;
use crate::layers::Compute;
use crate::layers::autoencoder_kl::{self, AutoencoderKl};
use crate::load::LoadError;
use crate::pictures::Size;

/// The latent space of an autoencoder.
#[derive(Debug)]
pub(super) struct LatentSpace {
    autoencoder: AutoencoderKl,
    compute: Compute,
}

impl LatentSpace {
    /// Loads the autoencoder of a folder, or of one file with original names.
    pub(super) fn load(place: &Path, compute: &Compute) -> std::result::Result<Self, LoadError> {
        let load = if place.is_file() { AutoencoderKl::load_file } else { AutoencoderKl::load };
        Ok(Self { autoencoder: load(place, compute)?, compute: compute.clone() })
    }

    /// The same, decoding larger pictures in tiles of so many pixels a side.
    pub(super) fn with_tiles(self, pixels: Option<usize>) -> Self {
        Self { autoencoder: self.autoencoder.with_tiles(pixels), ..self }
    }

    /// The shape of the autoencoder.
    pub(super) fn config(&self) -> &autoencoder_kl::Config {
        self.autoencoder.config()
    }

    /// How many pixels of a picture's edge make one of the latents'.
    pub(super) fn factor(&self) -> usize {
        self.autoencoder.factor()
    }

    /// The size of the latents of a picture whose sides are multiples of [`Self::factor`].
    pub(super) fn geometry(&self, size: Size) -> Geometry {
        let (channels, factor) = (self.config().latent_channels, self.factor());
        Geometry { channels, rows: size.height / factor, columns: size.width / factor }
    }

    /// The latents of a picture that is brought to a size, as the autoencoder gives them: [1, channels, rows, columns].
    pub(super) fn encode(&self, image: &Image, size: Size) -> std::result::Result<Tensor, Failure> {
        let Compute { device, dtype, .. } = &self.compute;
        self.check_room(size)?;
        let picture = pixels::read(image)?;
        let encode = || self.autoencoder.encode(&pixels::to_unit(picture, size, device, *dtype)?);
        encode().map_err(|error| failed("encoding the source", &error))
    }

    /// Refuses pictures of a size that takes more memory than there is.
    pub(super) fn check_room(&self, size: Size) -> std::result::Result<(), Failure> {
        let Compute { device, dtype, .. } = &self.compute;
        check_room(self.config().encode_bytes(size.height, size.width, *dtype), device)
    }

    /// Means of the latents of a picture [1, 3, height, width] of values from −1 to 1, and the logarithms of their variances; in
    /// single precision, neither shifted nor scaled.
    pub(super) fn moments(&self, picture: &Tensor) -> Result<[Tensor; 2]> {
        let Compute { device, dtype, .. } = &self.compute;
        let [means, variances] = self.autoencoder.moments(&picture.to_dtype(*dtype)?.to_device(device)?)?;
        Ok([means.to_dtype(DType::F32)?, variances.to_dtype(DType::F32)?])
    }

    /// Latents, as the autoencoder gives them, as denoisers see them: in single precision, shifted and scaled.
    pub(super) fn scaled(&self, latents: &Tensor) -> Result<Tensor> {
        let config = self.config();
        (latents.to_dtype(DType::F32)? - config.shift_factor)? * config.scaling_factor
    }

    /// The pictures of latents [channels, rows, columns] of one geometry, as denoisers see them: shifted and scaled. None where a
    /// picture holds a value that is not finite.
    pub(super) fn decode(&self, latents: &[&[f32]], geometry: Geometry) -> Result<Vec<Option<Rgb8>>> {
        let config = self.config();
        let latents = geometry.batch(latents, &self.compute.device, DType::F32)?;
        let latents = ((latents / config.scaling_factor)? + config.shift_factor)?.to_dtype(self.compute.dtype)?;
        pixels::from_unit(&self.autoencoder.decode(&latents)?)
    }

    /// About the most bytes that activations take while one picture is decoded.
    pub(super) fn decode_bytes(&self, geometry: Geometry) -> u64 {
        self.autoencoder.decode_bytes(geometry.rows * self.factor(), geometry.columns * self.factor())
    }
}
