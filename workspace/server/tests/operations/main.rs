//! What operators count on: who gets in, what is cut, how the queue and the end behave, what figures say, and that nothing that
//! was accepted is lost.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on fails"
)]

mod access;
mod bodies;
mod closing;
mod figures;
mod kill;
mod queue;
mod remains;
mod wire;
mod world;
