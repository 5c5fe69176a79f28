//! The networks of Step1X-Edit: what they make of an instruction, of a source, and of a candidate's latents.

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor};
use editscale_core::{Digest, Failure, Image, ImageSize, Seed};

use crate::cache::bytes;
use crate::editors::adoption::Adoption;
use crate::editors::diffusion::{Geometry, Layout};
use crate::editors::failure::failed;
use crate::editors::flux::FluxReference;
use crate::editors::latent_space::LatentSpace;
use crate::editors::noise;
use crate::editors::pixels::{read, size_of, to_unit};
use crate::editors::residency::{Resident, Turns};
use crate::editors::step1x_edit::denoiser::{Denoiser, Prompted, Read};
use crate::editors::step1x_edit::options::{Options, ReferenceLatent};
use crate::editors::step1x_edit::size::worked_size;
use crate::editors::step1x_edit::text::{KeptStates, TextReader};
use crate::editors::step1x_edit::{DenoiserConfig, Version};
use crate::encoders::vision_language::EncoderPicture;
use crate::load::LoadError;
use crate::pictures::{Filter, Size, planes, resize};

/// Shapes whose sides' ratios differ by less are one: results are then as large as what the source is read as.
const ALIKE: f64 = 0.03;

/// Everything with weights, and how it is used.
#[derive(Debug)]
pub(super) struct Networks {
    pub(super) options: Options,
    pub(super) version: Version,
    pub(super) text: TextReader,
    pub(super) latent_space: LatentSpace,
    pub(super) denoiser: Resident<Denoiser>,
    /// The shape of the denoiser.
    pub(super) shape: DenoiserConfig,
    /// What its transformer computes with.
    pub(super) adoption: Adoption,
    pub(super) turns: Turns,
}

/// A source as both networks see it, as far as it has gone through neither.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) picture: EncoderPicture,
    /// [tokens, channels · 4], where the denoiser computes and in its type.
    pub(super) tokens: Tensor,
    /// Rows and columns of them.
    pub(super) grid: (usize, usize),
}

impl Source {
    /// What it takes in memory.
    pub(super) fn bytes(&self) -> u64 {
        self.picture.pixels().data.len() as u64 + bytes(&self.tokens)
    }
}

impl Networks {
    /// The denoiser, loaded if need be, with the adapter that is in force.
    pub(super) fn denoiser(&self) -> std::result::Result<Arc<Denoiser>, LoadError> {
        let denoiser = self.denoiser.get()?;
        denoiser.transformer.set_adapter(self.adoption.in_force());
        Ok(denoiser)
    }

    /// A tensor where the denoiser computes, in its type.
    pub(super) fn here(&self, tensor: &Tensor) -> Result<Tensor> {
        tensor.to_device(&self.options.compute.device)?.to_dtype(self.options.compute.dtype)
    }

    /// What the encoder makes of an instruction about a picture, where the denoiser computes.
    pub(super) fn encode(
        &self,
        instruction: &str,
        picture: &EncoderPicture,
        worked: Size,
    ) -> std::result::Result<KeptStates, Failure> {
        let kept = self.text.encode(instruction, picture, worked)?;
        let here = |tensor: &Tensor| self.here(tensor).map_err(|error| failed("encoding the text", &error));
        Ok(KeptStates { states: here(&kept.states)?, embeddings: here(&kept.embeddings)?, ..kept })
    }

    /// How many tokens the denoiser reads of a prompt.
    pub(super) fn words(&self, kept: &KeptStates) -> usize {
        if self.version.is_padded() { self.version.most_tokens() } else { kept.marks.len() }
    }

    /// A prompt as the denoiser reads it. Made anew for a step: that is little beside the step, and needs the denoiser, which
    /// is not loaded while prompts are encoded.
    pub(super) fn prompted(&self, denoiser: &Denoiser, kept: &KeptStates) -> Result<Prompted> {
        denoiser.prepare(Read {
            states: &kept.states,
            marked: Some((&kept.embeddings, &kept.marks)),
            places: kept.places.as_deref(),
            length: self.words(kept),
        })
    }

    /// A source as the denoiser reads it.
    pub(super) fn reference(&self, denoiser: &Denoiser, source: &Source) -> Result<FluxReference> {
        denoiser.prepare_reference(&source.tokens, source.grid, self.version.reference_place())
    }

    /// A source in the size that it is worked on in.
    pub(super) fn source(&self, image: &Image, size: Size) -> std::result::Result<Source, Failure> {
        self.latent_space.check_room(size)?;
        let pixels = read(image)?;
        let worked = resize(pixels.clone(), size, self.filter());
        let picture = self.text.see(&worked)?;
        let tokens = || {
            let unit = match self.version {
                Version::V1_0 | Version::V1_1 => to_unit(worked, size, &Device::Cpu, DType::F32)?,
                Version::V1_2 => {
                    let values = planes(&pixels, size, Filter::Triangle).into_iter().map(|value| value / 127.5 - 1.0);
                    Tensor::from_iter(values, &Device::Cpu)?.reshape((1, 3, size.height, size.width))?
                }
            };
            let (tokens, grid) = self.source_tokens(&unit, size, image.digest())?;
            Ok((self.here(&tokens)?, grid))
        };
        let (tokens, grid) = tokens().map_err(|error: candle_core::Error| failed("encoding the source", &error))?;
        Ok(Source { picture, tokens, grid })
    }

    /// A picture's latents as tokens, on the processor: [tokens, channels · 4], and how many of them lie below and beside each
    /// other. The picture is [1, 3, height, width] from −1 to 1.
    pub(super) fn source_tokens(&self, unit: &Tensor, size: Size, digest: Digest) -> Result<(Tensor, (usize, usize))> {
        let geometry = self.latent_space.geometry(size);
        let [means, variances] = self.latent_space.moments(unit)?;
        let latents = match self.options.reference_latent {
            ReferenceLatent::Mean => means,
            ReferenceLatent::Sample => {
                let seed = Seed::new(seed_of(digest)).map_err(candle_core::Error::wrap)?;
                let noise = noise::normal(seed, 0, geometry.count());
                let noise = Tensor::from_vec(noise, means.shape(), &Device::Cpu)?.to_device(means.device())?;
                (means + ((variances.clamp(-30.0, 20.0)? * 0.5)?.exp()? * noise)?)?
            }
        };
        Ok((Layout::Tokens.tensor(&self.latent_space.scaled(&latents)?, geometry)?, geometry.grid()))
    }

    /// The size that a picture is worked on in.
    pub(super) fn worked_size(&self, size: ImageSize) -> Size {
        worked_size(size_of(size), self.options.size_level, 2 * self.latent_space.factor())
    }

    /// The size of the latents of a result: that of the source, unless another shape is asked for.
    pub(super) fn geometry(&self, source: ImageSize, asked: Option<ImageSize>) -> Geometry {
        let ratio = |size: ImageSize| f64::from(size.width) / f64::from(size.height);
        let other = asked.filter(|asked| (ratio(*asked) / ratio(source) - 1.0).abs() > ALIKE);
        self.latent_space.geometry(self.worked_size(other.unwrap_or(source)))
    }

    /// What a source is brought to its size with.
    fn filter(&self) -> Filter {
        match self.version {
            Version::V1_0 => Filter::Bicubic,
            Version::V1_1 | Version::V1_2 => Filter::Lanczos,
        }
    }
}

/// A number for a seed of what is drawn of a picture.
fn seed_of(digest: Digest) -> u64 {
    let bytes: [u8; 8] = std::array::from_fn(|at| digest.as_bytes()[at]);
    u64::from_le_bytes(bytes) % Seed::LIMIT
}
