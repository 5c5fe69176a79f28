//! InstructPix2Pix (Brooks, Holynski and Efros, 2023): a Stable Diffusion that also sees the picture to edit.

pub(in crate::editors) mod fit;
mod options;
mod pipeline;
mod size;
pub mod unet;

#[cfg(test)]
mod parity;

pub use options::Options;
pub use pipeline::{InstructPix2Pix, load};
