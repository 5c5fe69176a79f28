//! Editing models: InstructPix2Pix and FLUX.1 Kontext.

#[cfg(test)]
mod cases;
pub mod diffusion;
pub mod flux_kontext;
mod folder;
pub mod instruct_pix2pix;
mod memory;
pub mod noise;
mod pixels;
pub mod samplers;
