//! How recipes set the policy `thompson`.

use std::sync::Arc;

use editscale_core::SearchFactory;
use editscale_schema::{Absent, Fields, Key, Keys, Options, Whole, Word, Yaml};

use super::{CostMeasure, RoutingSettings, Thompson};
use crate::{PolicyChoice, PolicyError, Rules};

/// Settings of routing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThompsonRecipe(pub RoutingSettings);

const COUNT: Whole = Whole { low: 1, high: 100_000 };

const SAMPLES: Key<Whole> =
    Key { name: "samples", rule: COUNT, absent: Absent::Refused, meaning: "candidates in all, of all editors" };

const ROUND: Key<Whole> = Key {
    name: "round",
    rule: COUNT,
    absent: Absent::Default(4),
    meaning: "candidates made between two looks at what came of them",
};

const LEAST: Key<Whole> = Key {
    name: "least",
    rule: COUNT,
    absent: Absent::Default(2),
    meaning: "candidates that each editor makes before they are compared",
};

const COST: Key<Word<CostMeasure>> = Key {
    name: "cost",
    rule: Word(&[
        ("budget", CostMeasure::Budget),
        ("edits", CostMeasure::Edits),
        ("nfe", CostMeasure::Nfe),
        ("tokens", CostMeasure::Tokens),
        ("usd", CostMeasure::Usd),
    ]),
    absent: Absent::Default(CostMeasure::Budget),
    meaning: "what gains are divided by, by the editors' and rewards' cards; `budget`: the largest share of what is left that a \
              candidate takes",
};

const DROP_AFTER: Key<Whole> = Key {
    name: "drop_after",
    rule: COUNT,
    absent: Absent::Default(3),
    meaning: "failures in a row after which an editor is not asked any more",
};

impl PolicyChoice for ThompsonRecipe {
    fn factory(&self, rules: Rules) -> Result<Arc<dyn SearchFactory>, PolicyError> {
        Ok(Arc::new(Thompson::new(self.0, rules)?))
    }

    fn first_round(&self, _: bool) -> u64 {
        u64::from(self.0.least.min(self.0.samples))
    }

    fn routes(&self) -> bool {
        true
    }
}

impl Options for ThompsonRecipe {
    const NAME: &'static str = "thompson";
    const ABOUT: &'static str =
        "Asks several editors, more and more those whose candidates promise the largest gain for their price.";
    const KEYS: Keys = &[&SAMPLES, &ROUND, &LEAST, &COST, &DROP_AFTER];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (samples, round, least) = (fields.take(&SAMPLES), fields.take(&ROUND), fields.take(&LEAST));
        let (cost, drop_after) = (fields.take(&COST), fields.take(&DROP_AFTER));
        Some(Self(RoutingSettings {
            samples: samples? as u32,
            round: round? as u32,
            least: least? as u32,
            cost: cost?,
            drop_after: drop_after? as u32,
        }))
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let RoutingSettings { samples, round, least, cost, drop_after } = self.0;
        [
            SAMPLES.write(Some(&samples.into())),
            ROUND.write(Some(&round.into())),
            LEAST.write(Some(&least.into())),
            COST.write(Some(&cost)),
            DROP_AFTER.write(Some(&drop_after.into())),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
