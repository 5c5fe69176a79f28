//! Step1X-Edit (Liu et al., 2025, "Step1X-Edit: A Practical Framework for General Image Editing").
//!
//! A denoiser of FLUX.1's shape reads what Qwen2.5-VL says of instruction and picture, refined by a connector, and the picture
//! itself as further tokens.

mod components;
pub mod connector;
mod denoiser;
mod files;
mod guidance;
mod load;
mod networks;
mod options;
#[cfg(test)]
mod parity;
mod pipeline;
mod places;
mod prompt;
mod recipe;
mod size;
#[cfg(test)]
mod testing;
mod text;
mod version;

pub use components::CLASSES;
pub use denoiser::DenoiserConfig;
pub use files::Files;
pub use guidance::GuidanceRule;
pub use load::{load, stored_bytes};
pub use options::{Options, ReferenceLatent};
pub use pipeline::Step1xEdit;
pub use prompt::{Prompt, PromptError};
pub use recipe::Step1xEditRecipe;
pub use version::Version;
