//! Pictures to latents as the transformer sees them, and back.

use std::path::Path;

use candle_core::{DType, Result, Tensor};
use editscale_core::Failure;
use editscale_picture::Rgb8;

use crate::editors::diffusion::{Geometry, Layout};
use crate::editors::failure::failed;
use crate::editors::memory::check_room;
use crate::editors::pixels;
use crate::layers::Compute;
use crate::layers::autoencoder_qwen::AutoencoderQwen;
use crate::load::LoadError;
use crate::pictures::Size;

/// The latent space of the autoencoder.
#[derive(Debug)]
pub(super) struct Latents {
    autoencoder: AutoencoderQwen,
    compute: Compute,
}

impl Latents {
    /// Loads the autoencoder of a folder or file, which decodes in tiles of so many pixels a side.
    pub(super) fn load(place: &Path, compute: &Compute, tile: Option<usize>) -> std::result::Result<Self, LoadError> {
        let autoencoder = AutoencoderQwen::load(place, compute)?.with_tiles(tile);
        Ok(Self { autoencoder, compute: compute.clone() })
    }

    pub(super) fn autoencoder(&self) -> &AutoencoderQwen {
        &self.autoencoder
    }

    /// The size of the latents of a picture whose sides are multiples of 32.
    pub(super) fn geometry(&self, size: Size) -> Geometry {
        let factor = self.autoencoder.factor();
        let channels = self.autoencoder.config().latent_channels;
        Geometry { channels, rows: size.height / factor, columns: size.width / factor }
    }

    /// The tokens of a picture that is brought to a size, on the processor: [tokens, channels · 4], with rows and columns of them.
    pub(super) fn tokens(&self, picture: Rgb8, size: Size) -> std::result::Result<(Tensor, (usize, usize)), Failure> {
        let Compute { device, dtype, .. } = &self.compute;
        check_room(self.autoencoder.config().bytes(size.height, size.width, *dtype), device)?;
        let geometry = self.geometry(size);
        let encode = || {
            let modes = self.autoencoder.encode(&pixels::to_unit(picture, size, device, *dtype)?)?;
            Layout::Tokens.tensor(&self.autoencoder.normalise(&modes)?, geometry)
        };
        Ok((encode().map_err(|error| failed("encoding the source", &error))?, geometry.grid()))
    }

    /// The pictures of latents [channels, rows, columns] of one geometry, as the transformer sees them. None where a picture
    /// holds a value that is not finite.
    pub(super) fn decode(&self, latents: &[&[f32]], geometry: Geometry) -> Result<Vec<Option<Rgb8>>> {
        let latents = geometry.batch(latents, &self.compute.device, DType::F32)?;
        pixels::from_unit(&self.autoencoder.decode(&self.autoencoder.restore(&latents)?)?)
    }

    /// About the most bytes that activations take while one picture is decoded.
    pub(super) fn decode_bytes(&self, geometry: Geometry) -> u64 {
        let factor = self.autoencoder.factor();
        self.autoencoder.decode_bytes(geometry.rows * factor, geometry.columns * factor)
    }
}
