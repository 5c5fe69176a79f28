//! What everything costs, so that policies that spend on different things have equal budgets.

use editscale_config::Recipe;
use editscale_core::{Budget, Cards, Cost, Usd};

use super::hands::Hand;

/// The price of a plain edit: prices are thousandths of it.
pub const EDIT: u64 = 1000;

/// A list of prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prices {
    /// What a judgement by any reward costs, and what a critique costs, in thousandths of an edit.
    pub judgement: u64,
}

impl Prices {
    /// A judgement is a twentieth of an edit, as in the simulated world.
    pub const CHEAP: Self = Self { judgement: EDIT / 20 };
    /// A judgement is an edit.
    pub const DEAR: Self = Self { judgement: EDIT };

    /// The budget of so many plain edits with one judgement each.
    pub fn budget(self, candidates: u32) -> Budget {
        Budget { usd: Some(usd(u64::from(candidates) * self.candidate())), ..Budget::default() }
    }

    /// What a plain edit with one judgement costs.
    pub fn candidate(self) -> u64 {
        EDIT + self.judgement
    }

    /// How many such candidates so many judgements cost, rounded up.
    pub fn candidates_for(self, judgements: u32) -> u32 {
        (u64::from(judgements) * self.judgement).div_ceil(self.candidate()) as u32
    }

    /// The cards of those whom a recipe names, with their prices.
    pub fn cards(self, all: &Cards, recipe: &Recipe) -> Cards {
        let mut cards = all.clone();
        cards.editors.retain(|card| recipe.editors().iter().any(|editor| editor.name == card.name));
        cards.rewards.retain(|card| recipe.rewards().iter().any(|reward| reward.name == card.name));
        cards.critics.retain(|card| recipe.critics().iter().any(|critic| critic.name == card.name));
        cards.editors.iter_mut().for_each(|card| card.cost = cost(Hand::of(&card.name).price()));
        cards.rewards.iter_mut().for_each(|card| card.cost = cost(self.judgement));
        cards.critics.iter_mut().for_each(|card| card.cost = cost(self.judgement));
        cards
    }
}

fn usd(micros: u64) -> Usd {
    Usd { micros }
}

fn cost(micros: u64) -> Cost {
    Cost { usd: usd(micros), ..Cost::default() }
}
