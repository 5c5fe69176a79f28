//! What a user may choose about Step1X-Edit.

use std::path::PathBuf;

use crate::editors::residency::Residency;
use crate::editors::step1x_edit::{GuidanceRule, Version};
use crate::layers::Compute;

/// What the denoiser is given of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReferenceLatent {
    /// The mean of the distribution that the autoencoder tells: the same every time.
    #[default]
    Mean,
    /// A draw from it, as the authors' code does; one a picture, made of the picture's digest.
    Sample,
}

/// Where the model computes, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The device, and the types of activations and weights.
    pub compute: Compute,
    /// The same for the encoder and nothing else: on the processor it leaves the card to the denoiser.
    pub text_compute: Compute,
    /// Whether the encoder and the denoiser are loaded together, or in turn.
    pub residency: Residency,
    /// The version of the checkpoint; told by its tensors where nobody says.
    pub version: Option<Version>,
    /// An adapter of the denoiser's transformer: a file, or a folder.
    pub adapter: Option<PathBuf>,
    /// How strongly the adapter counts; 1 as it was trained.
    pub adapter_scale: f64,
    /// Denoising steps, at least 1.
    pub steps: usize,
    /// The strength of guidance; up to 1 there is none.
    pub guidance: f64,
    /// How answers with and without the instruction are put together; the authors' rule for the checkpoint where nobody says.
    pub rule: Option<GuidanceRule>,
    /// The instruction that guidance leads away from.
    pub negative: String,
    /// Noise of the stochastic sampler; 0 for the plain one.
    pub eta: f64,
    /// Edge in pixels of a square with about as many pixels as the picture is worked on in.
    pub size_level: usize,
    /// What the denoiser is given of the source.
    pub reference_latent: ReferenceLatent,
    /// The side of the tiles, in pixels, in which larger pictures are decoded.
    pub tile: Option<usize>,
    /// The most bytes that are kept of encoded texts and sources.
    pub cache_bytes: u64,
}

impl Options {
    /// The defaults for a way to compute, which are those of the authors' code.
    pub fn on(compute: Compute) -> Self {
        Self {
            text_compute: compute.clone(),
            compute,
            residency: Residency::default(),
            version: None,
            adapter: None,
            adapter_scale: 1.0,
            steps: 28,
            guidance: 6.0,
            rule: None,
            negative: String::new(),
            eta: 0.0,
            size_level: 1024,
            reference_latent: ReferenceLatent::default(),
            tile: None,
            cache_bytes: 512 << 20,
        }
    }
}
