//! Why a pickle cannot be read or written.

use thiserror::Error;

/// Why a pickle cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PickleError {
    /// A step of it is none that plain data has.
    #[error("byte {at} of the pickle: {reason}")]
    Step {
        /// Where the step begins.
        at: usize,
        /// What was expected and found there.
        reason: String,
    },
    /// What it holds is too large, too deep or no data.
    #[error("{0}")]
    Value(String),
}
