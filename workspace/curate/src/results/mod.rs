//! A choice written down: the kept rows in the data set's own format, the fate of every record, and preferences.
//!
//! All that one choice writes lies in one folder, which replaces the one of the choice before as a whole.

mod fates;
mod folder;
mod kept;
mod labels;
mod pair_table;
mod pairs;
mod rows;

use std::path::PathBuf;

use editscale_rollout::RowProblem;
use editscale_rollout::dataset::{PictureProblem, SubsetError};
use thiserror::Error;

use crate::table::TableError;

pub use fates::{CHOICE_TABLE, DROPPED, write_fates};
pub use folder::ChoiceFolder;
pub use kept::{Kept, write_kept};
pub use labels::{write_kept_of_several, write_labels};
pub use pairs::write_pairs;
pub use rows::PairSource;

/// Why a choice cannot be written down.
#[derive(Debug, Error)]
pub enum ResultsError {
    /// The records cannot be read again.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The kept rows cannot be written.
    #[error(transparent)]
    Subset(#[from] SubsetError),
    /// There are other records than those that were chosen from.
    #[error("{records} records were chosen from, and {found} are there: the scores changed meanwhile")]
    Changed {
        /// Records that the choice knows.
        records: usize,
        /// Records that are there.
        found: usize,
    },
    /// A row that was chosen has no record any more.
    #[error("row {0} was chosen, and no record of it is there: the scores changed meanwhile")]
    Gone(u64),
    /// A row of a pair is gone.
    #[error("a row of a pair cannot be read again: {0}")]
    Row(#[from] RowProblem),
    /// A picture of a pair is gone.
    #[error("a picture of row {row} cannot be read again: {problem}")]
    Picture {
        /// The row's number.
        row: u64,
        /// What is wrong with it.
        problem: PictureProblem,
    },
    /// The system refused.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another process is choosing in the same folder.
    #[error("{} is being chosen in by another process: expected one at a time", _0.display())]
    InUse(PathBuf),
    /// Somebody else's files lie where the choice is put, which is replaced as a whole.
    #[error("{} was not written by `editscale curate`: give another --out, or move it away", _0.display())]
    Strange(PathBuf),
    /// A table cannot be made.
    #[error("{} cannot be written as Parquet: {reason}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What was said.
        reason: String,
    },
}

fn io(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> ResultsError + use<> {
    let path = path.to_owned();
    move |source| ResultsError::Io { path, source }
}

fn parquet(path: &std::path::Path) -> impl Fn(&dyn std::fmt::Display) -> ResultsError + use<> {
    let path = path.to_owned();
    move |error| ResultsError::Parquet { path: path.clone(), reason: error.to_string() }
}
