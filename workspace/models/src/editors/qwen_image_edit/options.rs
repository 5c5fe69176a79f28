//! What a user may choose about Qwen-Image-Edit.

use std::path::PathBuf;

use crate::editors::residency::Residency;
use crate::layers::Compute;

/// Which levels of noise the steps go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Schedule {
    /// Those of the pipeline's scheduler.
    #[default]
    Pipeline,
    /// Those that adapters for few steps were trained with: shifted alike for every size.
    Lightning,
}

/// Where the model computes, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The device, and the types of activations and weights.
    pub compute: Compute,
    /// The same for the encoder of texts and pictures and nothing else: on the processor it leaves the card to the transformer.
    pub text_compute: Compute,
    /// Whether the encoder and the transformer are loaded together, or in turn.
    pub residency: Residency,
    /// A quantised file with the encoder's language model in place of that of the folder: `.gguf`.
    pub encoder: Option<PathBuf>,
    /// A file with the transformer in place of that of the folder: `.gguf` or `.safetensors`.
    pub transformer: Option<PathBuf>,
    /// A file with the autoencoder in place of that of the folder.
    pub vae: Option<PathBuf>,
    /// An adapter of the transformer: a file, or a folder.
    pub adapter: Option<PathBuf>,
    /// How strongly the adapter counts; 1 as it was trained.
    pub adapter_scale: f64,
    /// Further pictures that the model sees beside the source, in this order.
    pub references: Vec<PathBuf>,
    /// Denoising steps, at least 1.
    pub steps: usize,
    /// Which levels they go through.
    pub schedule: Schedule,
    /// The strength of guidance away from the negative prompt; without effect, and half the work, at 1 or below.
    pub guidance: f64,
    /// What guidance leads away from.
    pub negative: String,
    /// Noise of the stochastic sampler; 0 for the plain one.
    pub eta: f64,
    /// About how many pixels the result has.
    pub max_pixels: usize,
    /// About how many pixels of a source the autoencoder sees.
    pub source_pixels: usize,
    /// About how many of them the encoder sees, of releases from September 2025 on.
    pub seen_pixels: usize,
    /// The side of the tiles, in pixels, in which larger pictures are decoded.
    pub tile: Option<usize>,
    /// The most bytes that are kept of encoded texts and sources.
    pub cache_bytes: u64,
}

impl Options {
    /// What encoders are told where nothing else is: a blank, as published.
    pub const NEGATIVE: &'static str = " ";

    /// The defaults for a way to compute, which are those of the published pipelines.
    pub fn on(compute: Compute) -> Self {
        Self {
            text_compute: compute.clone(),
            compute,
            residency: Residency::default(),
            encoder: None,
            transformer: None,
            vae: None,
            adapter: None,
            adapter_scale: 1.0,
            references: Vec::new(),
            steps: 40,
            schedule: Schedule::default(),
            guidance: 4.0,
            negative: Self::NEGATIVE.to_owned(),
            eta: 0.0,
            max_pixels: 1 << 20,
            source_pixels: 1 << 20,
            seen_pixels: 384 * 384,
            tile: None,
            cache_bytes: 512 << 20,
        }
    }
}
