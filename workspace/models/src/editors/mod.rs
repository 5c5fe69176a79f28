//! Editing models: InstructPix2Pix, FLUX.1 Kontext, Qwen-Image-Edit and Step1X-Edit.
//!
//! A model's room holds what is its own: options, sizes, how texts and pictures become conditions, and its network where no
//! other has the same. The loop, the samplers, and what pipelines' folders have in common are shared.

mod adoption;
mod cancel;
#[cfg(test)]
mod cases;
mod class;
mod clip;
mod conditioner;
pub mod diffusion;
mod encoded;
mod failure;
mod fingerprint;
mod fit;
pub mod flux;
pub mod flux_kontext;
mod folder;
mod headers;
pub mod instruct_pix2pix;
mod latent_space;
mod memory;
pub mod noise;
mod pixels;
pub mod qwen_image;
pub mod qwen_image_edit;
pub mod residency;
pub mod samplers;
pub mod step1x_edit;
mod transformer;
mod unchanged;
mod verify;

pub use class::{Component, PipelineClass};
pub use encoded::Encoded;
pub use fingerprint::Fingerprint;
pub use memory::{check_weights, weight_bytes};
pub use verify::{Depth, verify, verify_to};

use editscale_schema::EditorKind;

use flux_kontext::FluxKontextRecipe;
use instruct_pix2pix::InstructPix2PixRecipe;
use qwen_image_edit::QwenImageEditRecipe;
use step1x_edit::Step1xEditRecipe;

/// The editors of this crate that recipes can name.
pub const EDITORS: &[EditorKind] = &[
    EditorKind::of::<InstructPix2PixRecipe>(),
    EditorKind::of::<FluxKontextRecipe>(),
    EditorKind::of::<QwenImageEditRecipe>(),
    EditorKind::of::<Step1xEditRecipe>(),
];

/// The classes of pipelines that they are loaded from.
pub const CLASSES: &[PipelineClass] = &[
    instruct_pix2pix::CLASS,
    flux_kontext::CLASS,
    qwen_image_edit::EDIT,
    qwen_image_edit::EDIT_PLUS,
    step1x_edit::CLASSES[0],
    step1x_edit::CLASSES[1],
];
