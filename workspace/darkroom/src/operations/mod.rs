//! Photographic operations on pixels, and the choices that an instruction leaves open.
//!
//! Nothing here reads instructions or judges results. Everything is deterministic: the same picture, plan and choices
//! give the same bits, on any number of threads.

mod choices;
mod colour;
mod detail;
mod develop;
pub(crate) mod geometry;
mod quantities;
mod step;
mod tone;

pub use choices::{Choices, KNOBS, KnobRange};
pub use develop::{DevelopError, Job, develop, develop_parts};
pub(crate) use quantities::{multiple_of_plain, share_of_plain};
