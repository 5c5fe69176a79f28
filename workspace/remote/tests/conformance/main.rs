//! Every dialect against servers on this machine: what is sent, what becomes of answers, and everything that goes wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod answers;
mod ark;
mod faults;
mod gemini;
mod judge;
#[cfg(feature = "peers")]
mod peers;
#[cfg(feature = "peers")]
mod peers_scores;
mod replicas;
mod rollout;
mod runs;
mod scores;
mod sdcpp_jobs;
mod secrets;
mod streams;
mod submit_poll;
mod support;
mod wire;
