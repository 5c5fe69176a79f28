//! What keeps a data set from being read at all. What is wrong with one row is a `RowProblem`.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a data set cannot be opened, or not be read on.
#[derive(Debug, Error)]
pub enum DatasetError {
    /// Nothing is there.
    #[error("{}: {reason}", path.display())]
    Missing {
        /// What was asked for.
        path: PathBuf,
        /// What was expected.
        reason: String,
    },
    /// Several data sets are there.
    #[error("{} holds more than one data set ({found}): name one of them", path.display())]
    Ambiguous {
        /// What was asked for.
        path: PathBuf,
        /// What is there.
        found: String,
    },
    /// The file is in no format that is read here.
    #[error("{}: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What was expected and what was found.
        reason: String,
    },
    /// A part of a row that nothing in the data set is called by.
    #[error("{}: {reason}", path.display())]
    Columns {
        /// The data set.
        path: PathBuf,
        /// What is there, and how to say which is which.
        reason: String,
    },
    /// There are no rows.
    #[error("{}: the data set has no rows", path.display())]
    Empty {
        /// The data set.
        path: PathBuf,
    },
    /// The file cannot be read on from here.
    #[error("{}: {reason}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Where, what was expected, what was found.
        reason: String,
    },
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl DatasetError {
    /// For `map_err` around work on a file. What a decompressor complains of is not the disk's fault.
    pub(super) fn reading(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
                Self::Broken { path, reason: source.to_string() }
            }
            _ => Self::Disk { path, source },
        }
    }
}
