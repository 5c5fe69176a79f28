//! The transformer of Qwen-Image (Qwen team, 2025, "Qwen-Image Technical Report"): it predicts in which direction a noisy latent
//! picture is to move.
//!
//! Blocks of two streams, text and pictures, each with its own weights, attend to each other; there are no others. Facts are those of
//! diffusers 0.37.1, `models/transformers/transformer_qwenimage.py`.

mod batch;
mod blocks;
mod config;
mod model;
#[cfg(test)]
mod tests;

pub use batch::{QwenItem, QwenReference, QwenText};
pub use config::QwenConfig;
pub use model::QwenTransformer;
