//! Layers that several models share: the same few, written for a packed batch.
//!
//! Activations of texts and patches are matrices of one row each, whatever sequence a row belongs to; attention is told which
//! rows belong together. That way sequences of different lengths need no padding, and a shared beginning is computed once.
//! Convolutions take pictures, [batch, channels, height, width]; `planes` leads from one form to the other.
//!
//! Whole networks that several models have in common are folders here: [`qwen25_vl`], [`clip_text`], [`t5`],
//! [`autoencoder_kl`] and [`autoencoder_qwen`].

pub(crate) mod activation;
mod attention;
pub mod autoencoder_kl;
pub mod autoencoder_qwen;
pub mod clip_text;
mod convolution;
pub(crate) mod cpu;
mod embedding;
mod group_norm;
pub(crate) mod in_place;
mod layer_norm;
mod linear;
mod low_rank;
mod planes;
pub mod qwen25_vl;
mod resample;
mod residual;
mod rms_norm;
mod rotary;
mod scope;
mod swiglu;
pub mod t5;
#[cfg(test)]
pub(crate) mod testing;
mod tiles;
mod upsample;

pub use activation::Activation;
pub use attention::{Segment, attend};
pub use convolution::{Convolution, Kernel};
pub use embedding::Embedding;
pub use group_norm::GroupNorm;
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use low_rank::{LowRank, Slot};
pub use planes::{add_to_planes, planes_of, rows_of};
pub use resample::{Downsample, Upsample};
pub use residual::{Residual, ResidualShape};
pub use rms_norm::RmsNorm;
pub use rotary::{RopeTables, Rotary, rotate};
pub use scope::{Compute, Scope};
pub use swiglu::Swiglu;
pub use upsample::upsample2;
