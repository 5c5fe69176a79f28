//! Conditions that a candidate must meet before it is compared at all.

mod recipe;

use std::sync::Arc;

use editscale_core::{Objective, PartName, RewardName, Scale, ScoreCard, Utility};

pub use recipe::{GATE_KEYS, read_gate, write_gate};

/// A candidate passes where the reward's score, or the named part of it, is at least this.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// Whose score.
    pub reward: RewardName,
    /// Which part of it; the score's mean where absent.
    pub part: Option<PartName>,
    /// The least value that passes.
    pub at_least: f64,
}

impl Gate {
    /// A score or part that is missing does not pass.
    pub(crate) fn passes(&self, card: &ScoreCard) -> bool {
        let score = card.score(&self.reward);
        let value = match &self.part {
            None => score.map(editscale_core::Score::mean),
            Some(part) => score.and_then(|score| score.part(part.as_str())),
        };
        value.is_some_and(|value| value >= self.at_least)
    }

    /// In words for a revision.
    pub(crate) fn revision(&self) -> String {
        let part = self.part.as_ref().map_or_else(String::new, |part| format!(".{part}"));
        format!("{}{part}>={}", self.reward, self.at_least)
    }
}

/// Another objective over the candidates that pass every gate; the others have no utility.
#[derive(Debug, Clone)]
pub struct Gated {
    inner: Arc<dyn Objective>,
    gates: Vec<Gate>,
}

impl Gated {
    /// `inner` behind `gates`.
    pub fn new(inner: Arc<dyn Objective>, gates: Vec<Gate>) -> Self {
        Self { inner, gates }
    }
}

impl Objective for Gated {
    fn utilities(&self, cards: &[&ScoreCard]) -> Vec<Option<Utility>> {
        let passes = |card: &ScoreCard| self.gates.iter().all(|gate| gate.passes(card));
        let passing: Vec<&ScoreCard> = cards.iter().copied().filter(|card| passes(card)).collect();
        let mut utilities = self.inner.utilities(&passing).into_iter();
        cards.iter().map(|card| if passes(card) { utilities.next().flatten() } else { None }).collect()
    }

    fn doubts(&self, cards: &[&ScoreCard]) -> Option<Vec<f64>> {
        self.inner.doubts(cards)
    }

    fn scale(&self) -> Scale {
        self.inner.scale()
    }

    fn revision(&self) -> String {
        let gates: Vec<String> = self.gates.iter().map(Gate::revision).collect();
        format!("{} gated/1 {}", self.inner.revision(), gates.join(" "))
    }
}
