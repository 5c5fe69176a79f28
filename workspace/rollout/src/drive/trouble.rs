//! What ends a drive, as opposed to what fails within it.

use editscale_engine::{DirectoryError, EngineError, JournalError};
use thiserror::Error;

use super::policy::PolicyError;
use crate::dataset::DatasetError;
use crate::depot::DepotError;
use crate::export::ExportError;
use crate::pack::PackError;
use crate::queue::QueueError;
use crate::written::WriteDownError;

/// Why a drive cannot go on. What was journaled is kept, and it goes on from there once the cause is gone.
#[derive(Debug, Error)]
pub enum DriveError {
    /// The data set cannot be read on.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The queue.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The depot.
    #[error(transparent)]
    Depot(#[from] DepotError),
    /// A shard cannot be written.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// A group cannot be packed.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// A run cannot be kept.
    #[error(transparent)]
    Run(#[from] EngineError),
    /// What a run has made cannot be read.
    #[error(transparent)]
    WriteDown(#[from] WriteDownError),
    /// The weights that the recipe names.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// Somebody else exports from the same depot.
    #[error("the depot is being exported to {theirs}: expected {}; an export removes what it has written, so there can be only one: go on there, or give this run a --depot of its own", ours.display())]
    OtherExporter {
        /// The folder that the depot names.
        theirs: String,
        /// The folder of this process.
        ours: std::path::PathBuf,
    },
    /// A file of the drive itself.
    #[error("cannot {what} {path}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file or folder.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A task died.
    #[error("a part of the program died: {0}")]
    Task(String),
}

impl From<DirectoryError> for DriveError {
    fn from(error: DirectoryError) -> Self {
        Self::Run(error.into())
    }
}

/// What to do about an error of a run's own files.
pub(super) enum Remedy {
    /// Somebody else has the folder at the moment.
    Wait,
    /// What lies there is damaged, or is another run's: it is no use, and the run is begun anew.
    BeginAnew,
    /// The machine's trouble, such as a full disk: nothing else will work either.
    GiveUp,
}

pub(super) fn remedy(error: &EngineError) -> Remedy {
    match error {
        EngineError::Directory(DirectoryError::InUse(_)) => Remedy::Wait,
        EngineError::Directory(
            DirectoryError::Corrupt { .. }
            | DirectoryError::Version { .. }
            | DirectoryError::Differs { .. }
            | DirectoryError::NotARun(_)
            | DirectoryError::NotEmpty(_),
        )
        | EngineError::Journal(JournalError::Corrupt { .. })
        | EngineError::Diverged { .. } => Remedy::BeginAnew,
        _ => Remedy::GiveUp,
    }
}

/// An error of the system about a file.
pub(super) fn io(what: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> DriveError + use<> {
    let path = path.to_owned();
    move |source| DriveError::Io { what, path, source }
}
