//! An editor, as its author writes it.

use super::call::Call;
use super::picture::{Image, NewImage};
use crate::protocol::{
    AdoptParameters, AdoptSupport, Adopted, CancelRule, CostNumbers, EditCounters, EditProposal, EditorCard, Failed,
    PauseSupport, PausedPlace, Recovery, SamplerKind, Size,
};

/// An editing model. Calls come from as many threads at a time as the card has `slots`; with one slot, never two at once.
pub trait Editor: Send + Sync + 'static {
    /// What it can do. Asked once, when it is ready.
    fn card(&self) -> EditorCard;

    /// Makes every edit: one result each, in their order. One that fails leaves the others alone. Where the card has
    /// seeds, a picture depends on nothing but its edit, not on the batch that it came in.
    fn edit(&self, edits: &[Edit], call: &Call) -> Vec<Result<Made, Failed>>;

    /// The paused states of these are not wanted any more. Unknown ones are left aside.
    fn release(&self, paused: &[PausedPlace]) {
        _ = paused;
    }

    /// Takes up other weights. After a failure the earlier ones are still in force.
    fn adopt(&self, weights: &AdoptParameters, call: &Call) -> Result<Adopted, Failed> {
        _ = call;
        Err(Failed::refused(format!("this editor takes up no other weights: asked for `{}`", weights.version)))
    }
}

/// One edit to make.
#[derive(Debug, Clone)]
pub struct Edit {
    /// The run that it belongs to; paused states are kept under run and candidate.
    pub run: String,
    /// The picture that somebody asked to have edited.
    pub source: Image,
    /// Where editing is allowed: white = edit here.
    pub mask: Option<Image>,
    /// What that person wrote. The proposal's instruction is what counts.
    pub request_instruction: String,
    /// The size that the result should have; the editor's own choice where there is none.
    pub output_size: Option<Size>,
    /// The picture that the proposal starts from; for a paused start, the one that the first proposal of `path` started
    /// from.
    pub start_picture: Image,
    /// What to make.
    pub proposal: EditProposal,
    /// For a paused start, the proposals that led to the state, the first from a picture. An editor that does not hold
    /// the state any more makes it again from them. Empty otherwise.
    pub path: Vec<EditProposal>,
}

impl Edit {
    /// What is asked for.
    pub fn instruction(&self) -> &str {
        &self.proposal.instruction
    }

    /// A knob that is turned.
    pub fn knob(&self, name: &str) -> Option<f64> {
        self.proposal.knobs.get(name).copied()
    }
}

/// A picture that was made: a preview where the proposal stops half way.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// The picture.
    pub image: NewImage,
    /// What was spent.
    pub cost: CostNumbers,
    /// The seed that was used where it is not the proposal's.
    pub effective_seed: Option<u64>,
    /// What people should know.
    pub notes: Vec<String>,
    /// What the model computed.
    pub counters: EditCounters,
    /// The way through the latent space, where it is kept.
    pub trajectory: Option<Trajectory>,
}

impl Made {
    /// A picture that cost nothing and that there is nothing to say about.
    pub fn new(image: NewImage) -> Self {
        let (cost, counters) = (CostNumbers::default(), EditCounters::default());
        Self { image, cost, effective_seed: None, notes: Vec::new(), counters, trajectory: None }
    }
}

/// Latents, times and probabilities of a candidate's steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Trajectory {
    /// The dimensions of the latents at one instant.
    pub shape: Vec<u64>,
    /// The latents before the first step and after each: [steps + 1, shape…].
    pub latents: Vec<f32>,
    /// What the denoiser was told of the time, before each step.
    pub timesteps: Vec<f32>,
    /// The noise level before the first step and after each.
    pub sigmas: Vec<f32>,
    /// The logarithm of each step's probability density, as a mean over the latents' dimensions; none where the step
    /// added no noise.
    pub log_probabilities: Vec<Option<f32>>,
}

impl EditorCard {
    /// A card that promises nothing but this revision: no seeds, one edit and one call at a time.
    pub fn new(revision: impl Into<String>) -> Self {
        Self {
            revision: revision.into(),
            seed_bits: None,
            largest_batch: 1,
            slots: 1,
            edits_candidates: false,
            pause: PauseSupport::default(),
            sampler: SamplerKind::default(),
            cancel: CancelRule::default(),
            masks: false,
            knobs: Vec::new(),
            cost: CostNumbers::default(),
            recovery: Recovery::default(),
            adopts: AdoptSupport::default(),
        }
    }
}
