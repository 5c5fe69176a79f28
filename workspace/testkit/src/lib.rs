//! Fakes and conformance suites for tests. Never part of the product.

mod fakes;

pub use fakes::{FakeEditor, FakeReward, editor_card, request, reward_card};
