//! A reward, as its author writes it.

use super::call::Call;
use super::picture::Image;
use crate::protocol::{CostNumbers, Failed, Judged, Part, RewardCard, RewardCounters};

/// A reward model. Calls come from as many threads at a time as the card has `slots`; with one slot, never two at once.
pub trait Reward: Send + Sync + 'static {
    /// What it measures. Asked once, when it is ready.
    fn card(&self) -> RewardCard;

    /// Judges every pair: one result each, in their order. A failure is a failure, never a score of 0.
    fn score(&self, pairs: &[Pair], call: &Call) -> Vec<Result<Judged, Failed>>;
}

/// A picture before and a picture after, and what was asked for.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The picture before.
    pub source: Image,
    /// The picture after.
    pub candidate: Image,
    /// What was asked for.
    pub instruction: String,
    /// Where editing was allowed: white = edit here.
    pub mask: Option<Image>,
}

impl RewardCard {
    /// A card that promises nothing but this revision: pointwise, one pair and one call at a time.
    pub fn new(revision: impl Into<String>) -> Self {
        Self {
            revision: revision.into(),
            range: None,
            kind: crate::protocol::RewardKind::default(),
            gives_sigma: false,
            pixel_budget: None,
            largest_batch: 1,
            slots: 1,
            cost: CostNumbers::default(),
        }
    }
}

impl Judged {
    /// A score that cost nothing.
    pub fn new(mean: f64) -> Self {
        let (cost, counters) = (CostNumbers::default(), RewardCounters::default());
        Self { mean, sigma: None, parts: Vec::new(), cost, counters }
    }

    /// The same with a named part more.
    #[must_use]
    pub fn with_part(mut self, name: impl Into<String>, mean: f64) -> Self {
        self.parts.push(Part { name: name.into(), mean, sigma: None });
        self
    }
}
