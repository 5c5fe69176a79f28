//! What diffusion transformers share: rows of many items in one batch, each modulated by values of its own item; where tokens
//! of pictures lie; blocks in which texts and pictures attend to each other; what is told of the time.

mod kernels;
mod operations;
mod packing;
mod positions;
mod streams;
mod time;

pub(super) use kernels::TurnedHeads;
pub(super) use operations::{Modulation, Owners, beside_gelu};
pub(super) use packing::{ItemRows, Packing, cat, check_tokens};
pub(super) use positions::{Grid, Positions};
pub(super) use streams::{DoubleBlock, DoubleRows, Projection, Stream, StreamRows, Turns};
pub(super) use time::{SINUSOIDS, sinusoids};
