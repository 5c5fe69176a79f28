//! The scoring service over real connections: our own shape, `UniRL`'s, pickles, and the clients that `editscale` has for them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod clients;
mod desk;
mod ours;
mod pickles;
mod sharing;
mod unirl;
