//! The port to editing models.

use std::ops::{Add, AddAssign};
use std::sync::Arc;

use crate::{
    AdoptedPolicy, BoxFuture, CandidateId, Cost, EditRequest, EditorCard, EncodedImage, Failure, FailureKind, Image,
    PolicySupport, PolicyWeights, Proposal, RunId, TowerPictures, Trajectory, Watch,
};

/// Several edits for one call. They may belong to different requests and runs.
#[derive(Debug, Clone)]
pub struct EditBatch {
    /// At least one, at most the card's `largest_batch`.
    pub items: Vec<EditItem>,
}

impl EditBatch {
    /// Makes one after the other, in item order. Those that are left when nobody wants them any more are failures that say so.
    pub fn each(
        &self,
        watch: &dyn Watch,
        make: impl Fn(&EditItem) -> Result<Candidate, Failure>,
    ) -> Vec<Result<Candidate, Failure>> {
        let cancelled = || Failure::new(FailureKind::Cancelled, "the edit was cancelled");
        let one = |item| if watch.cancelled() { Err(cancelled()) } else { make(item) };
        self.items.iter().map(one).collect()
    }
}

/// One edit to make.
#[derive(Debug, Clone)]
pub struct EditItem {
    /// The run that it belongs to; paused states are keyed by run and candidate.
    pub run: RunId,
    /// What is asked for: the source, the original instruction, mask and size.
    pub request: Arc<EditRequest>,
    /// What to make.
    pub proposal: Proposal,
    /// The picture that the proposal starts from: the source, or the candidate named by `Start::Candidate`. For
    /// `Start::Paused` it is the picture that the first proposal of its path started from, and the state is the
    /// editor's own.
    pub start: Image,
    /// For `Start::Paused`, the proposals that led to the state, from the one that started from a picture on: an editor
    /// that does not hold the state any more makes it again from them. Empty otherwise.
    pub path: Vec<Proposal>,
    /// The submission of this same edit that was under way when the program died, where the card's recovery is
    /// `Idempotent` or `Query`: to be found again or sent under the same key, never paid twice.
    pub earlier: Option<Submission>,
}

/// What is known of an edit that left for a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The key that it left under.
    pub key: Arc<str>,
    /// What the server calls it, once it had answered.
    pub remote_id: Option<Arc<str>>,
}

/// What an editor made.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The picture; the preview where the proposal stops half way.
    pub image: EncodedImage,
    /// What was spent.
    pub cost: Cost,
    /// The seed that was used where it is not the proposal's own (fewer bits, or the server's choice).
    pub effective_seed: Option<u64>,
    /// What people should know: a part of the instruction that was left out, a size that was not to be had.
    pub notes: Vec<Arc<str>>,
    /// What a model in this process computed for it.
    pub counters: EditCounters,
    /// The way through the latent space, where the editor was told to keep it.
    pub trajectory: Option<Arc<Trajectory>>,
}

impl Candidate {
    /// A picture that cost nothing and that there is nothing to say about.
    pub fn new(image: EncodedImage) -> Self {
        let (cost, counters) = (Cost::default(), EditCounters::default());
        Self { image, cost, effective_seed: None, notes: Vec::new(), counters, trajectory: None }
    }
}

/// What a local model computed for one candidate. Work that several candidates share is counted with the first that
/// needed it, and work found in a cache with none, so that the sum over a batch is what was really done for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EditCounters {
    /// Texts that went through a text encoder; two where there are two encoders.
    pub text_encodes: u64,
    /// Pictures that were brought into the latent space.
    pub image_encodes: u64,
    /// Calls of the denoiser, each for one or many candidates.
    pub denoiser_passes: u64,
    /// Pictures that were brought back from the latent space.
    pub image_decodes: u64,
    /// Milliseconds that loading networks took, where they are not all kept loaded.
    pub load_ms: u64,
    /// Pictures that were asked of a vision tower which others share.
    pub pictures: TowerPictures,
}

impl Add for EditCounters {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            text_encodes: self.text_encodes.saturating_add(other.text_encodes),
            image_encodes: self.image_encodes.saturating_add(other.image_encodes),
            denoiser_passes: self.denoiser_passes.saturating_add(other.denoiser_passes),
            image_decodes: self.image_decodes.saturating_add(other.image_decodes),
            load_ms: self.load_ms.saturating_add(other.load_ms),
            pictures: self.pictures + other.pictures,
        }
    }
}

impl AddAssign for EditCounters {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// An editing model behind an async port.
///
/// * One result per item, in item order, always; one item's failure leaves the others alone.
/// * Where the card's seeds are reproducible, an item's picture depends on nothing but its request, start, seed,
///   instruction and knobs: not on the batch it came in.
/// * Dropping the future asks to cancel; so does [`Watch::cancelled`].
pub trait EditBackend: Send + Sync {
    /// What it can do. Always the same answer.
    fn card(&self) -> &EditorCard;

    /// Makes every item of the batch.
    fn edit<'a>(&'a self, batch: EditBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Candidate, Failure>>>;

    /// The paused states of these are not wanted any more. Unknown ones are none of its business.
    fn release(&self, paused: &[(RunId, CandidateId)]) {
        _ = paused;
    }

    /// Which weights [`EditBackend::adopt`] takes up. Always the same answer.
    fn adopts(&self) -> PolicySupport {
        PolicySupport::default()
    }

    /// Takes up other weights, and tells their checksum.
    ///
    /// * The caller makes sure that no edit is under way, and goes on from no state that was paused under earlier
    ///   weights; such states may be gone.
    /// * After an answer every later edit is made with the new weights.
    /// * After a failure the earlier weights are still in force; where that cannot be held, the message says so and the
    ///   kind is `Ambiguous`.
    /// * A future that is dropped counts as a failure.
    fn adopt<'a>(&'a self, weights: &'a PolicyWeights) -> BoxFuture<'a, Result<AdoptedPolicy, Failure>> {
        Box::pin(async move { Err(PolicySupport::none(&self.card().name, weights)) })
    }

    /// Why nothing can be asked of it any more: a thread or a process that it needs has ended for good. Nothing while it
    /// works.
    fn trouble(&self) -> Option<String> {
        None
    }
}

/// An editing model in this process: synchronous, owned by one thread that the engine names and feeds.
///
/// The same contract as [`EditBackend`].
pub trait LocalEditor: Send {
    /// What it can do. Always the same answer.
    fn card(&self) -> &EditorCard;

    /// Makes every item of the batch.
    fn edit(&mut self, batch: &EditBatch, watch: &dyn Watch) -> Vec<Result<Candidate, Failure>>;

    /// The paused states of these are not wanted any more.
    fn release(&mut self, paused: &[(RunId, CandidateId)]) {
        _ = paused;
    }

    /// Which weights [`LocalEditor::adopt`] takes up. Always the same answer.
    fn adopts(&self) -> PolicySupport {
        PolicySupport::default()
    }

    /// Takes up other weights, and tells their checksum. After a failure the earlier weights are still in force.
    fn adopt(&mut self, weights: &PolicyWeights) -> Result<AdoptedPolicy, Failure> {
        Err(PolicySupport::none(&self.card().name, weights))
    }
}
