//! Failure as a value: what went wrong with one item, and what it cost all the same.

use std::fmt;
use std::sync::Arc;

use crate::Cost;

/// Why one edit or one score did not come about.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The class, which decides whether it is tried again.
    pub kind: FailureKind,
    /// A sentence for people: the thing, what was expected, what was found.
    pub message: Arc<str>,
    /// What was spent in vain.
    pub cost: Cost,
}

/// The classes of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The editor or judge will not do this (not understood, moderated): the same request fails again.
    Refused,
    /// What it was given is broken or outside its limits.
    Invalid,
    /// It could not be reached or was overloaded; another attempt may succeed.
    Unavailable,
    /// It did not answer in time; another attempt may succeed.
    TimedOut,
    /// It answered with something that is not an answer.
    Malformed,
    /// It died while at work.
    Crashed,
    /// The run was stopped before this was done.
    Cancelled,
    /// The budget did not allow it to begin.
    OverBudget,
    /// It may or may not have been done: it counts as spent and is never sent again by itself.
    Ambiguous,
}

impl FailureKind {
    /// Every class.
    pub const ALL: [Self; 9] = [
        Self::Refused,
        Self::Invalid,
        Self::Unavailable,
        Self::TimedOut,
        Self::Malformed,
        Self::Crashed,
        Self::Cancelled,
        Self::OverBudget,
        Self::Ambiguous,
    ];

    /// The word used in journals and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Invalid => "invalid",
            Self::Unavailable => "unavailable",
            Self::TimedOut => "timed_out",
            Self::Malformed => "malformed",
            Self::Crashed => "crashed",
            Self::Cancelled => "cancelled",
            Self::OverBudget => "over_budget",
            Self::Ambiguous => "ambiguous",
        }
    }

    /// Whether another attempt at the same work may succeed.
    pub fn may_pass(self) -> bool {
        matches!(self, Self::Unavailable | Self::TimedOut)
    }
}

impl Failure {
    /// A failure that cost nothing.
    pub fn new(kind: FailureKind, message: impl Into<Arc<str>>) -> Self {
        Self { kind, message: message.into(), cost: Cost::default() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_class_has_a_word_of_its_own() {
        let words: BTreeSet<&str> = FailureKind::ALL.into_iter().map(FailureKind::word).collect();
        assert_eq!(words.len(), FailureKind::ALL.len());
    }
}
