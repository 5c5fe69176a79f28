//! What work is worth giving up, in units of utility: said by the recipe, or priced by what the run spends.

pub(crate) mod recipe;

use std::time::Duration;

use editscale_core::{Budget, Cards, Cost, EditorCard, Remaining};

use crate::policy::PolicyError;

/// What work costs, in units of utility.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Price {
    /// A piece of each kind costs so much.
    Cost(Pieces),
    /// What is spent is worth so much.
    Worth(Worth),
}

/// Costs of single pieces of work, in units of utility, all at least 0.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pieces {
    /// A whole edit. Part of the steps costs that part of it.
    pub edit: f64,
    /// One judgement by one reward.
    pub reward: f64,
    /// To show what a paused edit would become, beyond its steps.
    pub preview: f64,
}

/// Utilities that a unit of each resource is worth, all at least 0.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Worth {
    /// A denoiser evaluation.
    pub per_nfe: f64,
    /// A US dollar.
    pub per_usd: f64,
    /// A second of the run's active time.
    pub per_second: f64,
}

impl Price {
    pub(crate) fn check(self) -> Result<(), PolicyError> {
        let (setting, values) = self.values();
        if values.iter().all(|value| value.is_finite() && *value >= 0.0) {
            return Ok(());
        }
        let expected = "finite numbers of at least 0".to_owned();
        Err(PolicyError { setting, expected, found: format!("{values:?}") })
    }

    fn values(self) -> (&'static str, [f64; 3]) {
        match self {
            Self::Cost(Pieces { edit, reward, preview }) => ("cost", [edit, reward, preview]),
            Self::Worth(Worth { per_nfe, per_usd, per_second }) => ("worth", [per_nfe, per_usd, per_second]),
        }
    }

    /// For a policy's revision.
    pub(crate) fn revision(self) -> String {
        let (name, [first, second, third]) = self.values();
        format!(" {name}={first},{second},{third}")
    }

    /// Whether everything is free by it: what it prices is neither in the cards' costs nor counted by the budget.
    pub(crate) fn is_of_nothing(self, cards: &Cards, budget: &Budget) -> bool {
        let Self::Worth(Worth { per_nfe, per_usd, per_second }) = self else { return false };
        let Meter { edit, judging, .. } = Meter::new(self, cards);
        let counts_nfe = budget.nfe.is_some() || edit.nfe + judging.nfe > 0;
        let counts_usd = budget.usd.is_some() || edit.usd.micros + judging.usd.micros > 0;
        per_second == 0.0 && (per_nfe == 0.0 || !counts_nfe) && (per_usd == 0.0 || !counts_usd)
    }

    /// Whether it depends on the clock.
    pub(crate) fn measures_time(self) -> bool {
        matches!(self, Self::Worth(worth) if worth.per_second > 0.0)
    }
}

/// What one whole candidate costs now, in units of utility.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Costs {
    /// A whole edit.
    pub(crate) edit: f64,
    /// All rewards' judgements of one candidate.
    pub(crate) judging: f64,
    /// A preview, beyond its steps and its judgements.
    pub(crate) preview: f64,
}

impl Costs {
    /// A finished candidate, judged.
    pub(crate) fn candidate(self) -> f64 {
        self.edit + self.judging
    }
}

/// A price at work: what cards bound is replaced by what the budget shows to be spent, where the budget counts it.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    price: Price,
    edit: Cost,
    judging: Cost,
    rewards: f64,
    /// What was left before anything was asked for.
    begun: Option<Budget>,
    left: Budget,
    /// What was asked for, in whole edits.
    asked: f64,
}

impl Meter {
    /// At the prices of the first editor.
    pub(crate) fn new(price: Price, cards: &Cards) -> Self {
        let edit = cards.editors.first().map_or_else(Cost::default, |card: &EditorCard| card.cost);
        let (judging, rewards) = (cards.judging(), cards.rewards.len() as f64);
        Self { price, edit, judging, rewards, begun: None, left: Budget::default(), asked: 0.0 }
    }

    /// Learns what is left.
    pub(crate) fn read(&mut self, left: &Remaining) {
        self.left = *left.amounts();
        self.begun.get_or_insert(self.left);
    }

    /// Counts work that is asked for, in whole edits.
    pub(crate) fn ask(&mut self, edits: f64) {
        self.asked += edits;
    }

    /// What a whole candidate costs.
    pub(crate) fn costs(&self) -> Costs {
        match self.price {
            Price::Cost(Pieces { edit, reward, preview }) => Costs { edit, judging: reward * self.rewards, preview },
            Price::Worth(worth) => self.measured(worth),
        }
    }

    /// Every resource by what a candidate took of it so far, or can take at most; divided between edit and judgements as
    /// the cards divide it.
    fn measured(&self, worth: Worth) -> Costs {
        let nfe = self.each(|budget| budget.nfe.map(|nfe| nfe as f64), (self.edit.nfe, self.judging.nfe), 1.0);
        let usd = self.each(
            |budget| budget.usd.map(|usd| usd.micros as f64),
            (self.edit.usd.micros, self.judging.usd.micros),
            1e-6,
        );
        let seconds = self.each(|budget| budget.wall.as_ref().map(Duration::as_secs_f64), (0, 0), 1.0);
        let sum = |part: fn((f64, f64)) -> f64| {
            worth.per_nfe * part(nfe) + worth.per_usd * part(usd) + worth.per_second * part(seconds)
        };
        Costs { edit: sum(|(edit, _)| edit), judging: sum(|(_, judging)| judging), preview: 0.0 }
    }

    /// What an edit and its judgements take of one resource.
    fn each(&self, amount: impl Fn(&Budget) -> Option<f64>, most: (u64, u64), unit: f64) -> (f64, f64) {
        let (edit, judging) = (most.0 as f64, most.1 as f64);
        let spent = self.begun.as_ref().and_then(&amount).zip(amount(&self.left)).map(|(begun, left)| begun - left);
        match spent {
            Some(spent) if self.asked > 0.0 => {
                let share = if edit + judging > 0.0 { edit / (edit + judging) } else { 1.0 };
                let whole = spent.max(0.0) / self.asked * unit;
                (whole * share, whole * (1.0 - share))
            }
            _ => (edit * unit, judging * unit),
        }
    }
}

#[cfg(test)]
mod tests {
    use editscale_core::{Ledger, Usd};
    use editscale_testkit::{editor_card, reward_card};

    use super::*;

    fn cards() -> Cards {
        let mut editor = editor_card("fake");
        editor.cost = Cost { nfe: 20, usd: Usd { micros: 30_000 }, ..Cost::default() };
        let mut reward = reward_card("judge");
        reward.cost.usd.micros = 10_000;
        Cards { editors: vec![editor], rewards: vec![reward.clone(), reward], critics: Vec::new() }
    }

    #[test]
    fn pieces_cost_what_the_recipe_says() {
        let pieces = Pieces { edit: 0.5, reward: 0.125, preview: 0.25 };
        let costs = Meter::new(Price::Cost(pieces), &cards()).costs();
        assert_eq!(costs, Costs { edit: 0.5, judging: 0.25, preview: 0.25 });
        assert!(Price::Cost(Pieces { edit: f64::NAN, ..pieces }).check().is_err());
        assert!(Price::Worth(Worth { per_nfe: -1.0, ..Worth::default() }).check().is_err());
    }

    #[test]
    fn a_price_of_what_nobody_spends_is_of_nothing() {
        let free = Cards { editors: vec![editor_card("fake")], rewards: vec![reward_card("judge")], ..cards() };
        let worth = |per_nfe, per_usd, per_second| Price::Worth(Worth { per_nfe, per_usd, per_second });
        let counted = Budget { nfe: Some(100), ..Budget::default() };
        for (price, is_free, is_counted) in [
            (worth(0.1, 0.0, 0.0), true, false),
            (worth(0.0, 0.1, 0.0), true, true),
            (worth(0.1, 0.1, 0.0), true, false),
            (worth(0.1, 0.1, 0.1), false, false),
            (Price::Cost(Pieces { edit: 0.1, ..Pieces::default() }), false, false),
        ] {
            let found = [&Budget::default(), &counted].map(|budget| price.is_of_nothing(&free, budget));
            assert_eq!(found, [is_free, is_counted], "{price:?}");
            assert!(!price.is_of_nothing(&cards(), &Budget::default()), "{price:?}");
        }
    }

    #[test]
    fn worth_goes_by_the_cards_until_the_budget_shows_what_is_spent() {
        let worth = Worth { per_nfe: 0.01, per_usd: 2.0, per_second: 0.5 };
        let mut meter = Meter::new(Price::Worth(worth), &cards());
        let at_most = Costs { edit: 0.2 + 0.06, judging: 0.04, preview: 0.0 };
        let near = |found: Costs, expected: Costs| {
            let off = (found.edit - expected.edit).abs() + (found.judging - expected.judging).abs();
            assert!(off < 1e-12, "{found:?}");
        };
        near(meter.costs(), at_most);
        let wall = Some(Duration::from_secs(60));
        let budget = Budget { usd: Some(Usd { micros: 1_000_000 }), wall, ..Budget::default() };
        meter.read(&budget.after(&Ledger::default()));
        near(meter.costs(), at_most);
        meter.ask(4.0);
        // A fifth of the price, and three seconds each; nobody counts evaluations.
        let cost = Cost { usd: Usd { micros: 40_000 }, ..Cost::default() };
        meter.read(&budget.after(&Ledger { cost, wall: Duration::from_secs(12), ..Ledger::default() }));
        near(meter.costs(), Costs { edit: 0.2 + 2.0 * 0.006 + 1.5, judging: 2.0 * 0.004, preview: 0.0 });
    }
}
