//! One candidate under way.

use editscale_core::{CandidateId, Cost, EditCounters, Failure, Proposal, Seed, Until};

use crate::editors::diffusion::pipeline::{Prepared, Row};
use crate::editors::diffusion::state::State;
use crate::editors::failure::{crashed, not_finite};

/// One candidate under way.
#[derive(Debug)]
pub(super) struct Track<C> {
    /// Its place in the batch, for whoever watches.
    pub(super) item: usize,
    /// Its row in a file of noise.
    pub(super) id: CandidateId,
    /// What its noise is made of.
    pub(super) seed: Seed,
    pub(super) prepared: Prepared<C>,
    pub(super) state: State,
    /// The step that it is to stop before; the number of steps for the finished picture.
    pub(super) target: usize,
    /// Whether somebody looks at it where it stops.
    pub(super) previews: bool,
    /// Denoiser evaluations so far.
    pub(super) evaluations: u64,
    pub(super) counters: EditCounters,
    pub(super) failure: Option<Failure>,
}

impl<C> Track<C> {
    /// A candidate of a batch that is to go from a state to where its proposal says. Somebody looks at it there.
    pub(super) fn new(item: usize, proposal: &Proposal, prepared: Prepared<C>, state: State) -> Self {
        let steps = prepared.sampler.steps();
        let target = match proposal.until {
            Until::Finished => steps,
            Until::Step(step) => steps.min(step as usize),
        };
        Self {
            item,
            id: proposal.id,
            seed: proposal.seed,
            counters: prepared.counters,
            prepared,
            state,
            target,
            previews: true,
            evaluations: 0,
            failure: None,
        }
    }

    /// Whether it waits for an answer of the denoiser. One that stops half way waits for a last one, for its preview.
    pub(super) fn asks(&self) -> bool {
        let is_halted = self.state.step == self.target && self.target < self.prepared.sampler.steps();
        let is_needed = self.state.step < self.target || (is_halted && self.previews);
        self.failure.is_none() && self.state.prediction.is_none() && is_needed
    }

    pub(super) fn may_step(&self) -> bool {
        self.failure.is_none() && self.state.prediction.is_some() && self.state.step < self.target
    }

    pub(super) fn row(&self) -> Row<'_, C> {
        let (sampler, step) = (&self.prepared.sampler, self.state.step);
        let scale = sampler.input_scale(step);
        Row {
            conditions: &self.prepared.conditions,
            geometry: self.prepared.geometry,
            input: self.state.latents.iter().map(|value| value * scale).collect(),
            timestep: sampler.timesteps()[step],
        }
    }

    /// Takes an answer in; one that is no number, or not one for each of the latents, ends the candidate.
    pub(super) fn hear(&mut self, prediction: Vec<f32>) {
        self.evaluations += self.prepared.evaluations;
        let (found, expected) = (prediction.len(), self.state.latents.len());
        let what = format!("the denoiser's answer before step {}", self.state.step + 1);
        if found != expected {
            self.failure = Some(crashed(format!("{what} has {found} numbers: expected {expected}")));
        } else if prediction.iter().all(|value| value.is_finite()) {
            self.state.prediction = Some(prediction);
        } else {
            self.failure = Some(not_finite(&what));
        }
    }

    /// What it has cost.
    pub(super) fn cost(&self) -> Cost {
        cost(self.evaluations)
    }
}

/// What denoiser evaluations cost.
pub(super) fn cost(evaluations: u64) -> Cost {
    Cost { nfe: evaluations, ..Cost::default() }
}
