//! The networks of Qwen-Image-Edit: what they make of an instruction, of pictures, and of a candidate's latents.

use std::sync::Arc;

use candle_core::{Result, Tensor};
use editscale_core::{Failure, ImageSize, TowerPictures};
use editscale_picture::Rgb8;

use crate::cache::bytes;
use crate::editors::adoption::Adoption;
use crate::editors::diffusion::Geometry;
use crate::editors::failure::failed;
use crate::editors::pixels::size_of;
use crate::editors::qwen_image::{QwenConfig, QwenTransformer};
use crate::editors::qwen_image_edit::latents::Latents;
use crate::editors::qwen_image_edit::options::Options;
use crate::editors::qwen_image_edit::size::sized;
use crate::editors::qwen_image_edit::text::TextReader;
use crate::editors::residency::{Resident, Turns};
use crate::encoders::vision_language::EncoderPicture;
use crate::load::LoadError;
use crate::pictures::Size;

/// Everything with weights, and how it is used.
#[derive(Debug)]
pub(super) struct Networks {
    pub(super) options: Options,
    pub(super) text: TextReader,
    pub(super) latents: Latents,
    pub(super) transformer: Resident<QwenTransformer>,
    /// The shape of the transformer.
    pub(super) shape: QwenConfig,
    /// What it computes with.
    pub(super) adoption: Adoption,
    pub(super) turns: Turns,
}

/// A picture as both see it, as far as it depends on neither: the transformer its latents, the encoder of texts its pixels.
#[derive(Debug)]
pub(super) struct Seen {
    /// [tokens, channels · 4], where the transformer computes and in its type.
    pub(super) tokens: Tensor,
    /// Rows and columns of them.
    pub(super) grid: (usize, usize),
    pub(super) picture: EncoderPicture,
}

impl Seen {
    /// What it takes in memory.
    pub(super) fn bytes(&self) -> u64 {
        bytes(&self.tokens) + self.picture.pixels().data.len() as u64
    }
}

impl Networks {
    /// A tensor where the transformer computes, in its type.
    pub(super) fn here(&self, tensor: &Tensor) -> Result<Tensor> {
        tensor.to_device(&self.options.compute.device)?.to_dtype(self.options.compute.dtype)
    }

    /// The transformer, loaded if need be, with the adapter that is in force.
    pub(super) fn transformer(&self) -> std::result::Result<Arc<QwenTransformer>, LoadError> {
        let transformer = self.transformer.get()?;
        transformer.set_adapter(self.adoption.in_force());
        Ok(transformer)
    }

    /// States [tokens, width] of an instruction about pictures, where the transformer computes, and what became of these.
    pub(super) fn encode(
        &self,
        instruction: &str,
        pictures: &[EncoderPicture],
    ) -> std::result::Result<(Tensor, TowerPictures), Failure> {
        let (states, asked) = self.text.states(instruction, pictures)?;
        let states = self.here(&states).map_err(|error| failed("encoding the text", &error))?;
        Ok((states, asked))
    }

    /// A picture, ready for the transformer and for the encoder of texts.
    pub(super) fn see(&self, pixels: Rgb8) -> std::result::Result<Seen, Failure> {
        let picture = self.text.picture(&pixels)?;
        let size = self.source_size(&pixels);
        let (tokens, grid) = self.latents.tokens(pixels, size)?;
        let tokens = self.here(&tokens).map_err(|error| failed("encoding the source", &error))?;
        Ok(Seen { tokens, grid, picture })
    }

    /// The size in which the autoencoder sees a picture.
    pub(super) fn source_size(&self, pixels: &Rgb8) -> Size {
        sized(Size { height: pixels.height, width: pixels.width }, self.options.source_pixels)
    }

    /// The size of the latents of a result of this shape.
    pub(super) fn geometry(&self, shape: ImageSize) -> Geometry {
        self.latents.geometry(sized(size_of(shape), self.options.max_pixels))
    }
}
