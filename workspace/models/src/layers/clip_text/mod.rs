//! The text encoder of CLIP (Radford et al. 2021, "Learning transferable visual models from natural language supervision"),
//! as transformers' `CLIPTextModel` has it: a causal transformer with learned positions, normalised before each block.

mod config;
mod layer;
mod model;

pub use config::ClipTextConfig;
pub use model::{ClipEncoded, ClipText};

#[cfg(test)]
mod tests;
