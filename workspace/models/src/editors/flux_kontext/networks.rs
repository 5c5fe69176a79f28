//! The networks of FLUX.1 Kontext: what they make of an instruction, of a source, and of a candidate's latents.

use std::sync::Arc;

use candle_core::{Result, Tensor};
use editscale_core::{Failure, Image, ImageSize};

use crate::editors::diffusion::{Geometry, Layout};
use crate::editors::failure::failed;
use crate::editors::flux::{FluxReference, FluxText, FluxTransformer};
use crate::editors::flux_kontext::options::Options;
use crate::editors::flux_kontext::size::{result_size, source_size};
use crate::editors::flux_kontext::text::TextReader;
use crate::editors::latent_space::LatentSpace;
use crate::editors::pixels::size_of;
use crate::pictures::Size;

/// Everything with weights, and how it is used.
#[derive(Debug)]
pub(super) struct Networks {
    pub(super) options: Options,
    pub(super) text: TextReader,
    pub(super) latent_space: LatentSpace,
    pub(super) transformer: FluxTransformer,
}

/// An instruction as the transformer reads it.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) prepared: FluxText,
    /// What was not read.
    pub(super) note: Option<Arc<str>>,
}

impl Networks {
    /// A tensor where the transformer computes, in its type.
    pub(super) fn here(&self, tensor: &Tensor) -> Result<Tensor> {
        tensor.to_device(&self.options.compute.device)?.to_dtype(self.options.compute.dtype)
    }

    /// An instruction, ready for every step.
    pub(super) fn encode(&self, instruction: &str) -> std::result::Result<Text, Failure> {
        let states = self.text.encode(instruction)?;
        let prepare = || self.transformer.prepare_text(&self.here(&states.tokens)?, &self.here(&states.pooled)?);
        let prepared = prepare().map_err(|error| failed("encoding the text", &error))?;
        Ok(Text { prepared, note: states.note })
    }

    /// A picture as further tokens, ready for every step.
    pub(super) fn embed(&self, image: &Image, size: Size) -> std::result::Result<FluxReference, Failure> {
        let (tokens, grid) = self.source_tokens(image, size)?;
        let embed = || self.transformer.prepare_reference(&self.here(&tokens)?, grid);
        embed().map_err(|error| failed("encoding the source", &error))
    }

    /// A picture's latents as tokens, on the processor: [tokens, channels · 4], and how many of them lie below and beside each
    /// other.
    pub(super) fn source_tokens(
        &self,
        image: &Image,
        size: Size,
    ) -> std::result::Result<(Tensor, (usize, usize)), Failure> {
        let geometry = self.latent_space.geometry(size);
        let means = self.latent_space.encode(image, size)?;
        let tokens = || Layout::Tokens.tensor(&self.latent_space.scaled(&means)?, geometry);
        Ok((tokens().map_err(|error| failed("encoding the source", &error))?, geometry.grid()))
    }

    /// The size in which a source is read.
    pub(super) fn source_size(&self, size: ImageSize) -> Size {
        source_size(size_of(size), self.multiple(), self.options.is_source_fitted)
    }

    /// The size of the latents of a result of this shape.
    pub(super) fn geometry(&self, shape: ImageSize) -> Geometry {
        self.latent_space.geometry(result_size(size_of(shape), self.multiple(), self.options.max_pixels))
    }

    /// Pixels of a token's edge.
    fn multiple(&self) -> usize {
        2 * self.latent_space.factor()
    }
}
