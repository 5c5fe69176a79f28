//! Reports and reviews of choices.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests may panic")]

mod common;
mod killed;
mod logs;
mod preferred;
mod reported;
mod served;
