//! Qwen-Image-Edit (Qwen team, 2025, "Qwen-Image Technical Report"): the releases of August, September and November 2025.
//!
//! Facts are those of diffusers 0.37.1, `pipelines/qwenimage/pipeline_qwenimage_edit.py` and `pipeline_qwenimage_edit_plus.py`.

mod components;
mod guidance;
mod latents;
mod load;
mod networks;
mod options;
mod pipeline;
mod recipe;
mod references;
mod release;
mod size;
mod text;

#[cfg(test)]
mod parity;
#[cfg(test)]
mod requests;

pub use components::{EDIT, EDIT_PLUS};
pub use load::{load, stored_bytes};
pub use options::{Options, Schedule};
pub use pipeline::QwenImageEdit;
pub use recipe::QwenImageEditRecipe;
pub use release::Release;
