//! FLUX.1 Kontext (Black Forest Labs et al., 2025, "FLUX.1 Kontext: Flow Matching for In-Context Image Generation and
//! Editing in Latent Space").

pub(in crate::editors) mod fit;
mod options;
mod packing;
mod pipeline;
mod size;
mod weights;

#[cfg(test)]
mod parity;

pub use options::Options;
pub use pipeline::{FluxKontext, load, stored_bytes};
