//! The network that predicts noise, a U-Net whose layers also look at a text: Stable Diffusion 1.x and 2.x with any number
//! of input channels (Rombach et al., 2022); InstructPix2Pix has eight.
//!
//! Names and behaviour follow diffusers 0.36.0, `models/unets/unet_2d_condition.py`.

mod blocks;
mod config;
mod memory;
mod model;
#[cfg(test)]
mod tests;
mod text;
mod time;
mod transformer;

pub use config::{BlockConfig, Config};
pub use model::{UNet, UNetBatch};
pub use text::PreparedText;
