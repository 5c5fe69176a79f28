//! Candidates that were to stop half way: how to come to their states, and which of these are still held.

use std::collections::HashMap;

use editscale_core::{CandidateId, Proposal, Start, Until};

/// The paused candidates of a run. It is the same after a replay, as it is made of proposals alone.
#[derive(Debug, Default)]
pub(crate) struct Paused {
    proposals: HashMap<CandidateId, Proposal>,
    /// Those whose states the editors have not been told to release.
    held: Vec<CandidateId>,
}

impl Paused {
    /// Takes in what a round is to make and says whose states nobody can want any more.
    pub(crate) fn begin_round(&mut self, proposals: &[Proposal], keep: &[CandidateId]) -> Vec<CandidateId> {
        let wanted =
            |id: &CandidateId| keep.contains(id) || proposals.iter().any(|each| each.start == Start::Paused(*id));
        let (held, dropped) = self.held.drain(..).partition(wanted);
        self.held = held;
        // A state that had been released is made again for whoever goes on from it, and is to be released again.
        for proposal in proposals {
            if let Start::Paused(id) = proposal.start
                && self.proposals.contains_key(&id)
                && !self.held.contains(&id)
            {
                self.held.push(id);
            }
        }
        for proposal in proposals.iter().filter(|proposal| proposal.until != Until::Finished) {
            self.held.push(proposal.id);
            self.proposals.insert(proposal.id, proposal.clone());
        }
        dropped
    }

    /// Says whose states are still held, and holds none any more.
    pub(crate) fn end(&mut self) -> Vec<CandidateId> {
        std::mem::take(&mut self.held)
    }

    /// The proposal that a candidate was paused by; nothing where it was not to stop half way.
    pub(crate) fn proposal(&self, id: CandidateId) -> Option<&Proposal> {
        self.proposals.get(&id)
    }
}
