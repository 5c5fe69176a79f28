//! The editors as arms: what they cost, and what the budget still allows of them.

use editscale_core::{Cards, Cost, EditorName, Ledger, Remaining};

/// What gains are divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CostMeasure {
    /// The largest share of what is left of anything limited that a candidate takes: the scarcest thing decides.
    Budget,
    /// Edits: all editors cost the same.
    Edits,
    /// Denoiser evaluations.
    Nfe,
    /// Language-model tokens.
    Tokens,
    /// Money.
    Usd,
}

impl CostMeasure {
    /// The word used in recipes and revisions.
    pub fn word(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::Edits => "edits",
            Self::Nfe => "nfe",
            Self::Tokens => "tokens",
            Self::Usd => "usd",
        }
    }
}

/// Whoever costs less than this share of the dearest counts as costing so much: a free editor would otherwise promise infinitely
/// much for its price, and nobody else be asked.
const LEAST_SHARE: f64 = 1e-3;

/// The editors of a run.
#[derive(Debug, Clone)]
pub(super) struct Arms {
    /// Names and what one edit costs at most, in recipe order.
    editors: Vec<(EditorName, Cost)>,
    judging: Cost,
    rewards: u64,
}

impl Arms {
    pub(super) fn new(cards: &Cards) -> Self {
        let editors = cards.editors.iter().map(|card| (card.name.clone(), card.cost)).collect();
        Self { editors, judging: cards.judging(), rewards: cards.rewards.len() as u64 }
    }

    pub(super) fn count(&self) -> usize {
        self.editors.len()
    }

    pub(super) fn name(&self, arm: usize) -> &EditorName {
        &self.editors[arm].0
    }

    /// What a candidate of this arm costs at most, judging included.
    fn cost(&self, arm: usize) -> Cost {
        let mut cost = self.editors[arm].1;
        cost += self.judging;
        cost
    }

    /// Whether the budget has another candidate of this arm.
    pub(super) fn is_affordable(&self, arm: usize, left: &Remaining) -> bool {
        left.candidates(self.editors[arm].1, self.rewards, self.judging) > 0
    }

    /// What is left for certain once a candidate of this arm was asked for.
    pub(super) fn after(&self, arm: usize, left: &Remaining) -> Remaining {
        let spent = Ledger { edits: 1, reward_calls: self.rewards, cost: self.cost(arm), ..Ledger::default() };
        left.amounts().after(&spent)
    }

    /// What a candidate of each arm costs in one measure: above 0, and comparable among the arms only.
    pub(super) fn prices(&self, measure: CostMeasure, left: &Remaining) -> Vec<f64> {
        let price = |arm| self.price(&self.cost(arm), measure, left);
        let prices: Vec<f64> = (0..self.count()).map(price).collect();
        let dearest = prices.iter().copied().fold(0.0, f64::max);
        if dearest > 0.0 {
            return prices.into_iter().map(|price| price.max(LEAST_SHARE * dearest)).collect();
        }
        vec![1.0; prices.len()]
    }

    fn price(&self, cost: &Cost, measure: CostMeasure, left: &Remaining) -> f64 {
        let left = left.amounts();
        let share = |left: Option<u64>, cost: u64| left.map_or(0.0, |left| cost as f64 / left.max(1) as f64);
        match measure {
            CostMeasure::Edits => 1.0,
            CostMeasure::Nfe => cost.nfe as f64,
            CostMeasure::Tokens => cost.tokens as f64,
            CostMeasure::Usd => cost.usd.micros as f64,
            CostMeasure::Budget => [
                share(left.edits, 1),
                share(left.reward_calls, self.rewards),
                share(left.nfe, cost.nfe),
                share(left.tokens, cost.tokens),
                share(left.usd.map(|usd| usd.micros), cost.usd.micros),
            ]
            .into_iter()
            .fold(0.0, f64::max),
        }
    }
}
