//! How a run ended.

use crate::{CandidateId, Ledger, Verdict};

/// What a run came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What the search found.
    pub verdict: Verdict,
    /// Whether it came to its own end.
    pub ending: Ending,
    /// What was spent.
    pub ledger: Ledger,
    /// Rounds that were carried out.
    pub rounds: u32,
    /// Candidates that were asked for.
    pub asked: u32,
    /// Of those, the ones that failed or that no reward could judge.
    pub failed: u32,
}

/// Who ended a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The search, for the reason in its verdict.
    Search,
    /// Somebody stopped it; it can be resumed. The verdict is over what was known then.
    Cancelled,
}

impl Outcome {
    /// The chosen candidate, if any has a utility.
    pub fn winner(&self) -> Option<CandidateId> {
        self.verdict.ranked.first().map(|ranked| ranked.id)
    }
}
