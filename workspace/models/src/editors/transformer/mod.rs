//! What diffusion transformers share: rows of many items in one batch, each modulated by values of its own item.

mod kernels;
mod operations;

pub(super) use kernels::TurnedHeads;
pub(super) use operations::{Modulation, Owners, beside_gelu};
