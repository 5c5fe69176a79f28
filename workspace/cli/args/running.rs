//! The words of `editscale run`.

#![expect(clippy::doc_markdown, reason = "these comments are what --help prints")]

use std::path::PathBuf;

use clap::Args;
use editscale_core::{Seed, Usd};

use super::{Sharing, seed, usd};

/// Edit a whole data set with search, and write rollouts for trainers.
///
/// Any number of processes may run the same command line at once: they share the work, and where one is killed the others go on.
/// Run it again to go on with what was stopped. Prints the folder of the rollouts; exits with 75 while something is left to do.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The data set: a JSONL, CSV, Parquet or WebDataset file, or a folder of them. A worker that does not see it gives none.
    #[arg(value_name = "DATASET", required_unless_present = "role")]
    pub(crate) dataset: Option<PathBuf>,
    /// A recipe file, or the name of a built-in one: quickstart, quickstart-judge, best-of-n, beam, diverse-trees, adaptive, reflection,
    /// routing, guarded, reward-weighted.
    #[arg(long, value_name = "FILE|NAME", default_value = "quickstart")]
    pub(crate) recipe: String,
    /// The folder for rollouts, and for what is under way.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) sharing: Sharing,
    /// How often each row is edited, whatever the recipe says.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) repeats: Option<u32>,
    /// The root of all seeds.
    #[arg(long, value_name = "N", default_value = "0", value_parser = seed)]
    pub(crate) seed: Seed,
    /// Runs under way at once; enough to keep the editors busy where it is not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) groups_at_once: Option<u32>,
    /// Begin no more groups once those that ended, of all processes together, have cost this much in US dollars. Those under way are
    /// finished and come on top: up to --groups-at-once of each process, each up to what the recipe's `budget` lets one spend.
    #[arg(long, value_name = "USD", value_parser = usd)]
    pub(crate) most_usd: Option<Usd>,
    /// The folder for runs under way; `work` in --out where it is not given. Workers of one machine share it.
    #[arg(long, value_name = "DIR")]
    pub(crate) work: Option<PathBuf>,
    /// Do what is understood of an instruction, and say what was left out.
    #[arg(long)]
    pub(crate) partial: bool,
    /// Print one JSON object instead of a path.
    #[arg(long)]
    pub(crate) json: bool,
}
