//! Metrics of small benchmarks whose values were computed by hand, ties and quirks included.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unnecessary_wraps,
    reason = "a test that cannot go on fails"
)]

mod chance;
mod desk;
mod groups;
mod judges;
mod pairs;
mod published;
mod ratings;
mod report;
mod unchanged;
