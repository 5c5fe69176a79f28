//! The images API over a real server, called as clients call it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

#[path = "../common/mod.rs"]
mod common;

mod client;
mod edits;
mod endings;
mod hang_ups;
mod models;
mod refusals;
mod streams;
