//! Every dialect against servers on this machine: what is sent, what becomes of answers, and everything that goes wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod answers;
mod ark;
mod comfyui;
#[cfg(feature = "peers")]
mod comfyui_peer;
mod comparing;
mod critic;
mod faults;
mod gemini;
mod hostile;
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
mod storms;
mod streams;
mod submit_poll;
mod suite;
mod suite_editors;
mod suite_judges;
mod support;
mod weights;
mod wire;
