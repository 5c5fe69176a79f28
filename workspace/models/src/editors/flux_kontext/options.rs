//! What a user may choose about FLUX.1 Kontext.

use std::path::PathBuf;

use crate::layers::Compute;

/// Where the model computes, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The device, and the types of activations and weights.
    pub compute: Compute,
    /// The same for the two text encoders and nothing else: on the processor they leave the card to the transformer.
    pub text_compute: Compute,
    /// A file with the transformer in place of that of the folder: `.gguf`, or `.safetensors` with the original names.
    pub transformer: Option<PathBuf>,
    /// An adapter of the transformer: a file, or a folder as diffusers or PEFT writes it.
    pub adapter: Option<PathBuf>,
    /// How strongly the adapter counts; 1 as it was trained.
    pub adapter_scale: f64,
    /// Denoising steps, at least 1.
    pub steps: usize,
    /// The strength of guidance that the transformer is told, where it was trained with one.
    pub guidance: f64,
    /// Noise of the stochastic sampler; 0 for the plain one.
    pub eta: f64,
    /// About how many pixels the result has.
    pub max_pixels: usize,
    /// Whether the source is brought to the nearest of the sizes that the model was trained on.
    pub is_source_fitted: bool,
    /// How many tokens of the instruction are read, padding included.
    pub text_tokens: usize,
    /// The most bytes that are kept of encoded texts and sources.
    pub cache_bytes: u64,
}

impl Options {
    /// The defaults for a way to compute, which are those of the published pipeline.
    pub fn on(compute: Compute) -> Self {
        Self {
            text_compute: compute.clone(),
            compute,
            transformer: None,
            adapter: None,
            adapter_scale: 1.0,
            steps: 28,
            guidance: 2.5,
            eta: 0.0,
            max_pixels: 1024 * 1024,
            is_source_fitted: true,
            text_tokens: 512,
            cache_bytes: 512 << 20,
        }
    }
}
