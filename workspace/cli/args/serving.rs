//! The words of `editscale serve`, `editscale mcp` and `editscale keys`.

#![expect(clippy::doc_markdown, reason = "these comments are what --help prints")]

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use editscale_core::Usd;

use super::usd;

/// What is served, by whichever door.
#[derive(Debug, Args)]
pub(crate) struct Served {
    /// A recipe to serve: a file, whose name is then the recipe's, or the name of a built-in one; the first one is the usual one.
    /// Without this and --recipes, all that are built in.
    #[arg(long = "recipe", value_name = "FILE|NAME")]
    pub(crate) recipe: Vec<String>,
    /// A folder whose recipes (*.yaml) are served.
    #[arg(long, value_name = "DIR")]
    pub(crate) recipes: Option<PathBuf>,
    /// The folder that holds a folder for each run; `runs/served` where it is not given, or `runs/agent` for an agent.
    #[arg(long, value_name = "DIR")]
    pub(crate) runs: Option<PathBuf>,
    /// A folder whose files agents may name; none where it is not given.
    #[arg(long = "root", value_name = "DIR")]
    pub(crate) roots: Vec<PathBuf>,
    /// Runs that are carried out at a time.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) running: u16,
    /// The most edits that one run may ask for, whatever its recipe says.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) most_edits: u64,
    /// The longest that a run may take in seconds, waiting included.
    #[arg(long, value_name = "SECS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=604_800))]
    pub(crate) deadline_secs: u64,
    /// The most megapixels of a picture.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=120))]
    pub(crate) megapixels: u64,
    /// The most edits of one conversation of an agent, over all of its calls.
    #[arg(long, value_name = "N")]
    pub(crate) session_edits: Option<u64>,
    /// The most judgements of one conversation of an agent.
    #[arg(long, value_name = "N")]
    pub(crate) session_reward_calls: Option<u64>,
    /// The most money of one conversation of an agent, in US dollars.
    #[arg(long, value_name = "USD", value_parser = usd)]
    pub(crate) session_usd: Option<Usd>,
    /// Remove pictures that a recipe does not retain. Without it all are kept, so that any candidate can be gone on from.
    #[arg(long)]
    pub(crate) retain: bool,
    /// Do what is understood of an instruction, and say what was left out, instead of refusing it.
    #[arg(long)]
    pub(crate) partial: bool,
    /// How the log on stderr is written.
    #[arg(long, value_name = "HOW", value_enum, default_value_t = LogWord::Text)]
    pub(crate) log: LogWord,
}

/// How a log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogWord {
    /// Lines for people.
    Text,
    /// A JSON object a line.
    Json,
}

/// Serve recipes over HTTP: the images API of OpenAI, runs, scoring, tools for agents, and a page to watch.
///
/// Prints its address. Runs outlive a kill: those that were accepted go on when the server is started again over the same
/// folder. `RUST_LOG` says what is logged, such as `info` or `editscale_server=debug`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) served: Served,
    /// Where to listen. Addresses that other machines reach need --keys.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// A file of API keys, as `editscale keys add` makes it. Without it, this machine alone may call.
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,
    /// Another name for a recipe, for clients whose model is fixed, such as gpt-image-1=quickstart.
    #[arg(long = "alias", value_name = "NAME=RECIPE", value_parser = alias)]
    pub(crate) aliases: Vec<(String, String)>,
    /// Runs that may wait; one more is refused with status 429.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) waiting: u32,
    /// The most MiB of a request.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub(crate) body_mib: u64,
    /// How many seconds requests under way are waited for at the end.
    #[arg(long, value_name = "SECS", default_value_t = 30)]
    pub(crate) drain_secs: u64,
    /// Remove runs that ended and were accepted this many days ago. Without it they are kept.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) keep_days: Option<u16>,
    /// Let trainers that speak pickles (flow_grpo) ask for scores at `POST /`.
    #[arg(long)]
    pub(crate) pickles: bool,
}

fn alias(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(name, recipe)| !name.is_empty() && !recipe.is_empty());
    parts.map(|(name, recipe)| (name.to_owned(), recipe.to_owned())).ok_or_else(|| "expected NAME=RECIPE".to_owned())
}

/// Give the tools to an agent: a server of the Model Context Protocol on stdin and stdout.
///
/// The tools edit, score, compare, refine and undo; files are read and written under --root alone. What the session may
/// spend in all is said here, and no call can raise it.
#[derive(Debug, Args)]
pub(crate) struct Mcp {
    #[command(flatten)]
    pub(crate) served: Served,
}

/// Make API keys for `editscale serve`.
#[derive(Debug, Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    pub(crate) command: KeysCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key, print it once, and add its digest to the keys file.
    Add {
        /// Whose key it is: shown in logs, and what runs belong to.
        name: String,
        /// The keys file; it is made where it is not there.
        #[arg(long, value_name = "FILE", default_value = "editscale-keys.txt")]
        file: PathBuf,
    },
    /// List the names in a keys file.
    List {
        /// The keys file.
        #[arg(long, value_name = "FILE", default_value = "editscale-keys.txt")]
        file: PathBuf,
    },
}
