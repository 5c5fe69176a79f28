//! Where a candidate begins: at noise, or where another was paused.

use std::collections::HashMap;
use std::sync::Arc;

use editscale_core::{CandidateId, EditBatch, EditCounters, EditItem, Failure, Proposal, RunId, Start, Until, Watch};

use crate::editors::diffusion::editor::{DiffusionEditor, cost, invalid};
use crate::editors::diffusion::paused::Paused;
use crate::editors::diffusion::pipeline::{Ask, Pipeline, Prepared};
use crate::editors::diffusion::state::State;
use crate::editors::diffusion::track::Track;
use crate::editors::memory::check_room;

/// A paused state that a batch goes on from, and what it took to make it again where it had been let go.
#[derive(Debug)]
pub(super) struct Revived {
    paused: Arc<Paused>,
    evaluations: u64,
    counters: EditCounters,
}

impl Revived {
    fn found(paused: Arc<Paused>) -> Self {
        Self { paused, evaluations: 0, counters: EditCounters::default() }
    }
}

/// The paused states that a batch goes on from.
pub(super) type Held = HashMap<(RunId, CandidateId), Result<Revived, Failure>>;

/// Lets a cancellation through and nothing else: steps that are made again are no news.
struct Silenced<'a>(&'a dyn Watch);

impl Watch for Silenced<'_> {
    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

/// The step that a proposal is to stop before.
fn target(proposal: &Proposal, steps: usize) -> usize {
    match proposal.until {
        Until::Finished => steps,
        Until::Step(step) => steps.min(step as usize),
    }
}

impl<P: Pipeline> DiffusionEditor<P> {
    /// A candidate before its first step, or where it was paused.
    pub(super) fn begin(
        &mut self,
        (index, item): (usize, &EditItem),
        revived: &mut Held,
    ) -> Result<Track<P::Conditions>, Failure> {
        if item.request.mask.is_some() {
            return Err(invalid("this editor does not honour a mask: leave it out, or use an editor that does"));
        }
        let proposal = &item.proposal;
        let Start::Paused(id) = proposal.start else { return self.fresh(index, item, proposal) };
        let key = (item.run.clone(), id);
        let revived = match revived.get_mut(&key) {
            Some(Ok(revived)) => revived,
            Some(Err(failure)) => return Err(failure.clone()),
            None => return Err(invalid(format!("candidate {id} was not paused by this editor"))),
        };
        let mut prepared = self.prepare(item, proposal)?;
        let state = revived.paused.state_for(proposal);
        if state.latents.len() != prepared.geometry.count() {
            return Err(invalid(format!("candidate {id} was paused with latents of another size")));
        }
        let target = target(proposal, prepared.sampler.steps());
        if state.step > target {
            let step = state.step;
            return Err(invalid(format!("candidate {id} is paused at step {step}: it cannot go to step {target}")));
        }
        let mut counters = std::mem::take(&mut prepared.counters);
        // What making it again took is on the account of the first that goes on from it.
        counters += std::mem::take(&mut revived.counters);
        let evaluations = std::mem::take(&mut revived.evaluations);
        let (seed, id) = (proposal.seed, proposal.id);
        Ok(Track { item: index, id, seed, prepared, state, target, evaluations, counters, failure: None })
    }

    /// A candidate that starts from a picture.
    fn fresh(&mut self, index: usize, item: &EditItem, proposal: &Proposal) -> Result<Track<P::Conditions>, Failure> {
        let mut prepared = self.prepare(item, proposal)?;
        let sampler = Arc::clone(&prepared.sampler);
        let mut latents = self.means().beginning(proposal.id, proposal.seed, prepared.geometry)?;
        latents.iter_mut().for_each(|value| *value *= sampler.initial_scale());
        let shape = self.options.keeps_trajectory.then(|| self.pipeline.arranged_dims(prepared.geometry));
        let state = State::new(latents, shape.as_deref(), &*sampler);
        let (counters, target) = (std::mem::take(&mut prepared.counters), target(proposal, sampler.steps()));
        let (seed, id) = (proposal.seed, proposal.id);
        Ok(Track { item: index, id, seed, prepared, state, target, evaluations: 0, counters, failure: None })
    }

    fn prepare(&mut self, item: &EditItem, proposal: &Proposal) -> Result<Prepared<P::Conditions>, Failure> {
        let prepared = self.pipeline.prepare(Ask::new(item, proposal))?;
        let row = self.pipeline.row_bytes(&prepared.conditions, prepared.geometry);
        check_room(row.max(self.pipeline.decode_bytes(prepared.geometry)), self.pipeline.device())?;
        Ok(prepared)
    }

    /// The paused states that a batch goes on from, made again where they are not held any more.
    pub(super) fn revive(&mut self, batch: &EditBatch, watch: &dyn Watch) -> Held {
        let mut revived = Held::new();
        for item in &batch.items {
            let Start::Paused(id) = item.proposal.start else { continue };
            let key = (item.run.clone(), id);
            if !revived.contains_key(&key) {
                let found = match self.paused.get(&item.run, id) {
                    Some(paused) => Ok(Revived::found(paused)),
                    None => self.remake(item, id, watch),
                };
                revived.insert(key, found);
            }
        }
        revived
    }

    /// Goes the way to a paused state again.
    fn remake(&mut self, item: &EditItem, id: CandidateId, watch: &dyn Watch) -> Result<Revived, Failure> {
        let mut before: Option<Revived> = None;
        for leg in &item.path {
            let leg_item = EditItem { proposal: leg.clone(), ..item.clone() };
            let mut held = Held::new();
            if let (Start::Paused(id), Some(before)) = (leg.start, before.take()) {
                held.insert((item.run.clone(), id), Ok(before));
            }
            let mut tracks = [self.begin((0, &leg_item), &mut held)?];
            self.means().advance(&mut tracks, &Silenced(watch));
            let [track] = tracks;
            if let Some(failure) = track.failure {
                return Err(Failure { cost: cost(track.evaluations), ..failure });
            }
            let paused = Arc::new(Paused::new(track.state, leg));
            before = Some(Revived { paused, evaluations: track.evaluations, counters: track.counters });
        }
        let made = before.ok_or_else(|| invalid(format!("candidate {id} was not paused by this editor")))?;
        self.paused.put(&item.run, id, Arc::clone(&made.paused));
        Ok(made)
    }
}
