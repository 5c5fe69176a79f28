//! What diffusion transformers share: rows of many items in one batch, each modulated by values of its own item; where tokens
//! of pictures lie; what is told of the time.

mod kernels;
mod operations;
mod packing;
mod positions;
mod time;

pub(super) use kernels::TurnedHeads;
pub(super) use operations::{Modulation, Owners, beside_gelu};
pub(super) use packing::{ItemRows, Packing};
pub(super) use positions::{Grid, Positions};
pub(super) use time::{SINUSOIDS, sinusoids};
