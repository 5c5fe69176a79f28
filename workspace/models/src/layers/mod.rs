//! Layers that several models share: the same few, written for a packed batch.
//!
//! Activations are matrices of one row a token or patch, whatever sequence each belongs to; attention is told which rows
//! belong together. That way sequences of different lengths need no padding, and a shared beginning is computed once.

mod activation;
pub mod attention;
pub mod autoencoder_kl;
mod convolution;
mod cpu;
mod group_norm;
mod layer_norm;
mod linear;
mod planes;
pub mod qwen25_vl;
mod resample;
mod residual;
mod rms_norm;
mod rotary;
mod scope;
mod swiglu;
mod upsample;

pub use activation::Activation;
pub use attention::{Segment, attend};
pub use convolution::Convolution;
pub use group_norm::GroupNorm;
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use planes::{add_to_planes, planes_of, rows_of};
pub use resample::{Downsample, Upsample};
pub use residual::{Residual, ResidualShape};
pub use rms_norm::RmsNorm;
pub use rotary::{RopeTables, Rotary, rotate};
pub use scope::{Compute, Scope};
pub use swiglu::Swiglu;
pub use upsample::upsample2;
