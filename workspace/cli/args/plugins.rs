//! The words of `editscale plugin` and `editscale bench`.

#![expect(clippy::doc_markdown, reason = "these comments are what --help prints")]

use std::path::PathBuf;

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

/// Measure what is installed here, on your own pictures.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    #[command(subcommand)]
    pub(crate) command: BenchCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    Parity(BenchParity),
}

impl BenchCommand {
    /// Whether it prints one JSON object.
    pub(crate) fn is_json(&self) -> bool {
        let Self::Parity(parity) = self;
        parity.json
    }
}

/// Compare two ways to the same reward: scores every pair with both, and tells how far they are apart and how fast each is.
///
/// The usual use is a model's official code behind a plugin against the native one.
#[derive(Debug, Args)]
pub(crate) struct BenchParity {
    /// The recipe whose rewards are the measure.
    #[arg(long, value_name = "FILE|NAME")]
    pub(crate) reference: String,
    /// The recipe whose rewards are held against them, under the same names; where each recipe has one reward, names do not matter.
    #[arg(long, value_name = "FILE|NAME")]
    pub(crate) native: String,
    /// The pairs: a file as `score --pairs` reads it, or a folder of pictures, each of which is judged against the first by name.
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) pairs: PathBuf,
    /// With a folder: what was asked for.
    #[arg(long, value_name = "TEXT", default_value = "improve the picture")]
    pub(crate) instruction: String,
    /// Exit with 1 where the largest difference of any score is above this.
    #[arg(long, value_name = "X", value_parser = difference)]
    pub(crate) at_most: Option<f64>,
    /// How many of the worst pairs are named.
    #[arg(long, value_name = "K", default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub(crate) worst: u32,
    /// How often speed is measured at each size of batch; 0 measures none.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub(crate) rounds: u32,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

fn difference(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number >= 0.0)
        .ok_or_else(|| "expected a number of at least 0, such as 0.01".to_owned())
}
