//! Editing models: InstructPix2Pix and FLUX.1 Kontext.

pub mod diffusion;
mod memory;
pub mod noise;
pub mod samplers;
