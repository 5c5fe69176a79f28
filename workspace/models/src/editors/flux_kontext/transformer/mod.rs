//! The transformer of FLUX.1: it predicts in which direction a noisy latent picture is to move.
//!
//! Blocks of two streams (text and picture, each with its own weights, attending to each other) are followed by blocks of
//! one stream. Facts are those of diffusers' `models/transformers/transformer_flux.py` and, for the original names,
//! <https://github.com/black-forest-labs/flux>.

mod blocks;
mod config;
mod embeddings;
mod kernels;
mod model;
mod names;
mod operations;
mod packing;
mod positions;
mod store;
#[cfg(test)]
mod tests;

pub use config::FluxConfig;
pub use model::{FluxTransformer, TransformerSource};
pub use packing::{FluxItem, FluxReference, FluxText};
