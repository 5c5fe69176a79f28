//! The port to reward models.

use std::sync::Arc;

use crate::{BoxFuture, Cost, EditRequest, Failure, Image, RewardCard, Score, Watch};

/// Several judgements for one call. They may belong to different requests.
#[derive(Debug, Clone)]
pub struct RewardBatch {
    /// At least one, at most the card's `largest_batch`. For a listwise reward, all items of one request are one set.
    pub items: Vec<RewardItem>,
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
