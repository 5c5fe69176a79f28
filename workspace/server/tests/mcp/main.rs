//! Agents, as they are served: over a pair of streams and over HTTP, with the official client.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop where it is"
)]

#[path = "../common/embedded.rs"]
mod embedded;

mod budget;
mod files;
mod history;
mod http;
mod offers;
mod resources;
mod seat;
mod watching;
mod words;
