//! Data sets of every format: what is listed and fetched, what is wrong with rows, and what cannot be opened.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod columnar;
mod desk;
mod edited;
mod folders;
mod lines;
mod lists;
mod pictures;
mod random;
mod samples;
mod subsets;
mod tables;
