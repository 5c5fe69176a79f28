//! What keeps a benchmark from being read at all. What is wrong with one row is a `RowProblem`.

use std::path::PathBuf;

use editscale_rollout::dataset::DatasetError;
use thiserror::Error;

use super::{Part, Preset};

/// Why a benchmark cannot be opened, or not be read on.
#[derive(Debug, Error)]
pub enum LayoutError {
    /// Nothing is there. Benchmarks are never downloaded: the message says where the data is published.
    #[error("{}: {reason}. {}", path.display(), preset.published())]
    Missing {
        /// What was asked for.
        path: PathBuf,
        /// What was expected and what was found.
        reason: String,
        /// Which benchmark was to be read.
        preset: Preset,
    },
    /// No form of the benchmark has such columns.
    #[error("{}: {reason}", path.display())]
    Columns {
        /// The file or folder.
        path: PathBuf,
        /// What was expected, what was found, and how to say which is which.
        reason: String,
    },
    /// It is another benchmark of the same name.
    #[error("{}: {reason}", path.display())]
    OtherBenchmark {
        /// The file or folder.
        path: PathBuf,
        /// Which it is.
        reason: String,
    },
    /// Several files hold the same part.
    #[error("{}: more than one file holds the part `{part}` ({found}): name one of them", path.display())]
    Ambiguous {
        /// The folder.
        path: PathBuf,
        /// The part.
        part: String,
        /// The files.
        found: String,
    },
    /// `--column` names a part that no form of this benchmark has.
    #[error("--column {part}={name}: {preset} has no part `{part}`; its parts are {known}")]
    Part {
        /// The part.
        part: Part,
        /// The name that was given for it.
        name: String,
        /// The benchmark.
        preset: Preset,
        /// The parts that it has.
        known: String,
    },
    /// The data set reader refuses.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}
