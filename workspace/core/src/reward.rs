//! The port to reward models.

use std::ops::AddAssign;
use std::sync::Arc;

use crate::{BoxFuture, Cost, EditRequest, Failure, FailureKind, Image, RewardCard, Score, TowerPictures, Watch};

/// Several judgements for one call. They may belong to different requests.
#[derive(Debug, Clone)]
pub struct RewardBatch {
    /// At least one, at most the card's `largest_batch`. For a listwise reward, all items of one request are one set.
    pub items: Vec<RewardItem>,
}

impl RewardBatch {
    /// Judges one after the other, in item order. Those that are left when nobody wants them any more are failures that say so.
    pub fn each(
        &self,
        watch: &dyn Watch,
        judge: impl Fn(&RewardItem) -> Result<Judgement, Failure>,
    ) -> Vec<Result<Judgement, Failure>> {
        let cancelled = || Failure::new(FailureKind::Cancelled, "the judgement was cancelled");
        let one = |item| if watch.cancelled() { Err(cancelled()) } else { judge(item) };
        self.items.iter().map(one).collect()
    }
}

/// One candidate to judge, against the request's own source and instruction.
#[derive(Debug, Clone)]
pub struct RewardItem {
    /// What was asked for.
    pub request: Arc<EditRequest>,
    /// What was made.
    pub candidate: Image,
}

/// What a reward said, and what saying it cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The score.
    pub score: Score,
    /// What was spent.
    pub cost: Cost,
    /// What a model in this process computed for it.
    pub counters: Counters,
}

/// What a local model computed for one judgement. Work that several judgements share is counted with the first that
/// needed it, and work found in a cache with none, so that the sum over a batch is what was really done for
/// it; what was done for judgements that failed is on no account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Pictures that went through a vision tower.
    pub image_encodes: u64,
    /// Tokens that went through a decoder, those that stand for pictures included.
    pub decoder_tokens: u64,
    /// Pictures that were asked of the vision tower, where others share it.
    pub pictures: TowerPictures,
}

impl AddAssign for Counters {
    fn add_assign(&mut self, other: Self) {
        self.image_encodes = self.image_encodes.saturating_add(other.image_encodes);
        self.decoder_tokens = self.decoder_tokens.saturating_add(other.decoder_tokens);
        self.pictures += other.pictures;
    }
}

/// A reward model behind an async port.
///
/// * One result per item, in item order, always. A judgement that fails is a failure, never a score of 0.
/// * A pointwise reward answers the same however the items are cut into batches, within the tolerance that its page
///   states.
pub trait RewardModel: Send + Sync {
    /// What it measures. Always the same answer.
    fn card(&self) -> &RewardCard;

    /// Judges every item of the batch.
    fn score<'a>(&'a self, batch: RewardBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Judgement, Failure>>>;

    /// Why nothing can be asked of it any more: a thread or a process that it needs has ended for good. Nothing while it
    /// works.
    fn trouble(&self) -> Option<String> {
        None
    }
}

/// A reward model in this process: synchronous, owned by one thread that the engine names and feeds.
///
/// The same contract as [`RewardModel`].
pub trait LocalReward: Send {
    /// What it measures. Always the same answer.
    fn card(&self) -> &RewardCard;

    /// Judges every item of the batch.
    fn score(&mut self, batch: &RewardBatch, watch: &dyn Watch) -> Vec<Result<Judgement, Failure>>;
}
