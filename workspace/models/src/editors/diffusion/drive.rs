//! Candidates on their way: all that are not yet where they are to stop make their next step together.

use std::sync::Arc;

use editscale_core::{Failure, Noise, Proposal, Watch};

use crate::editors::diffusion::injected::Injected;
use crate::editors::diffusion::latents::Geometry;
use crate::editors::diffusion::pipeline::{Pipeline, Prepared};
use crate::editors::diffusion::steer::turned;
use crate::editors::diffusion::track::Track;
use crate::editors::failure::{cancelled, crashed, failed};
use crate::editors::memory::is_out_of_memory;
use crate::editors::noise;

/// What moves tracks.
#[derive(Debug)]
pub(super) struct Driver<'a, P: Pipeline> {
    pub(super) pipeline: &'a P,
    pub(super) injected: Option<&'a Injected>,
    /// The most bytes of activations of one pass.
    pub(super) activation_bytes: u64,
}

/// Tracks that go through the denoiser together.
struct Pass {
    geometry: Geometry,
    bytes: u64,
    /// Their places among all tracks.
    members: Vec<usize>,
}

impl<P: Pipeline> Driver<'_, P> {
    /// Brings every track to where it is to stop, or to a failure.
    pub(super) fn advance(&self, tracks: &mut [Track<P::Conditions>], watch: &dyn Watch) {
        loop {
            let asking: Vec<usize> = (0..tracks.len()).filter(|at| tracks[*at].asks()).collect();
            let stepping = tracks.iter().any(Track::may_step);
            if asking.is_empty() && !stepping {
                return;
            }
            for Pass { members, .. } in self.passes(tracks, &asking) {
                if watch.cancelled() {
                    cancel(tracks);
                    return;
                }
                self.ask(tracks, &members, watch);
            }
            tracks.iter_mut().filter(|track| track.may_step()).for_each(|track| self.step(track, watch));
        }
    }

    /// Cuts the asking tracks into passes of one geometry that fit into memory.
    fn passes(&self, tracks: &[Track<P::Conditions>], asking: &[usize]) -> Vec<Pass> {
        let mut passes: Vec<Pass> = Vec::new();
        for &at in asking {
            let Prepared { activations, geometry, .. } = tracks[at].prepared;
            let fits = |pass: &&mut Pass| {
                pass.geometry == geometry && pass.bytes.saturating_add(activations.row) <= self.activation_bytes
            };
            if let Some(pass) = passes.iter_mut().find(fits) {
                pass.bytes += activations.row;
                pass.members.push(at);
            } else {
                let bytes = activations.pass.saturating_add(activations.row);
                passes.push(Pass { geometry, bytes, members: vec![at] });
            }
        }
        passes
    }

    fn ask(&self, tracks: &mut [Track<P::Conditions>], pass: &[usize], watch: &dyn Watch) {
        let rows: Vec<_> = pass.iter().map(|at| tracks[*at].row()).collect();
        let answers = self.pipeline.predict(&rows, watch);
        drop(rows);
        let mut fail = |failure: Failure| pass.iter().for_each(|at| tracks[*at].failure = Some(failure.clone()));
        match answers {
            Ok(answers) if answers.len() == pass.len() => {
                tracks[pass[0]].counters.denoiser_passes += 1;
                pass.iter().zip(answers).for_each(|(at, answer)| tracks[*at].hear(answer));
            }
            Ok(answers) => {
                fail(crashed(format!("the denoiser answered {} of {} rows", answers.len(), pass.len())));
            }
            Err(_) if watch.cancelled() => fail(cancelled()),
            Err(error) if is_out_of_memory(&error) && pass.len() > 1 => {
                // The estimate was too low for this card: what does not fit as one may fit as two.
                let (first, second) = pass.split_at(pass.len().div_ceil(2));
                self.ask(tracks, first, watch);
                self.ask(tracks, second, watch);
            }
            Err(error) => fail(failed("the denoiser", &error)),
        }
    }

    fn step(&self, track: &mut Track<P::Conditions>, watch: &dyn Watch) {
        let Some(prediction) = track.state.prediction.take() else { return };
        let step = track.state.step;
        match self.noise(track, step) {
            Ok(noise) => {
                let sampler = Arc::clone(&track.prepared.sampler);
                let stepped = sampler.step(step, &track.state.latents, &prediction, &noise);
                track.state.advance(stepped, &*sampler);
                watch.step(track.item, track.state.step as u32, sampler.steps() as u32);
            }
            Err(failure) => track.failure = Some(failure),
        }
    }

    /// The noise of a step; nothing where it adds none.
    fn noise(&self, track: &Track<P::Conditions>, step: usize) -> Result<Vec<f32>, Failure> {
        if !track.prepared.sampler.adds_noise(step) {
            return Ok(Vec::new());
        }
        let geometry = track.prepared.geometry;
        let injected = self.injected.and_then(|injected| injected.step(track.id, step, geometry)).transpose()?;
        let drawn = || noise::normal(track.seed, step as u32 + 1, geometry.count());
        Ok(P::LAYOUT.arranged(injected.unwrap_or_else(drawn), geometry))
    }

    /// The noise that a candidate starts from.
    pub(super) fn beginning(&self, proposal: &Proposal, geometry: Geometry) -> Result<Vec<f32>, Failure> {
        let own = match self.injected {
            Some(injected) => injected.start(proposal.id, geometry)?,
            None => noise::normal(proposal.seed, 0, geometry.count()),
        };
        let noise = match &proposal.noise {
            Noise::Turned(turns) => turned(own, turns),
            Noise::Own | Noise::Back(_) => own,
        };
        Ok(P::LAYOUT.arranged(noise, geometry))
    }
}

fn cancel<C>(tracks: &mut [Track<C>]) {
    for track in tracks.iter_mut().filter(|track| track.asks() || track.may_step()) {
        track.failure = Some(cancelled());
    }
}
