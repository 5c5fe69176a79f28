//! Editing models: InstructPix2Pix and FLUX.1 Kontext.

#[cfg(test)]
mod cases;
mod class;
pub mod diffusion;
mod fit;
pub mod flux;
pub mod flux_kontext;
mod folder;
pub mod instruct_pix2pix;
mod memory;
pub mod noise;
mod pixels;
pub mod samplers;
mod transformer;
mod verify;

pub use class::{Component, PipelineClass};
pub use verify::{Depth, verify, verify_to};
