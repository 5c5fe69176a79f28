//! The vision language model that tells an editor what to do, loaded in its turn, and what the other components have to fit.

use std::sync::Arc;

use editscale_core::Failure;

use crate::editors::failure::crashed;
use crate::editors::residency::{Resident, Turns};
use crate::encoders::vision_language::{EncoderPlaces, VisionLanguageEncoder};
use crate::layers::Compute;
use crate::layers::qwen25_vl::Config;
use crate::load::LoadError;

/// The turns of networks that are loaded in turn. The autoencoder is small, and stays.
const ENCODER: usize = 0;
/// See [`ENCODER`].
pub(super) const DENOISER: usize = 1;

/// An editor's encoder of texts and pictures.
#[derive(Debug)]
pub(super) struct Conditioner(Resident<VisionLanguageEncoder>);

/// What is known of an encoder, loaded or not. What is not known fits everything.
#[derive(Debug, Clone, Default)]
pub(super) struct EncoderFacts {
    /// The greatest id of its tokenizer.
    pub(super) largest_id: Option<u32>,
    /// How many tokens it has.
    pub(super) rows: Option<usize>,
    /// Its shape.
    pub(super) config: Option<Config>,
}

impl EncoderFacts {
    /// The width of its states.
    pub(super) fn width(&self) -> Option<usize> {
        self.config.as_ref().map(|config| config.text.hidden_size)
    }
}

impl Conditioner {
    /// The encoder at these places.
    pub(super) fn new(turns: &Turns, places: &EncoderPlaces, compute: &Compute) -> Result<Self, LoadError> {
        let (places, compute) = (places.clone(), compute.clone());
        Ok(Self(turns.resident(ENCODER, move || VisionLanguageEncoder::open(&places, &compute))?))
    }

    /// Looks at it; it is loaded if need be.
    pub(super) fn facts(&self) -> Result<EncoderFacts, LoadError> {
        let encoder = self.0.get()?;
        Ok(EncoderFacts {
            largest_id: Some(encoder.words().largest_id()),
            rows: Some(encoder.vocabulary()),
            config: Some(encoder.config().clone()),
        })
    }

    /// The encoder, loaded if need be.
    pub(super) fn get(&self) -> Result<Arc<VisionLanguageEncoder>, Failure> {
        self.0.get().map_err(|error| crashed(error.to_string()))
    }

    /// Whether it is loaded.
    #[cfg(test)]
    pub(super) fn is_loaded(&self) -> bool {
        self.0.is_loaded()
    }
}
