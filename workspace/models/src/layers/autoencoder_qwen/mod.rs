//! The autoencoder of Qwen-Image (Qwen team, 2025, "Qwen-Image Technical Report"), that of Wan 2.1 trained further: pictures to
//! latents and back.
//!
//! It is one of videos, and of a picture it sees a video of one frame. Convolutions over time put zeros before the first frame
//! only, so that of their kernels the last tap alone meets anything; what halves or doubles time is passed over in the first
//! frame. So it is loaded as what it is of one picture: a network of two dimensions, with a third of the weights.
//!
//! Names and behaviour follow diffusers 0.36.0, `models/autoencoders/autoencoder_kl_qwenimage.py`; names of single files are
//! those of Wan 2.1.

mod config;
mod decoder;
mod encoder;
mod middle;
mod model;
mod names;
mod norm;
mod residual;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use model::AutoencoderQwen;
