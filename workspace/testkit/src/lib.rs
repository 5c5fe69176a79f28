//! Fakes for tests: editors, rewards and critics that a test scripts, a hub of models, servers, a host of plugins; and what tests that run a
//! program have in common. Never part of the product.

#![expect(clippy::missing_panics_doc, clippy::expect_used, reason = "a fake that cannot be built fails its test")]

mod critics;
mod fakes;
mod hub;
mod plugin_host;
mod program;
mod server;

pub use critics::{FakeCritic, critic_card, critique};
pub use fakes::{FakeEditor, FakeLook, FakeReward, editor_card, request, reward_card};
pub use hub::{FakeHub, Fault};
pub use plugin_host::PluginHost;
pub use program::{copy_folder, edit_json, exchange, said};
pub use server::{
    Asked, ComfyRules, FakeServer, Field, JobPlace, Packed, ServerFault, base64, named_picture, png, rollout_sample,
    score_of,
};
