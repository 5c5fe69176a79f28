//! Readers of benchmarks, on files with the columns of the published ones.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failed test panics")]

mod desk;
mod groups;
mod imagenhub;
mod judging;
mod kept;
mod lists;
mod own;
mod votes;
