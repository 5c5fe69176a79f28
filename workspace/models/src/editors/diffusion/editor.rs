//! The editor's port over any pipeline: candidates begun, paused, gone on from and finished.

use std::num::NonZeroU32;
use std::sync::Arc;

use editscale_core::{
    AdoptedPolicy, CancelRule, Candidate, CandidateId, EditBatch, EditCounters, EditItem, EditorCard, EditorName,
    Failure, KnobName, KnobScale, KnobSpec, LocalEditor, NameError, PauseSupport, PolicySupport, PolicyWeights,
    Recovery, RunId, Sampler, SeedRule, Until, Watch,
};

use crate::editors::diffusion::drive::Driver;
use crate::editors::diffusion::options::DiffusionOptions;
use crate::editors::diffusion::paused::{Paused, PausedStore};
use crate::editors::diffusion::pipeline::Pipeline;
use crate::editors::diffusion::track::{Track, cost};
use crate::editors::failure::crashed;

/// An editing model under a name.
#[derive(Debug)]
pub struct DiffusionEditor<P: Pipeline> {
    card: EditorCard,
    pub(super) pipeline: P,
    pub(super) options: DiffusionOptions,
    pub(super) paused: PausedStore,
}

/// What the card says of an editing model.
#[derive(Debug, Clone)]
pub struct Identity {
    /// What the recipe calls the editor.
    pub name: EditorName,
    /// What exactly answers: weights, settings, code.
    pub revision: Arc<str>,
    /// How many steps it takes.
    pub steps: usize,
    /// The most evaluations that one step takes, whatever the knobs.
    pub most_evaluations: u64,
    /// Whether its sampler adds noise after the start.
    pub is_stochastic: bool,
    /// The settings that a search may turn.
    pub knobs: Vec<Knob>,
}

/// A setting that a search may turn, whose values matter by their differences.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Knob {
    /// What proposals call it.
    pub name: &'static str,
    /// The value of the recipe.
    pub default: f64,
    /// The least of the usual values; the knob goes down to the recipe's where that is less.
    pub low: f64,
    /// The greatest of the usual values; the knob goes up to the recipe's where that is more.
    pub high: f64,
}

impl Knob {
    fn spec(self) -> Result<KnobSpec, NameError> {
        let Self { name, default, low, high } = self;
        let (low, high) = (default.min(low), default.max(high));
        Ok(KnobSpec { name: KnobName::new(name)?, low, high, default, scale: KnobScale::Linear })
    }
}

impl<P: Pipeline> DiffusionEditor<P> {
    /// A pipeline under a name.
    pub fn new(identity: &Identity, pipeline: P, options: DiffusionOptions) -> Result<Self, NameError> {
        let card = card(identity, &options)?;
        let paused = PausedStore::new(options.paused_bytes);
        Ok(Self { card, pipeline, options, paused })
    }

    /// The bytes of the paused states that are held.
    pub fn paused_bytes(&self) -> u64 {
        self.paused.bytes()
    }

    pub(super) fn driver(&self) -> Driver<'_, P> {
        Driver {
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

    /// The results of tracks that were advanced, with their places in the batch.
    fn finish(
        &mut self,
        batch: &EditBatch,
        tracks: Vec<Track<P::Conditions>>,
        watch: &dyn Watch,
    ) -> Vec<(usize, Result<Candidate, Failure>)> {
        let (good, failed): (Vec<_>, Vec<_>) = tracks.into_iter().partition(|track| track.failure.is_none());
        let pictures = self.decode(&good, watch);
        let (mut results, mut in_vain) = (Vec::with_capacity(good.len() + failed.len()), EditCounters::default());
        let mut fail = |track: &Track<P::Conditions>, failure: Failure| {
            in_vain += track.counters;
            (track.item, Err(Failure { cost: track.cost(), ..failure }))
        };
        for mut track in failed {
            let failure = track.failure.take().unwrap_or_else(|| crashed("the candidate failed"));
            results.push(fail(&track, failure));
        }
        for (track, picture) in good.into_iter().zip(pictures) {
            let item = &batch.items[track.item];
            results.push(match picture.and_then(|picture| self.candidate(item, &track, picture)) {
                Ok(candidate) => (track.item, Ok(candidate)),
                Err(failure) => fail(&track, failure),
            });
            self.keep(item, track);
        }
        // What was computed for candidates that failed may have served the others as well: it stays on an account.
        if let Some(first) = results.iter_mut().find_map(|(_, result)| result.as_mut().ok()) {
            first.counters += in_vain;
        }
        results
    }
}

impl<P: Pipeline> LocalEditor for DiffusionEditor<P> {
    fn card(&self) -> &EditorCard {
        &self.card
    }

    fn edit(&mut self, batch: &EditBatch, watch: &dyn Watch) -> Vec<Result<Candidate, Failure>> {
        let mut held = self.revive(batch, watch);
        let (mut results, mut tracks) = (Vec::with_capacity(batch.items.len()), Vec::new());
        for (index, item) in batch.items.iter().enumerate() {
            // Encoding a text or a picture takes a while, too.
            let begun = if watch.cancelled() { Err(held.let_go(item)) } else { self.begin(index, item, &mut held) };
            match begun {
                Ok(track) => {
                    tracks.push(track);
                    results.push(Err(crashed("the candidate was lost")));
                }
                Err(failure) => results.push(Err(failure)),
            }
        }
        self.driver().advance(&mut tracks, watch);
        for (index, result) in self.finish(batch, tracks, watch) {
            results[index] = result;
        }
        let load_ms = self.pipeline.take_load_ms();
        if let Some(first) = results.iter_mut().find_map(|result| result.as_mut().ok()) {
            first.counters.load_ms += load_ms;
        }
        results
    }

    fn release(&mut self, paused: &[(RunId, CandidateId)]) {
        self.paused.release(paused);
    }

    fn adopts(&self) -> PolicySupport {
        self.pipeline.adopts()
    }

    fn adopt(&mut self, weights: &PolicyWeights) -> Result<AdoptedPolicy, Failure> {
        if let Some(refusal) = self.adopts().refusal(&self.card.name, weights) {
            return Err(refusal);
        }
        let checksum = self.pipeline.adopt(weights)?;
        // What other weights have begun is not to be finished by these.
        self.paused = PausedStore::new(self.options.paused_bytes);
        let checksum = checksum.unwrap_or_else(|| Arc::clone(&self.card.revision));
        Ok(AdoptedPolicy { version: Arc::clone(&weights.version), checksum })
    }
}

fn card(identity: &Identity, options: &DiffusionOptions) -> Result<EditorCard, NameError> {
    let (pause, sampler) = if identity.is_stochastic {
        (PauseSupport::Fork, Sampler::Stochastic)
    } else {
        (PauseSupport::Resume, Sampler::Deterministic)
    };
    Ok(EditorCard {
        name: identity.name.clone(),
        revision: Arc::clone(&identity.revision),
        seeds: SeedRule::Reproducible { bits: 53 },
        largest_batch: options.largest_batch,
        slots: NonZeroU32::MIN,
        edits_candidates: true,
        pause,
        sampler,
        cancel: CancelRule::WithinStep,
        masks: false,
        // A file has noise for some candidates and no seeds: there is nothing to turn.
        steers_noise: options.injected.is_none(),
        steps: u32::try_from(identity.steps).ok(),
        knobs: identity.knobs.iter().map(|knob| knob.spec()).collect::<Result<_, _>>()?,
        cost: cost(identity.steps as u64 * identity.most_evaluations),
        recovery: Recovery::Repeat,
    })
}
