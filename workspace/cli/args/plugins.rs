//! The words of `editscale plugin`.

#![expect(clippy::doc_markdown, reason = "these comments are what --help prints")]

use clap::{Args, Subcommand, ValueEnum};

/// Check plugins, and begin new ones.
#[derive(Debug, Args)]
pub(crate) struct Plugin {
    #[command(subcommand)]
    pub(crate) command: PluginCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    Check(PluginCheck),
    New(PluginNew),
    /// Be the plugin that recipes of kind `command` start.
    #[command(hide = true)]
    Command,
}

impl PluginCommand {
    /// Whether it prints one JSON object.
    pub(crate) fn is_json(&self) -> bool {
        match self {
            Self::Check(check) => check.json,
            Self::New(_) | Self::Command => false,
        }
    }
}

/// Check a plugin: drives it as editscale does, and as a broken host would, and lists what is not as it should be.
///
/// A line a check, with what was expected and what to do where it fails. Exits with 0 where nothing failed, with 1 where something did.
/// A plugin is loaded four times for each of its kinds.
#[derive(Debug, Args)]
pub(crate) struct PluginCheck {
    /// As what it is checked; as everything that it says it can be where this is not given.
    #[arg(long, value_name = "KIND", value_enum)]
    pub(crate) kind: Option<KindWord>,
    /// What a recipe would set as `config`: a JSON object, or the name of a file with one after an `@`.
    #[arg(long, value_name = "JSON|@FILE")]
    pub(crate) config: Option<String>,
    /// An environment variable that it sees beside the usual ones, such as HF_TOKEN.
    #[arg(long = "environment", value_name = "NAME")]
    pub(crate) environment: Vec<String>,
    /// How long getting ready may take, and each call.
    #[arg(long, value_name = "SECS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: u64,
    /// Make these checks alone, and those that they stand on.
    #[arg(long, value_name = "CHECK")]
    pub(crate) only: Vec<String>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
    /// The program and its arguments. All that follows the program is its own, so that options of the check stand before it.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "CMD ARGS")]
    pub(crate) run: Vec<String>,
}

/// What a plugin can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindWord {
    /// It makes pictures.
    Editor,
    /// It judges pictures.
    Reward,
}

/// Begin a plugin: writes a small one that works, to be changed.
#[derive(Debug, Args)]
pub(crate) struct PluginNew {
    /// Its name, which is that of its folder too.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// What it is written in.
    #[arg(long, value_enum)]
    pub(crate) lang: LangWord,
    /// What it is to be.
    #[arg(long, value_name = "KIND", value_enum, default_value = "reward")]
    pub(crate) kind: KindWord,
}

/// Languages that there are skeletons in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LangWord {
    /// Python, with the package of `plugins/python-sdk`.
    Python,
    /// Rust, with the crate `editscale-sdk`.
    Rust,
}
