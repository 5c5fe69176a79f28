//! FLUX.1 Kontext (Black Forest Labs et al., 2025, "FLUX.1 Kontext: Flow Matching for In-Context Image Generation and
//! Editing in Latent Space").

pub mod transformer;
