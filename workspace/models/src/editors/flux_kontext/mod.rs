//! FLUX.1 Kontext (Black Forest Labs et al., 2025, "FLUX.1 Kontext: Flow Matching for In-Context Image Generation and
//! Editing in Latent Space").

mod components;
mod load;
mod networks;
mod options;
mod pipeline;
mod recipe;
mod size;
mod text;

#[cfg(test)]
mod adapters;
#[cfg(test)]
mod parity;

pub use components::CLASS;
pub use load::{load, stored_bytes};
pub use options::Options;
pub use pipeline::FluxKontext;
pub use recipe::FluxKontextRecipe;
