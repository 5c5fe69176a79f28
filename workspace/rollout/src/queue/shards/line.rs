//! The lines of the journal: what happened to items, one JSON value each.

use serde::{Deserialize, Serialize};

use crate::queue::{End, Entry, Spent};

/// The version of the journal that is written and read.
pub(super) const VERSION: u32 = 1;

/// The first line: what the file is.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Header {
    /// The version of what follows.
    pub(super) work_queue: u32,
    /// Which run it belongs to.
    pub(super) run: String,
}

/// Any other line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// The next item.
    Entered(Entry),
    /// All have been entered.
    Complete,
    /// These were handed out.
    Leased(Vec<u64>),
    /// One was given back and its delivery does not count.
    Stopped(u64),
    /// One was given back, to be tried again.
    Again {
        /// Which.
        ordinal: u64,
        /// What was spent on it.
        spent: Spent,
    },
    /// One ended.
    Ended {
        /// Which.
        ordinal: u64,
        /// How.
        end: End,
        /// What of that has not been counted before.
        spent: Spent,
    },
    /// One that had ended was put back.
    Reopened {
        /// Which.
        ordinal: u64,
        /// The candidates that its end had counted; absent where it was dead.
        candidates: Option<u32>,
    },
}
