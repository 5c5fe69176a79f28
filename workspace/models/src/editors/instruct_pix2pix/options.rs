//! What a user may choose about InstructPix2Pix.

use crate::editors::samplers::SamplerKind;
use crate::layers::Compute;

/// Where the model computes, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The device, and the types of activations and weights.
    pub compute: Compute,
    /// Denoising steps, from 1 to what the schedule has.
    pub steps: usize,
    /// How strongly the instruction counts.
    pub guidance: f64,
    /// How strongly the source counts.
    pub image_guidance: f64,
    /// The sampler; none for the one that the model's folder names.
    pub sampler: Option<SamplerKind>,
    /// DDIM's noise, 0 for none to 1 for that of the original diffusion.
    pub eta: f64,
    /// The most pixels that are worked on: larger sources are brought down.
    pub max_pixels: usize,
    /// The most bytes that are kept of encoded texts and sources.
    pub cache_bytes: u64,
}

impl Options {
    /// The defaults for a way to compute.
    pub fn on(compute: Compute) -> Self {
        Self {
            compute,
            steps: 20,
            guidance: 7.5,
            image_guidance: 1.5,
            sampler: None,
            eta: 0.0,
            max_pixels: 768 * 512,
            cache_bytes: 256 << 20,
        }
    }
}
