//! Editors and rewards in processes of their own: the host of plugins.
//!
//! | module | what it holds |
//! |---|---|
//! | `launch` | what is started, what it sees of the environment, how long it is put up with |
//! | `child` | a process in a group of its own, killed as a whole, never left behind |
//! | `pipe` | what is said over its standard streams; nobody waits for one that does not listen |
//! | `spool` | a folder for what is too long for a message |
//! | `opening` | from a command to a session that is ready |
//! | `session` | one start of a plugin: its calls, and the clocks that they are held to |
//! | `supervise` | who starts it again, and when it is given up |
//! | `quarantine` | which samples it died of |
//! | `work` | batches on their way through it |
//! | `convert` | between the words of the program and those of the wire; what a plugin says is checked there |
//! | `editor`, `reward` | the ports |
//! | `recipe` | how recipes set a plugin |
//! | [`check`] | the conformance suite: what a plugin must do, each with a name |
//! | [`command`] | the plugin that runs any shell command |
//! | [`skeleton`] | plugins to begin with |
//!
//! `docs/plugins.md` says how plugins are written and used, `docs/plugin-protocol.md` what goes over the wire.

mod calls;
pub mod check;
mod child;
pub mod command;
mod convert;
mod editor;
mod launch;
mod memory;
mod opening;
mod pipe;
mod quarantine;
mod recipe;
mod reward;
mod session;
pub mod skeleton;
mod spool;
mod stderr;
mod supervise;
mod tree;
mod work;

use editscale_schema::{EditorKind, RewardKind};

use crate::command::{CommandEditorRecipe, CommandRewardRecipe};

pub use child::Exit;
pub use editor::PluginEditor;
pub use launch::{Launch, LaunchError, Limits, is_usual};
pub use opening::Plugin;
pub use pipe::{Pipe, PipeError};
pub use recipe::{LIMITS, PluginLimits, PluginRecipe, read_environment, write_environment};
pub use reward::PluginReward;
pub use supervise::{Health, PluginError};

/// The editors that recipes can name.
pub const EDITORS: &[EditorKind] = &[EditorKind::of::<PluginRecipe>(), EditorKind::of::<CommandEditorRecipe>()];

/// The rewards that recipes can name.
pub const REWARDS: &[RewardKind] = &[RewardKind::of::<PluginRecipe>(), RewardKind::of::<CommandRewardRecipe>()];
