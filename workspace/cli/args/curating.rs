//! The words of `editscale curate`.

#![expect(clippy::doc_markdown, reason = "these comments are what --help prints")]

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Sharing;

/// Score a whole data set of edits with a recipe's rewards, and choose what is kept of it.
///
/// Any number of processes may run the same command line at once: they share the work, and where one is killed the others go on.
/// Run it again to go on with what was stopped, or with other rules in `curate:` to choose anew without scoring anything again.
/// Prints the folder; exits with 75 while something is left to do.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Curating {
    #[command(subcommand)]
    pub(crate) command: Option<CurateCommand>,
    #[command(flatten)]
    pub(crate) scoring: Option<Curate>,
}

/// What is done with scores that are there.
#[derive(Debug, Subcommand)]
pub(crate) enum CurateCommand {
    Review(CurateReview),
}

/// Confirm or override a choice in the browser.
///
/// Serves a page on this machine alone and prints its address. Each verdict is on disk at once, in `review.jsonl` beside the
/// scores; the next `editscale curate` of the folder goes by them, and makes preference data of them.
#[derive(Debug, Args)]
pub(crate) struct CurateReview {
    /// The folder that `editscale curate` wrote.
    #[arg(value_name = "OUT")]
    pub(crate) out: PathBuf,
    /// The recipe whose `curate:` chooses; the one of the last choice where it is not given.
    #[arg(long, value_name = "FILE|NAME")]
    pub(crate) recipe: Option<String>,
    /// Where to listen: an address of this machine alone. Port 0 is any that is free.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) listen: std::net::SocketAddr,
    /// About how many edited pictures to look at; half are next to the cut, the others are drawn from all.
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub(crate) sample: u32,
    /// Look only at what is next to the cut.
    #[arg(long)]
    pub(crate) near_cut: bool,
    /// Another number draws others: give each of many reviewers one.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Whose verdicts they are where the page is not told.
    #[arg(long, value_name = "NAME", default_value = "reviewer")]
    pub(crate) who: String,
}

/// What scoring and choosing are told.
#[derive(Debug, Args)]
// The words that are shared with `run` are in a group of their own: without this, clap does not see that these were given.
#[group(args = ["dataset"])]
pub(crate) struct Curate {
    /// The data set: a file or a folder of JSONL, JSON, CSV, Parquet or WebDataset with source, instruction and edited pictures.
    #[arg(value_name = "DATASET")]
    pub(crate) dataset: PathBuf,
    /// The recipe whose rewards judge and whose `curate:` chooses; it needs no editor.
    #[arg(long, value_name = "FILE|NAME", default_value = "quickstart")]
    pub(crate) recipe: String,
    /// The folder for scores, for what is kept, and for the report.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) sharing: Sharing,
    /// Rows that are handed out together; the same for all processes.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=4096))]
    pub(crate) rows_together: u64,
    /// Blocks of such rows under way at once; enough to keep the rewards busy where it is not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) blocks_at_once: Option<u32>,
    /// Print one JSON object instead of a path.
    #[arg(long)]
    pub(crate) json: bool,
}
