//! What ends a run, as opposed to what fails within it.

use editscale_core::{CandidateId, EditorName, RewardName};
use thiserror::Error;

use crate::directory::DirectoryError;
use crate::files::WriteError;
use crate::journal::JournalError;

/// Why a run cannot go on. What was journaled before is kept, and the run can be resumed once the cause is gone.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The journal cannot be written or read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A picture or a trajectory cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Another file of the run directory cannot be written.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// Over the same trials the search decided otherwise than the journal says.
    #[error(
        "cannot resume: in round {round} the search decides otherwise than it did when the journal was written; \
         the policy or its settings have changed"
    )]
    Diverged {
        /// The first round that differs.
        round: u32,
    },
    /// The search numbered a proposal otherwise than in ask order.
    #[error("the search asked for candidate {found} where {expected} is next in ask order")]
    AskOrder {
        /// The next number.
        expected: CandidateId,
        /// The number it gave.
        found: CandidateId,
    },
    /// The search named an editor that the run does not have.
    #[error("the search asked for editor `{0}`, which the run does not have")]
    NoEditor(EditorName),
    /// The search named a reward that the run does not have.
    #[error("the search asked for reward `{0}`, which the run does not have")]
    NoReward(RewardName),
    /// The search asked for nothing, or went on with nothing left to spend.
    #[error("the search made no headway in round {round}: it asked for nothing and did not stop")]
    NoHeadway {
        /// The round.
        round: u32,
    },
}
