//! Fakes for tests: editors and rewards that a test scripts, a hub of models, servers, a host of plugins. Never part of the product.

#![expect(clippy::missing_panics_doc, clippy::expect_used, reason = "a fake that cannot be built fails its test")]

mod fakes;
mod hub;
mod plugin_host;
mod server;

pub use fakes::{FakeEditor, FakeLook, FakeReward, editor_card, request, reward_card};
pub use hub::{FakeHub, Fault};
pub use plugin_host::PluginHost;
pub use server::{
    Asked, ComfyRules, FakeServer, Field, JobPlace, Packed, ServerFault, base64, named_picture, png, rollout_sample,
    score_of,
};
