//! Why there is no choice.

use editscale_study::StudyError;
use thiserror::Error;

/// Why there is no choice. `E` is why records cannot be read.
#[derive(Debug, Error)]
pub enum ChoiceError<E: std::error::Error + 'static> {
    /// A record cannot be read.
    #[error(transparent)]
    Record(E),
    /// One edited picture was judged twice.
    #[error("row {row} has two records of its edited picture {candidate}: expected one of each")]
    Twice {
        /// The row's number.
        row: u64,
        /// Which edited picture.
        candidate: u32,
    },
    /// A rule that no choice can go by.
    #[error("{0}")]
    Rule(String),
    /// A gate on what no reward says.
    #[error("a gate is on `{part}`, which no record has: expected {known}")]
    Part {
        /// The part.
        part: String,
        /// What there is, in words.
        known: String,
    },
    /// A group by a column that no record carries.
    #[error("no record has the column `{column}`: expected {known}")]
    Column {
        /// The column.
        column: String,
        /// What there is, in words.
        known: String,
    },
    /// A share for a stratum that there is not.
    #[error("a share is for the stratum `{stratum}`, which no record is in: expected {known}")]
    Stratum {
        /// The stratum.
        stratum: String,
        /// What there is, in words.
        known: String,
    },
    /// Doubt is to count, and no record says any.
    #[error(
        "κ is {kappa} and no record has a standard deviation: expected rewards that give theirs, or `without_sigma: certain`"
    )]
    NoSigma {
        /// κ.
        kappa: f64,
    },
    /// A person's word on what is not there.
    #[error("a person's word is on the edited picture {candidate} of row {row}, of which there is no record")]
    Override {
        /// The row's number.
        row: u64,
        /// Which edited picture.
        candidate: u32,
    },
    /// Numbers that cannot be compared, or settings outside their ranges.
    #[error(transparent)]
    Study(#[from] StudyError),
}
