//! Records as Parquet: one row a record, one column a number.
//!
//! | columns | what |
//! |---|---|
//! | `row`, `row_id`, `place`, `candidate`, `instruction` | which edited picture of which row |
//! | `source_digest`, `source_hash`, `source_width`, `source_height`, `source_name`, and the same with `edited_` | the pictures; hashes as 16 hexadecimal digits |
//! | `score`, `sigma`, `failure` | what the objective makes of it, or why nothing |
//! | `REWARD.mean`, `REWARD.sigma`, `REWARD.PART.mean`, `REWARD.PART.sigma` | what each reward said |
//! | all others | columns of the data set that are carried on: texts as they are, anything else as JSON |
//!
//! A carried column that is called like another one is written as `extra.NAME`. What a column is stands in its metadata as well,
//! so that it is read back as what it was.

mod files;
mod layout;
mod reading;
mod writing;

use std::path::PathBuf;

use editscale_engine::WriteError;
use thiserror::Error;

pub use self::files::{Completion, Records, ScoreFiles, Share};
pub use self::layout::{Form, Layout};
pub use self::writing::encode;

/// Why records cannot be written or read.
#[derive(Debug, Error)]
pub enum TableError {
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// It is no table of records.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What was expected and found.
        reason: String,
    },
    /// Records do not go into a table.
    #[error("records cannot be written as Parquet: {0}")]
    Unwritable(String),
}
