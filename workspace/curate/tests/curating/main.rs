//! Whole data sets judged by scripted rewards: what is written, and what is left of it after stops, kills and trouble.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod desk;
mod kills;
mod resuming;
mod trouble;
