//! The words of `editscale pool`.

#![expect(clippy::doc_markdown, reason = "these comments are what --help prints")]

use std::path::PathBuf;

use clap::Args;
use editscale_core::Seed;

use super::seed;

/// Edit many pictures from one budget, so that hard requests get more of it than easy ones.
///
/// Every request is probed with a few edits; the rest of the budget then goes where one more candidate is expected to bring most.
/// Run it again to go on with what was stopped. Prints the folder of the results; every request has a run directory in it.
#[derive(Debug, Args)]
pub(crate) struct Pool {
    /// The requests: a JSONL, CSV, Parquet or WebDataset file, or a folder of them.
    #[arg(value_name = "DATASET")]
    pub(crate) dataset: PathBuf,
    /// A recipe file, or the name of a built-in one. Its own budget still holds for every single request.
    #[arg(long, value_name = "FILE|NAME", default_value = "quickstart")]
    pub(crate) recipe: String,
    /// The edits of all requests together.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub(crate) edits: u64,
    /// The edits that each request is probed with. Two at least, to see how far candidates differ.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u64).range(2..=1000))]
    pub(crate) probe: u64,
    /// The folder for the results, and for what is under way.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// The root of all seeds.
    #[arg(long, value_name = "N", default_value = "0", value_parser = seed)]
    pub(crate) seed: Seed,
    /// Requests under way at once; enough to keep the editors busy where it is not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) at_once: Option<u32>,
    /// Print one JSON object instead of a path.
    #[arg(long)]
    pub(crate) json: bool,
}
