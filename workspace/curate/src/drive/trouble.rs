//! What ends the judging of a data set, as opposed to what fails within it.

use editscale_core::RewardName;
use editscale_rollout::depot::DepotError;
use editscale_rollout::drive::DriveError;
use editscale_rollout::queue::QueueError;
use thiserror::Error;

use crate::judging::JudgesError;
use crate::table::TableError;

/// Why judging cannot go on. What was done is kept, and it goes on from there once the cause is gone.
#[derive(Debug, Error)]
pub enum CurateError {
    /// The data set, the queue, the depot or a file of the drive.
    #[error(transparent)]
    Drive(#[from] DriveError),
    /// Score files cannot be written or read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A reward has died for good.
    #[error("the reward `{reward}` cannot be asked any more: {reason}")]
    Reward {
        /// Which.
        reward: RewardName,
        /// What it said.
        reason: String,
    },
    /// The rewards cannot judge a data set.
    #[error(transparent)]
    Judges(#[from] JudgesError),
}

impl From<QueueError> for CurateError {
    fn from(error: QueueError) -> Self {
        Self::Drive(error.into())
    }
}

impl From<DepotError> for CurateError {
    fn from(error: DepotError) -> Self {
        Self::Drive(error.into())
    }
}
