//! Routing: several editors in one search, each round's candidates given to whoever promises most for its price.
//!
//! Each editor is an arm of a bandit (Thompson 1933). What its draws are worth is normal with unknown mean and variance, of which
//! there is a normal-inverse-gamma posterior; the rewards' own σ is taken for noise and not for spread. For every candidate a mean
//! and a variance are drawn from each posterior, and the arm is asked whose draw then promises the largest gain over the best so
//! far for each unit of cost, `E[(v − best)+]/cost`: a search keeps its best candidate, so that it is not the mean that counts.

mod arms;
mod gain;
mod posterior;
mod recipe;
mod router;

use editscale_core::{Cards, EditRequest, Need, Search, SearchFactory};

use crate::policy::{MOST_CANDIDATES, PolicyError, Rules, check_count};
use router::Router;

pub use arms::CostMeasure;
pub use recipe::ThompsonRecipe;

/// What routing is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoutingSettings {
    /// Candidates in all, of all editors.
    pub samples: u32,
    /// Candidates between two looks at what came of them.
    pub round: u32,
    /// How many candidates each editor makes before they are compared.
    pub least: u32,
    /// What gains are divided by.
    pub cost: CostMeasure,
    /// After so many failures in a row an editor is not asked any more.
    pub drop_after: u32,
}

impl RoutingSettings {
    /// These many candidates, the rest as recipes have it when they do not say.
    pub fn new(samples: u32) -> Self {
        Self { samples, round: 4, least: 2, cost: CostMeasure::Budget, drop_after: 3 }
    }
}

/// The policy `thompson`.
#[derive(Debug, Clone)]
pub struct Thompson {
    settings: RoutingSettings,
    rules: Rules,
}

impl Thompson {
    /// Routing under these settings.
    pub fn new(settings: RoutingSettings, rules: Rules) -> Result<Self, PolicyError> {
        let RoutingSettings { samples, round, least, drop_after, .. } = settings;
        for (setting, count) in [("samples", samples), ("round", round), ("least", least), ("drop_after", drop_after)] {
            check_count(setting, count, MOST_CANDIDATES)?;
        }
        Ok(Self { settings, rules })
    }
}

impl SearchFactory for Thompson {
    fn revision(&self) -> String {
        let RoutingSettings { samples, round, least, cost, drop_after } = self.settings;
        let (cost, rules) = (cost.word(), self.rules.revision());
        format!("thompson/1 samples={samples} round={round} least={least} cost={cost} drop_after={drop_after}{rules}")
    }

    fn needs(&self) -> Vec<Need> {
        vec![Need::Pointwise]
    }

    fn largest_run(&self) -> u64 {
        u64::from(self.settings.samples)
    }

    fn start(&self, request: &EditRequest, cards: &Cards) -> Box<dyn Search> {
        Box::new(Router::new(self.settings, &self.rules, request, cards))
    }
}
