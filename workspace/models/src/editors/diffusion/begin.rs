//! Where a candidate begins: at noise, or where another was paused.

use std::sync::Arc;

use editscale_core::{EditItem, Failure, Start};
use editscale_picture::Limits;

use crate::editors::diffusion::drive::Driver;
use crate::editors::diffusion::editor::DiffusionEditor;
use crate::editors::diffusion::paused::Paused;
use crate::editors::diffusion::pipeline::{Ask, Pipeline, Prepared};
use crate::editors::diffusion::revive::{Held, Revived};
use crate::editors::diffusion::state::State;
use crate::editors::diffusion::steer;
use crate::editors::diffusion::track::{Track, cost};
use crate::editors::failure::invalid;
use crate::editors::memory::check_room;

/// Refuses what no editor here can do, before anything is paid.
fn check(item: &EditItem) -> Result<(), Failure> {
    if item.request.mask.is_some() {
        return Err(invalid("this editor does not honour a mask: leave it out, or use an editor that does"));
    }
    let most = Limits::default().pixels;
    match item.request.output_size.map(|size| u64::from(size.width) * u64::from(size.height)) {
        Some(0) => Err(invalid("the result is to have no pixels: ask for a size of at least one")),
        Some(pixels) if pixels > most => {
            Err(invalid(format!("the result is to have more than {most} pixels: ask for a smaller size")))
        }
        _ => Ok(()),
    }
}

impl<P: Pipeline> DiffusionEditor<P> {
    /// The candidate at a place of a batch before its first step, or where it was paused.
    pub(super) fn begin(
        &mut self,
        index: usize,
        item: &EditItem,
        held: &mut Held,
    ) -> Result<Track<P::Conditions>, Failure> {
        check(item)?;
        steer::check(&item.proposal, self.options.injected.is_some())?;
        let Start::Paused(id) = item.proposal.start else { return self.fresh(index, item) };
        let Revived { paused, evaluations, counters } = held.claim(&item.run, id)?;
        let track = self.resume(index, item, &paused);
        let track = track.map_err(|failure| Failure { cost: cost(evaluations), ..failure })?;
        let counters = counters + track.counters;
        Ok(Track { evaluations, counters, ..track })
    }

    /// A candidate that goes on from a state.
    fn resume(&mut self, index: usize, item: &EditItem, paused: &Paused) -> Result<Track<P::Conditions>, Failure> {
        let prepared = self.prepare(item)?;
        let state = paused.state_for(&item.proposal);
        if state.latents.len() != prepared.geometry.count() {
            let (found, expected) = (state.latents.len(), prepared.geometry.count());
            return Err(invalid(format!("the paused state has latents of {found} numbers: expected {expected}")));
        }
        let state = Driver::<P>::taken_back(state, &item.proposal, &prepared);
        let track = Track::new(index, &item.proposal, prepared, state);
        let (step, target) = (track.state.step, track.target);
        if step > target {
            return Err(invalid(format!("the state is paused at step {step}: it cannot go to step {target}")));
        }
        Ok(track)
    }

    /// A candidate that starts from a picture.
    fn fresh(&mut self, index: usize, item: &EditItem) -> Result<Track<P::Conditions>, Failure> {
        let (prepared, proposal) = (self.prepare(item)?, &item.proposal);
        let sampler = Arc::clone(&prepared.sampler);
        let mut latents = self.driver().beginning(proposal, prepared.geometry)?;
        latents.iter_mut().for_each(|value| *value *= sampler.initial_scale());
        let shape = self.options.keeps_trajectory.then(|| P::LAYOUT.dims(prepared.geometry));
        let state = State::new(latents, shape.as_deref(), &*sampler);
        Ok(Track::new(index, proposal, prepared, state))
    }

    fn prepare(&mut self, item: &EditItem) -> Result<Prepared<P::Conditions>, Failure> {
        let prepared = self.pipeline.prepare(Ask::new(item, &item.proposal))?;
        check_room(prepared.activations.most(), self.pipeline.device())?;
        Ok(prepared)
    }
}
