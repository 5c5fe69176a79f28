//! Whole data sets driven through scripted editors and rewards: what is written, and what is left of it after stops and trouble.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod desk;
mod ends;
mod policies;
mod resuming;
mod trouble;
