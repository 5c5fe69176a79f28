//! Paused states by handle, within a bound on memory.

use std::sync::Arc;

use editscale_core::{CandidateId, Knobs, Proposal, RunId};

use crate::cache::Cache;
use crate::editors::diffusion::state::State;

/// A state that was paused, with what its last answer of the denoiser was given for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Paused {
    state: State,
    instruction: Arc<str>,
    knobs: Knobs,
}

impl Paused {
    /// The state that a proposal led to.
    pub(super) fn new(state: State, proposal: &Proposal) -> Self {
        Self { state, instruction: Arc::clone(&proposal.instruction), knobs: proposal.knobs.clone() }
    }

    /// The state for a proposal that goes on from it. The denoiser's last answer goes along where instruction and settings
    /// are the same.
    pub(super) fn state_for(&self, proposal: &Proposal) -> State {
        let is_same = self.instruction == proposal.instruction && self.knobs == proposal.knobs;
        let prediction = self.state.prediction.clone().filter(|_| is_same);
        State { prediction, ..self.state.clone() }
    }
}

/// The states that are held. The longest unused goes first where they grow too large; whoever still needs it has it made
/// again.
#[derive(Debug)]
pub(super) struct PausedStore {
    kept: Cache<(RunId, CandidateId), Paused>,
}

impl PausedStore {
    pub(super) fn new(bound: u64) -> Self {
        Self { kept: Cache::new(bound) }
    }

    pub(super) fn get(&mut self, run: &RunId, id: CandidateId) -> Option<Arc<Paused>> {
        self.kept.get(&(run.clone(), id))
    }

    pub(super) fn put(&mut self, run: &RunId, id: CandidateId, paused: Arc<Paused>) {
        let bytes = paused.state.bytes();
        self.kept.keep((run.clone(), id), paused, bytes);
    }

    pub(super) fn release(&mut self, gone: &[(RunId, CandidateId)]) {
        gone.iter().for_each(|key| self.kept.remove(key));
    }

    /// The bytes that are held.
    pub(super) fn bytes(&self) -> u64 {
        self.kept.weight()
    }
}
