//! The embedded editor, reward and critic: photographic edits in plain English, how well they were done, and what to say next.
//!
//! An instruction is read by [`language`] into a [`plan`]; [`operations`] carry it out on the regions that [`mask`] finds;
//! [`photometric`] measures what came of it without knowing how it was made. Nothing here needs weights, a network or files.

pub mod language;
pub mod mask;
pub mod operations;
pub mod photometric;
pub mod plan;

mod critic;
mod curve;
mod decoded;
mod editor;
mod planes;
mod reward;
mod scenes;

use editscale_schema::{CriticKind, EditorKind, RewardKind};

pub use critic::{DarkroomCritic, DarkroomCriticRecipe};
pub use editor::{DarkroomEditor, DarkroomRecipe};
pub use reward::{PhotometricRecipe, PhotometricReward};
pub use scenes::Scenes;

/// The editors of this crate that recipes can name.
pub const EDITORS: &[EditorKind] = &[EditorKind::of::<DarkroomRecipe>()];

/// The critics of this crate that recipes can name.
pub const CRITICS: &[CriticKind] = &[CriticKind::of::<DarkroomCriticRecipe>()];

/// The rewards of this crate that recipes can name.
pub const REWARDS: &[RewardKind] = &[RewardKind::of::<PhotometricRecipe>()];
