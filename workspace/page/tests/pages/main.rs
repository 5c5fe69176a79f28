//! Pages and plots as they are written.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests may panic")]

mod document;
mod frames;
mod plots;
mod ticks;
mod words;
