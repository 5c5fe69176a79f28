//! The embedded editor and reward: photographic edits in plain English, and how well they were done.
//!
//! An instruction is read into a [`plan`]; [`operations`] carry it out on the regions that [`mask`] finds. Nothing here needs weights,
//! a network or files.

pub mod language;
pub mod mask;
pub mod operations;
pub mod plan;
