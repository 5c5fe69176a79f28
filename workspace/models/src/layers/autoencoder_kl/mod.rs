//! The variational autoencoder of latent diffusion (Rombach et al., 2022): pictures to latents and back.
//!
//! Names and behaviour follow diffusers 0.36.0, `models/autoencoders/autoencoder_kl.py`, with `DownEncoderBlock2D` and
//! `UpDecoderBlock2D`. Stable Diffusion, InstructPix2Pix and FLUX.1 have it in different shapes.

mod chain;
mod config;
mod decoder;
mod encoder;
mod memory;
mod middle;
mod model;
mod names;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use model::AutoencoderKl;
#[cfg(test)]
pub(crate) use names::of_original;
