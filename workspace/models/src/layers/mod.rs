//! Layers that several models share: the same few, written for a packed batch.
//!
//! Activations are matrices of one row a token or patch, whatever sequence each belongs to; attention is told which rows
//! belong together. That way sequences of different lengths need no padding, and a shared beginning is computed once.

mod activation;
pub mod attention;
pub mod clip_text;
mod convolution;
mod cpu;
mod embedding;
mod group_norm;
mod layer_norm;
mod linear;
pub mod qwen25_vl;
mod rms_norm;
mod rotary;
mod scope;
mod swiglu;
pub mod t5;

pub use activation::Activation;
pub use attention::{Segment, attend};
pub use convolution::Convolution;
pub use embedding::Embedding;
pub use group_norm::GroupNorm;
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use rms_norm::RmsNorm;
pub use rotary::{RopeTables, Rotary, rotate};
pub use scope::{Compute, Scope};
pub use swiglu::Swiglu;
