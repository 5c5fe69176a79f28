//! Edits to score cards: batches, rewards at the same time, failures that pass, and what the whole is worth.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc, reason = "tests fail by panicking")]

mod asked;
mod loaded;
