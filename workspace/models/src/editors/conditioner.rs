//! The vision language model that tells an editor what to do, loaded in its turn, and what the other components have to fit.

use std::sync::Arc;

use editscale_core::Failure;

use crate::editors::failure::crashed;
use crate::editors::residency::{Resident, Turns};
use crate::editors::unchanged::Unchanged;
use crate::encoders::vision_language::{EncoderFacts, EncoderPlaces, VisionLanguageEncoder};
use crate::layers::Compute;
use crate::load::LoadError;

/// The turns of networks that are loaded in turn. The autoencoder is small, and stays.
const ENCODER: usize = 0;
/// See [`ENCODER`].
pub(super) const DENOISER: usize = 1;

/// An editor's encoder of texts and pictures.
#[derive(Debug)]
pub(super) struct Conditioner {
    encoder: Resident<VisionLanguageEncoder>,
    places: EncoderPlaces,
}

impl Conditioner {
    /// The encoder at these places.
    pub(super) fn new(turns: &Turns, places: &EncoderPlaces, compute: &Compute) -> Result<Self, LoadError> {
        let (own, sampled, compute) = (places.clone(), places.clone(), compute.clone());
        let unchanged = Unchanged::new(&places.weights, move |fingerprint| {
            fingerprint.enter(&sampled.sample()?);
            Ok(())
        })?;
        let encoder = turns.resident(ENCODER, move || {
            unchanged.check()?;
            VisionLanguageEncoder::open(&own, &compute)
        })?;
        Ok(Self { encoder, places: places.clone() })
    }

    /// Looks at it. One that is not loaded stays so: loaded in turn, it would be let go for the denoiser before it is used.
    pub(super) fn facts(&self) -> Result<EncoderFacts, LoadError> {
        if !self.encoder.is_loaded() {
            return EncoderFacts::read(&self.places);
        }
        let encoder = self.encoder.get()?;
        Ok(EncoderFacts {
            largest_id: Some(encoder.words().largest_id()),
            rows: Some(encoder.vocabulary()),
            config: Some(encoder.config().clone()),
        })
    }

    /// The encoder, loaded if need be.
    pub(super) fn get(&self) -> Result<Arc<VisionLanguageEncoder>, Failure> {
        self.encoder.get().map_err(|error| crashed(error.to_string()))
    }

    /// Whether it is loaded.
    #[cfg(test)]
    pub(super) fn is_loaded(&self) -> bool {
        self.encoder.is_loaded()
    }
}
