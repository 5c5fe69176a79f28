//! The weighted mean of several rewards.

use std::sync::Arc;

use editscale_core::{Objective, RewardName, Scale, ScoreCard, Utility};
use editscale_schema::{Fields, Keys, Options, Yaml};

use crate::{ObjectiveChoice, PolicyError};

/// `Σ w·score / Σ|w|`. A candidate that lacks the score of any weighted reward has no utility: leaving it out would
/// favour candidates whose strict judge failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighted {
    weights: Vec<(RewardName, f64)>,
    total: f64,
}

impl Weighted {
    /// At least one weight that is not 0, all finite. A negative weight counts against.
    pub fn new(weights: Vec<(RewardName, f64)>) -> Result<Self, PolicyError> {
        let total = total(&weights)?;
        Ok(Self { weights, total })
    }

    fn utility(&self, card: &ScoreCard) -> Option<Utility> {
        let term = |(reward, weight): &(RewardName, f64)| {
            if *weight == 0.0 { Some(0.0) } else { Some(weight * card.score(reward)?.mean()) }
        };
        let sum: f64 = self.weights.iter().map(term).sum::<Option<f64>>()?;
        Utility::new(sum / self.total)
    }
}

/// Σ|w|, of weights that are finite and not all 0.
pub(super) fn total(weights: &[(RewardName, f64)]) -> Result<f64, PolicyError> {
    let total: f64 = weights.iter().map(|(_, weight)| weight.abs()).sum();
    if total.is_finite() && total > 0.0 {
        return Ok(total);
    }
    let found = format!("{:?}", weights.iter().map(|(_, weight)| *weight).collect::<Vec<_>>());
    Err(PolicyError { setting: "weight", expected: "finite numbers, at least one of them not 0".to_owned(), found })
}

impl Objective for Weighted {
    fn utilities(&self, cards: &[&ScoreCard]) -> Vec<Option<Utility>> {
        cards.iter().map(|card| self.utility(card)).collect()
    }

    fn scale(&self) -> Scale {
        Scale::Absolute
    }

    fn revision(&self) -> String {
        let terms: Vec<String> = self.weights.iter().map(|(reward, weight)| format!("{reward}*{weight}")).collect();
        format!("weighted/1 {}", terms.join(" "))
    }
}

/// How recipes name it. It has no options of its own: the weights stand with the rewards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WeightedRecipe {}

impl Options for WeightedRecipe {
    const NAME: &'static str = "weighted";
    const ABOUT: &'static str = "The mean of all scores, weighted by each reward's `weight`.";
    const KEYS: Keys = &[];

    fn read(_: &Fields<'_>) -> Option<Self> {
        Some(Self {})
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        Vec::new()
    }
}

impl ObjectiveChoice for WeightedRecipe {
    fn objective(&self, rewards: Vec<(RewardName, f64)>) -> Result<Arc<dyn Objective>, PolicyError> {
        Ok(Arc::new(Weighted::new(rewards)?))
    }

    fn uses_weights(&self) -> bool {
        true
    }

    fn scale(&self) -> Scale {
        Scale::Absolute
    }
}
