//! Candidates under way: all that are not yet where they are to stop make their next step together.

use editscale_core::{CandidateId, EditCounters, Failure, FailureKind, Seed, Watch};

use crate::editors::diffusion::injected::Injected;
use crate::editors::diffusion::pipeline::{Geometry, Pipeline, Prepared, Row};
use crate::editors::diffusion::state::State;
use crate::editors::memory::{explained, is_out_of_memory};
use crate::editors::noise;

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
    fn steps(&self) -> usize {
        self.prepared.sampler.steps()
    }

    /// Whether it waits for an answer of the denoiser. One that stops half way waits for a last one, for its preview.
    fn asks(&self) -> bool {
        let is_halted = self.state.step == self.target && self.target < self.steps();
        let is_needed = self.state.step < self.target || (is_halted && self.previews);
        self.failure.is_none() && self.state.prediction.is_none() && is_needed
    }

    fn may_step(&self) -> bool {
        self.failure.is_none() && self.state.prediction.is_some() && self.state.step < self.target
    }

    fn row(&self) -> Row<'_, C> {
        let (sampler, step) = (&self.prepared.sampler, self.state.step);
        let scale = sampler.input_scale(step);
        Row {
            conditions: &self.prepared.conditions,
            geometry: self.prepared.geometry,
            input: self.state.latents.iter().map(|value| value * scale).collect(),
            timestep: sampler.timesteps()[step],
        }
    }

    /// Takes an answer in; one that is no number ends the candidate.
    fn hear(&mut self, prediction: Vec<f32>) {
        self.evaluations += self.prepared.evaluations;
        if prediction.iter().all(|value| value.is_finite()) {
            self.state.prediction = Some(prediction);
            return;
        }
        let message = format!(
            "the denoiser's answer before step {} holds a value that is not finite: the weights may need a wider `dtype`",
            self.state.step + 1
        );
        self.fail(Failure::new(FailureKind::Malformed, message));
    }

    pub(super) fn fail(&mut self, failure: Failure) {
        self.failure = Some(failure);
    }
}

/// What tracks share.
#[derive(Debug)]
pub(super) struct Means<'a, P: Pipeline> {
    pub(super) pipeline: &'a P,
    pub(super) injected: Option<&'a Injected>,
    /// The most bytes of activations of one pass.
    pub(super) activation_bytes: u64,
}

impl<P: Pipeline> Means<'_, P> {
    /// Brings every track to where it is to stop, or to a failure.
    pub(super) fn advance(&self, tracks: &mut [Track<P::Conditions>], watch: &dyn Watch) {
        loop {
            let asking: Vec<usize> = (0..tracks.len()).filter(|at| tracks[*at].asks()).collect();
            let stepping = tracks.iter().any(Track::may_step);
            if asking.is_empty() && !stepping {
                return;
            }
            for pass in self.passes(tracks, &asking) {
                if watch.cancelled() {
                    cancel(tracks);
                    return;
                }
                self.ask(tracks, &pass);
            }
            tracks.iter_mut().filter(|track| track.may_step()).for_each(|track| self.step(track, watch));
        }
    }

    /// Cuts the asking tracks into passes of one geometry that fit into memory.
    fn passes(&self, tracks: &[Track<P::Conditions>], asking: &[usize]) -> Vec<Vec<usize>> {
        let mut passes: Vec<(Geometry, u64, Vec<usize>)> = Vec::new();
        for &at in asking {
            let Prepared { conditions, geometry, .. } = &tracks[at].prepared;
            let bytes = self.pipeline.row_bytes(conditions, *geometry);
            let fits = |pass: &&mut (Geometry, u64, Vec<usize>)| {
                pass.0 == *geometry && pass.1.saturating_add(bytes) <= self.activation_bytes
            };
            match passes.iter_mut().find(fits) {
                Some((_, taken, pass)) => {
                    *taken += bytes;
                    pass.push(at);
                }
                None => passes.push((*geometry, bytes.saturating_add(self.pipeline.pass_bytes()), vec![at])),
            }
        }
        passes.into_iter().map(|(_, _, pass)| pass).collect()
    }

    fn ask(&self, tracks: &mut [Track<P::Conditions>], pass: &[usize]) {
        let rows: Vec<_> = pass.iter().map(|at| tracks[*at].row()).collect();
        let answers = self.pipeline.predict(&rows);
        drop(rows);
        match answers {
            Ok(answers) if answers.len() == pass.len() => {
                tracks[pass[0]].counters.denoiser_passes += 1;
                pass.iter().zip(answers).for_each(|(at, answer)| tracks[*at].hear(answer));
            }
            Ok(answers) => {
                let message = format!("the denoiser answered {} of {} rows", answers.len(), pass.len());
                pass.iter().for_each(|at| tracks[*at].fail(Failure::new(FailureKind::Crashed, message.as_str())));
            }
            Err(error) if is_out_of_memory(&error) && pass.len() > 1 => {
                // The estimate was too low for this card: what does not fit as one may fit as two.
                let (first, second) = pass.split_at(pass.len().div_ceil(2));
                self.ask(tracks, first);
                self.ask(tracks, second);
            }
            Err(error) => {
                let message = format!("the denoiser failed: {}", explained(&error));
                pass.iter().for_each(|at| tracks[*at].fail(Failure::new(FailureKind::Crashed, message.as_str())));
            }
        }
    }

    fn step(&self, track: &mut Track<P::Conditions>, watch: &dyn Watch) {
        let Some(prediction) = track.state.prediction.take() else { return };
        let step = track.state.step;
        match self.noise(track, step) {
            Ok(noise) => {
                let sampler = std::sync::Arc::clone(&track.prepared.sampler);
                let stepped = sampler.step(step, &track.state.latents, &prediction, &noise);
                track.state.advance(stepped, &*sampler);
                watch.step(track.item, track.state.step as u32, sampler.steps() as u32);
            }
            Err(failure) => track.fail(failure),
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
        Ok(self.pipeline.arranged(injected.unwrap_or_else(drawn), geometry))
    }

    /// The latents before the first step.
    pub(super) fn beginning(&self, id: CandidateId, seed: Seed, geometry: Geometry) -> Result<Vec<f32>, Failure> {
        let noise = match self.injected {
            Some(injected) => injected.start(id, geometry)?,
            None => noise::normal(seed, 0, geometry.count()),
        };
        Ok(self.pipeline.arranged(noise, geometry))
    }
}

fn cancel<C>(tracks: &mut [Track<C>]) {
    for track in tracks.iter_mut().filter(|track| track.asks() || track.may_step()) {
        track.fail(Failure::new(FailureKind::Cancelled, "the edit was cancelled"));
    }
}
