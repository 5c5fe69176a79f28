//! Fakes and conformance suites for tests. Never part of the product.

#[expect(clippy::missing_panics_doc, clippy::expect_used, reason = "a fake that cannot be built fails its test")]
mod fakes;
#[expect(clippy::missing_panics_doc, clippy::expect_used, reason = "a fake that cannot be built fails its test")]
mod hub;
#[expect(clippy::missing_panics_doc, clippy::expect_used, reason = "a fake that cannot be built fails its test")]
mod server;

pub use fakes::{FakeEditor, FakeReward, editor_card, request, reward_card};
pub use hub::{FakeHub, Fault};
pub use server::{
    Asked, ComfyRules, FakeServer, Field, JobPlace, Packed, ServerFault, base64, named_picture, png, rollout_sample,
    score_of,
};
