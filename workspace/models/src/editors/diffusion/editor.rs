//! The editor's port over any pipeline: candidates begun, paused, gone on from and finished.

use std::num::NonZeroU32;
use std::sync::Arc;

use editscale_core::{
    CancelRule, Candidate, CandidateId, Cost, EditBatch, EditCounters, EditItem, EditorCard, EditorName, Failure,
    FailureKind, LocalEditor, NameError, PauseSupport, Recovery, RunId, Sampler, SeedRule, Until, Watch,
};

use crate::editors::diffusion::options::DiffusionOptions;
use crate::editors::diffusion::paused::{Paused, PausedStore};
use crate::editors::diffusion::pipeline::Pipeline;
use crate::editors::diffusion::track::{Means, Track};

/// An editing model under a name.
#[derive(Debug)]
pub struct DiffusionEditor<P: Pipeline> {
    card: EditorCard,
    pub(super) pipeline: P,
    pub(super) options: DiffusionOptions,
    pub(super) paused: PausedStore,
}

/// What the card says beside what the pipeline and the options say.
#[derive(Debug, Clone)]
pub struct Identity {
    /// What the recipe calls the editor.
    pub name: EditorName,
    /// What exactly answers: weights, settings, code.
    pub revision: Arc<str>,
    /// How many steps it takes.
    pub steps: usize,
    /// Whether its sampler adds noise after the start.
    pub is_stochastic: bool,
}

impl<P: Pipeline> DiffusionEditor<P> {
    /// A pipeline under a name.
    pub fn new(identity: &Identity, pipeline: P, options: DiffusionOptions) -> Result<Self, NameError> {
        let card = card(identity, &pipeline, options.largest_batch)?;
        let paused = PausedStore::new(options.paused_bytes);
        Ok(Self { card, pipeline, options, paused })
    }

    /// The bytes of the paused states that are held.
    pub fn paused_bytes(&self) -> u64 {
        self.paused.bytes()
    }

    pub(super) fn means(&self) -> Means<'_, P> {
        Means {
            pipeline: &self.pipeline,
            injected: self.options.injected.as_ref(),
            activation_bytes: self.options.activation_bytes,
        }
    }

    /// Keeps the state of a candidate that is not finished.
    fn keep(&mut self, item: &EditItem, track: Track<P::Conditions>) {
        if item.proposal.until != Until::Finished {
            let paused = Paused::new(track.state, &item.proposal);
            self.paused.put(&item.run, item.proposal.id, Arc::new(paused));
        }
    }

    /// Brings every item of a batch to its picture or to its failure.
    fn make(&mut self, batch: &EditBatch, watch: &dyn Watch) -> Vec<Result<Candidate, Failure>> {
        let mut revived = self.revive(batch, watch);
        let begun: Vec<_> = batch.items.iter().enumerate().map(|item| self.begin(item, &mut revived)).collect();
        let mut results: Vec<Option<Result<Candidate, Failure>>> = Vec::with_capacity(begun.len());
        let mut tracks = Vec::new();
        for each in begun {
            match each {
                Ok(track) => {
                    tracks.push(track);
                    results.push(None);
                }
                Err(failure) => results.push(Some(Err(failure))),
            }
        }
        self.means().advance(&mut tracks, watch);
        for (index, result) in self.finish(batch, tracks, watch) {
            results[index] = Some(result);
        }
        let lost = || Err(crashed("the candidate was lost"));
        results.into_iter().map(|result| result.unwrap_or_else(lost)).collect()
    }

    /// The results of tracks that were advanced, with their places in the batch.
    fn finish(
        &mut self,
        batch: &EditBatch,
        tracks: Vec<Track<P::Conditions>>,
        watch: &dyn Watch,
    ) -> Vec<(usize, Result<Candidate, Failure>)> {
        let (mut good, failed): (Vec<_>, Vec<_>) = tracks.into_iter().partition(|track| track.failure.is_none());
        let mut in_vain = EditCounters::default();
        let mut fail = |track: &Track<P::Conditions>, failure: Failure| {
            in_vain += track.counters;
            (track.item, Err(Failure { cost: cost(track.evaluations), ..failure }))
        };
        let mut results = Vec::with_capacity(good.len() + failed.len());
        for mut track in failed {
            let failure = track.failure.take().unwrap_or_else(|| crashed("the candidate failed"));
            results.push(fail(&track, failure));
        }
        let pictures = self.decode(&good, watch);
        for (track, picture) in good.iter_mut().zip(pictures) {
            let item = &batch.items[track.item];
            let made = picture.and_then(|picture| self.candidate(item, track, picture));
            results.push(match made {
                Ok(candidate) => (track.item, Ok(candidate)),
                Err(failure) => fail(track, failure),
            });
        }
        // What was computed for candidates that failed may have served the others as well: it stays on an account.
        if let Some(first) = results.iter_mut().find_map(|(_, result)| result.as_mut().ok()) {
            first.counters += in_vain;
        }
        good.into_iter().for_each(|track| self.keep(&batch.items[track.item], track));
        results
    }
}

impl<P: Pipeline> LocalEditor for DiffusionEditor<P> {
    fn card(&self) -> &EditorCard {
        &self.card
    }

    fn edit(&mut self, batch: &EditBatch, watch: &dyn Watch) -> Vec<Result<Candidate, Failure>> {
        self.make(batch, watch)
    }

    fn release(&mut self, paused: &[(RunId, CandidateId)]) {
        self.paused.release(paused);
    }
}

pub(super) fn invalid(message: impl Into<Arc<str>>) -> Failure {
    Failure::new(FailureKind::Invalid, message)
}

pub(super) fn crashed(message: &str) -> Failure {
    Failure::new(FailureKind::Crashed, message)
}

/// What denoiser evaluations cost.
pub(super) fn cost(evaluations: u64) -> Cost {
    Cost { nfe: evaluations, ..Cost::default() }
}

fn card<P: Pipeline>(identity: &Identity, pipeline: &P, largest_batch: NonZeroU32) -> Result<EditorCard, NameError> {
    let (pause, sampler) = if identity.is_stochastic {
        (PauseSupport::Fork, Sampler::Stochastic)
    } else {
        (PauseSupport::Resume, Sampler::Deterministic)
    };
    Ok(EditorCard {
        name: identity.name.clone(),
        revision: Arc::clone(&identity.revision),
        seeds: SeedRule::Reproducible { bits: 53 },
        largest_batch,
        slots: NonZeroU32::MIN,
        edits_candidates: true,
        pause,
        sampler,
        cancel: CancelRule::WithinStep,
        masks: false,
        knobs: pipeline.knobs()?,
        cost: cost(identity.steps as u64 * pipeline.most_evaluations()),
        recovery: Recovery::Repeat,
    })
}
