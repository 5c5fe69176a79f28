//! How recipes set the policy `best_of_n`.

use std::sync::Arc;

use editscale_core::SearchFactory;
use editscale_schema::{Absent, Fields, Key, Keys, Options, Whole, Yaml};

use super::BestOfN;
use crate::{PolicyChoice, PolicyError, Rules};

/// Settings of best of N.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BestOfNRecipe {
    /// Candidates in all.
    pub samples: u32,
    /// Candidates between two looks at the stop rule; the policy's own choice where absent.
    pub round: Option<u32>,
}

const SAMPLES: Key<Whole> = Key {
    name: "samples",
    rule: Whole { low: 1, high: 100_000 },
    absent: Absent::Refused,
    meaning: "candidates in all",
};

const ROUND: Key<Whole> = Key {
    name: "round",
    rule: Whole { low: 1, high: 100_000 },
    absent: Absent::Unset("4 if `stop` is set, otherwise all at once"),
    meaning: "candidates made between two looks at `stop`",
};

impl PolicyChoice for BestOfNRecipe {
    fn factory(&self, rules: Rules) -> Result<Arc<dyn SearchFactory>, PolicyError> {
        Ok(Arc::new(BestOfN::new(self.samples, self.round, rules)?))
    }

    fn first_round(&self, has_stop_rule: bool) -> u64 {
        let round = self.round.unwrap_or(if has_stop_rule { 1 } else { self.samples });
        u64::from(round.min(self.samples))
    }
}

impl Options for BestOfNRecipe {
    const NAME: &'static str = "best_of_n";
    const ABOUT: &'static str = "Makes N candidates from the source, each with a seed of its own, and keeps the best.";
    const KEYS: Keys = &[&SAMPLES, &ROUND];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let samples = fields.take(&SAMPLES);
        let round = fields.take(&ROUND).map(|round| round as u32);
        Some(Self { samples: samples? as u32, round })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let round = self.round.map(u64::from);
        [SAMPLES.write(Some(&self.samples.into())), ROUND.write(round.as_ref())].into_iter().flatten().collect()
    }
}
