//! The transformer of FLUX.1: it predicts in which direction a noisy latent picture is to move.
//!
//! Blocks of two streams (text and picture, each with its own weights, attending to each other) are followed by blocks of
//! one stream. Facts are those of diffusers' `models/transformers/transformer_flux.py` and, for the original names,
//! <https://github.com/black-forest-labs/flux>.

mod adapter;
mod batch;
mod blocks;
mod config;
mod embeddings;
mod model;
mod names;
mod opened;
pub(in crate::editors) mod shape;
mod store;
#[cfg(test)]
mod tests;

pub(in crate::editors) use adapter::Adaptables;
pub use adapter::{AdapterSource, FluxAdapter};
pub use batch::{FluxItem, FluxReference, FluxText};
pub use config::FluxConfig;
pub use model::{FluxTransformer, TransformerSource};
pub(crate) use names::Naming;
pub(in crate::editors) use opened::Opened;
pub(in crate::editors) use store::Store;
