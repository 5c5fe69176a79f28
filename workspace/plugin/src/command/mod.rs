//! The plugin `command`: any shell command as an editor or a reward, with files in and JSON out.
//!
//! It is a plugin like any other, written with the SDK, and this program is its executable: `editscale plugin command`
//! speaks the protocol on its standard streams. `plugins/command/README.md` is its page.
//!
//! | module | what it holds |
//! |---|---|
//! | `settings` | what a recipe sets |
//! | `line` | placeholders of the command, and how they become words that no shell can misread |
//! | `files` | the private folder and the variables of one command |
//! | `shell` | starting a command, and stopping it with all that it started |
//! | `score` | the score in what a command printed |
//! | `editor`, `reward` | the two sides of the plugin |
//! | `recipe` | how recipes set it |

mod editor;
mod files;
mod line;
mod recipe;
mod reward;
mod score;
mod settings;
mod shell;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use editscale_sdk::{About, Feature, Plugin};

pub use recipe::{CommandEditorRecipe, CommandProgram, CommandRecipe, CommandRewardRecipe};

/// The plugin, to be served over standard input and output or any other two streams.
pub fn plugin() -> Plugin {
    let about = About::new("command", env!("CARGO_PKG_VERSION")).with(Feature::Cancel);
    Plugin::new(about).editor(editor::CommandEditor::load).reward(reward::CommandReward::load)
}

/// The whole of `editscale plugin command`.
pub fn main() -> ExitCode {
    plugin().serve()
}
