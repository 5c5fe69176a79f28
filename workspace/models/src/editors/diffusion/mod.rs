//! The loop that all local editing models share: batches of candidates, step by step, paused and gone on from.
//!
//! A [`Pipeline`] adds its networks; everything else is here: noise from seeds, the sampler, passes that fit into memory,
//! paused states, previews, trajectories, pictures.

mod begin;
mod drive;
mod editor;
mod finish;
mod injected;
mod latents;
mod options;
mod paused;
mod pipeline;
mod revive;
mod state;
mod steer;
mod track;

#[cfg(test)]
mod tests;

pub use editor::{DiffusionEditor, Identity, Knob};
pub use injected::Injected;
pub(super) use latents::numbers;
pub use latents::{Geometry, Layout};
pub use options::{DiffusionOptions, ResultSize};
pub use pipeline::{Activations, Ask, Pipeline, Prepared, Row};
