//! The loop that all local editing models share: batches of candidates, step by step, paused and gone on from.
//!
//! A [`Pipeline`] adds its networks; everything else is here: noise from seeds, the sampler, passes that fit into memory,
//! paused states, previews, trajectories, pictures.

mod begin;
mod editor;
mod finish;
mod injected;
mod options;
mod paused;
mod pipeline;
mod state;
mod track;

#[cfg(test)]
mod tests;

pub use editor::{DiffusionEditor, Identity};
pub use injected::Injected;
pub use options::{DiffusionOptions, ResultSize};
pub use pipeline::{Ask, Geometry, Pipeline, Prepared, Row};
