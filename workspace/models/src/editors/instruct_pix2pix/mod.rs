//! InstructPix2Pix (Brooks, Holynski and Efros, 2023): a Stable Diffusion that also sees the picture to edit.

mod components;
mod load;
mod networks;
mod options;
mod pipeline;
mod recipe;
mod size;
pub mod unet;

#[cfg(test)]
mod parity;

pub use components::CLASS;
pub use load::load;
pub use options::Options;
pub use pipeline::InstructPix2Pix;
pub use recipe::InstructPix2PixRecipe;
pub use size::working_size;
