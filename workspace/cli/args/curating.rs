//! The words of `editscale curate`.

use std::path::PathBuf;

use clap::Args;

use super::Sharing;

/// Score a whole data set of edits with a recipe's rewards, and choose what is kept of it.
///
/// Any number of processes may run the same command line at once: they share the work, and where one is killed the others go on.
/// Run it again to go on with what was stopped, or with other rules in `curate:` to choose anew without scoring anything again.
/// Prints the folder; exits with 75 while something is left to do.
#[derive(Debug, Args)]
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
