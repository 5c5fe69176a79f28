//! Editors, a folder a dialect.

pub(crate) mod ark;
pub(crate) mod comfyui;
pub(crate) mod gemini;
pub(crate) mod item;
pub(crate) mod knobs;
pub(crate) mod masks;
pub(crate) mod openai_images;
pub(crate) mod sdcpp_jobs;
pub(crate) mod sglang_rollout;
pub(crate) mod size;
pub(crate) mod submit_poll;
