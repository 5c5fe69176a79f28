//! Where a candidate begins: at noise, or where another was paused.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use editscale_core::{
    CandidateId, Cost, EditBatch, EditCounters, EditItem, Failure, Proposal, RunId, Start, Until, Watch,
};
use editscale_picture::Limits;

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

/// A state that is to be made again.
struct Lost {
    key: (RunId, CandidateId),
    item: EditItem,
    /// What is still to be gone of its path.
    legs: VecDeque<Proposal>,
    /// How far it has come.
    made: Result<Option<Revived>, Failure>,
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
        let most = Limits::default().pixels;
        match item.request.output_size.map(|size| u64::from(size.width) * u64::from(size.height)) {
            Some(0) => return Err(invalid("the result is to have no pixels: ask for a size of at least one")),
            Some(pixels) if pixels > most => {
                return Err(invalid(format!("the result is to have more than {most} pixels: ask for a smaller size")));
            }
            _ => {}
        }
        let proposal = &item.proposal;
        let Start::Paused(id) = proposal.start else { return self.fresh(index, item, proposal) };
        match revived.get_mut(&(item.run.clone(), id)) {
            Some(Ok(revived)) => {
                // What making it again took is on the account of the first that goes on from it.
                let evaluations = std::mem::take(&mut revived.evaluations);
                let counters = std::mem::take(&mut revived.counters);
                let track = self.resume(index, item, &revived.paused);
                let track = track.map_err(|failure| Failure { cost: cost(evaluations), ..failure })?;
                let counters = counters + track.counters;
                Ok(Track { evaluations, counters, ..track })
            }
            Some(Err(failure)) => {
                let told = failure.clone();
                failure.cost = Cost::default();
                Err(told)
            }
            None => Err(never_paused(id)),
        }
    }

    /// A candidate that goes on from a state.
    fn resume(&mut self, index: usize, item: &EditItem, paused: &Paused) -> Result<Track<P::Conditions>, Failure> {
        let proposal = &item.proposal;
        let mut prepared = self.prepare(item, proposal)?;
        let state = paused.state_for(proposal);
        if state.latents.len() != prepared.geometry.count() {
            return Err(invalid("the paused state has latents of another size"));
        }
        let target = target(proposal, prepared.sampler.steps());
        if state.step > target {
            let step = state.step;
            return Err(invalid(format!("the state is paused at step {step}: it cannot go to step {target}")));
        }
        let counters = std::mem::take(&mut prepared.counters);
        let (seed, id) = (proposal.seed, proposal.id);
        let (evaluations, previews, failure) = (0, true, None);
        Ok(Track { item: index, id, seed, prepared, state, target, previews, evaluations, counters, failure })
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
        let (evaluations, previews, failure) = (0, true, None);
        Ok(Track { item: index, id, seed, prepared, state, target, previews, evaluations, counters, failure })
    }

    fn prepare(&mut self, item: &EditItem, proposal: &Proposal) -> Result<Prepared<P::Conditions>, Failure> {
        let prepared = self.pipeline.prepare(Ask::new(item, proposal))?;
        let row = self.pipeline.row_bytes(&prepared.conditions, prepared.geometry);
        check_room(row.max(self.pipeline.decode_bytes(prepared.geometry)), self.pipeline.device())?;
        Ok(prepared)
    }

    /// The paused states that a batch goes on from, made again where they are not held any more.
    pub(super) fn revive(&mut self, batch: &EditBatch, watch: &dyn Watch) -> Held {
        let mut held = Held::new();
        let mut lost: Vec<Lost> = Vec::new();
        for item in &batch.items {
            let Start::Paused(id) = item.proposal.start else { continue };
            let key = (item.run.clone(), id);
            if held.contains_key(&key) || lost.iter().any(|lost| lost.key == key) {
                continue;
            }
            match self.paused.get(&item.run, id) {
                Some(paused) => drop(held.insert(key, Ok(Revived::found(paused)))),
                None => lost.push(self.lost(item, key)),
            }
        }
        self.remake(&mut lost, watch);
        for Lost { key, made, .. } in lost {
            let made = made.and_then(|made| made.ok_or_else(|| never_paused(key.1)));
            if let Ok(made) = &made {
                self.paused.put(&key.0, key.1, Arc::clone(&made.paused));
            }
            held.insert(key, made);
        }
        held
    }

    /// A state that is not held, and the way to it: from the last state on its path that is held, else from the beginning.
    fn lost(&mut self, item: &EditItem, key: (RunId, CandidateId)) -> Lost {
        let held = (0..item.path.len()).rev().find_map(|at| Some((at, self.paused.get(&item.run, item.path[at].id)?)));
        let (made, from) = match held {
            Some((at, paused)) => (Some(Revived::found(paused)), at + 1),
            None => (None, 0),
        };
        Lost { key, item: item.clone(), legs: item.path.iter().skip(from).cloned().collect(), made: Ok(made) }
    }

    /// Goes the ways to lost states again, all together, leg by leg. Nobody looks at previews on the way.
    fn remake(&mut self, lost: &mut [Lost], watch: &dyn Watch) {
        loop {
            let mut tracks = Vec::new();
            for (index, lost) in lost.iter_mut().enumerate() {
                let (Ok(before), Some(leg)) = (&mut lost.made, lost.legs.pop_front()) else { continue };
                let mut held = Held::new();
                if let (Start::Paused(id), Some(before)) = (leg.start, before.take()) {
                    held.insert((lost.item.run.clone(), id), Ok(before));
                }
                lost.item.proposal = leg;
                match self.begin((index, &lost.item), &mut held) {
                    Ok(track) => tracks.push(Track { previews: false, ..track }),
                    Err(failure) => lost.made = Err(failure),
                }
            }
            if tracks.is_empty() {
                return;
            }
            self.means().advance(&mut tracks, &Silenced(watch));
            for Track { item, state, evaluations, counters, failure, .. } in tracks {
                lost[item].made = if let Some(failure) = failure {
                    Err(Failure { cost: cost(evaluations), ..failure })
                } else {
                    let paused = Arc::new(Paused::new(state, &lost[item].item.proposal));
                    Ok(Some(Revived { paused, evaluations, counters }))
                };
            }
        }
    }
}

fn never_paused(id: CandidateId) -> Failure {
    invalid(format!("candidate {id} was not paused by this editor"))
}
