//! Adds what a run spends to the figures of its recipe, while it spends it.

use std::sync::{Arc, Mutex, PoisonError};

use editscale_core::{Event, Ledger, ScoreCard, Trial};

use super::Telemetry;

/// Listens to one run, in this life of the server.
#[derive(Debug)]
pub(crate) struct Meter {
    telemetry: Arc<Telemetry>,
    recipe: String,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// What was spent when it was looked at last; nothing until the first look at a run that goes on.
    spent: Option<Ledger>,
    /// Trials that come again because they are known from an earlier life.
    known: u32,
}

impl Meter {
    /// Listens to a run of this recipe.
    pub(crate) fn new(telemetry: Arc<Telemetry>, recipe: String) -> Self {
        Self { telemetry, recipe, seen: Mutex::default() }
    }

    /// Something happened in the run.
    pub(crate) fn observe(&self, event: &Event<'_>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started { resumed, .. } => {
                *seen = Seen { spent: (*resumed == 0).then(Ledger::default), known: *resumed };
            }
            Event::Tried { trial, spent } => {
                let before = seen.spent.replace(**spent).unwrap_or(**spent);
                self.telemetry.spend(&self.recipe, spent, &before);
                if matches!(trial, Trial::Critique { .. } | Trial::Rewritten { .. }) {
                    return;
                }
                if seen.known > 0 {
                    seen.known -= 1;
                } else if let Trial::Scored { card, .. } | Trial::Rescored { card, .. } = trial {
                    self.telemetry.scored(&self.recipe, card);
                }
            }
            Event::Ended { outcome } => {
                let before = seen.spent.replace(outcome.ledger).unwrap_or(outcome.ledger);
                self.telemetry.spend(&self.recipe, &outcome.ledger, &before);
            }
            _ => {}
        }
    }
}

impl Telemetry {
    fn spend(&self, recipe: &str, after: &Ledger, before: &Ledger) {
        let (labels, spent) = (self.recipe(recipe), &self.spent);
        let cost = after.cost.saturating_sub(before.cost);
        spent.edits.get_or_create(&labels).inc_by(after.edits.saturating_sub(before.edits));
        spent.reward_calls.get_or_create(&labels).inc_by(after.reward_calls.saturating_sub(before.reward_calls));
        spent.nfe.get_or_create(&labels).inc_by(cost.nfe);
        spent.tokens.get_or_create(&labels).inc_by(cost.tokens);
        spent.usd.get_or_create(&labels).inc_by(cost.usd.dollars());
    }

    fn scored(&self, recipe: &str, card: &ScoreCard) {
        for (reward, said) in card.iter() {
            if let Ok(score) = said {
                self.scores.observe(recipe, reward.as_str(), score.mean());
            }
        }
    }
}
