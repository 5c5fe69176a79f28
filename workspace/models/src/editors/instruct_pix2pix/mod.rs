//! InstructPix2Pix (Brooks, Holynski and Efros, 2023): a Stable Diffusion that also sees the picture to edit.

pub(in crate::editors) mod fit;
mod options;
mod pipeline;
mod recipe;
mod size;
pub mod unet;

#[cfg(test)]
mod parity;

pub use options::{Options, SamplerChoice};
pub use pipeline::{InstructPix2Pix, load};
pub use recipe::InstructPix2PixRecipe;
