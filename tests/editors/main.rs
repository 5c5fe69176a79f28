//! The program with editing models: tiny pipelines, judged by a tiny judge, under every policy, and what is said where
//! something is wrong with them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on fails"
)]

mod desk;
mod noise_searches;
mod pictures;
mod pipelines;
mod policies;
mod refusals;
mod sharing;
