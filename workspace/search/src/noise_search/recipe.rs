//! How recipes set the policy `noise_search`.

use std::sync::Arc;

use editscale_core::{Need, SearchFactory};
use editscale_schema::{Absent, Fields, Key, Keys, Number, Options, Whole, Yaml};

use super::{NoiseSearch, NoiseSearchSize, NoiseSteps};
use crate::{PolicyChoice, PolicyError, Reason, Rules};

/// Settings of noise search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoiseSearchRecipe {
    /// How many candidates there are.
    pub size: NoiseSearchSize,
    /// How they are stepped between.
    pub steps: NoiseSteps,
}

const COUNT: Whole = Whole { low: 1, high: 1000 };

const PIVOTS: Key<Whole> = Key {
    name: "pivots",
    rule: COUNT,
    absent: Absent::Default(4),
    meaning: "fresh draws before the first round; the search begins at the best of them, and anew at the next best",
};

const NEIGHBOURS: Key<Whole> =
    Key { name: "neighbours", rule: COUNT, absent: Absent::Default(4), meaning: "candidates of a round" };

const ROUNDS: Key<Whole> = Key {
    name: "rounds",
    rule: COUNT,
    absent: Absent::Refused,
    meaning: "rounds; a run makes pivots + rounds × neighbours candidates, at most 100,000",
};

const COSINE: Key<Number> = Key {
    name: "cosine",
    rule: Number::from(0.0, 0.9999),
    absent: Absent::Default(0.95),
    meaning: "cosine between the noise of a pivot and that of its neighbours, at first",
};

const NARROWING: Key<Number> = Key {
    name: "narrowing",
    rule: Number::from(0.01, 1.0),
    absent: Absent::Default(0.5),
    meaning: "what 1 − cosine is multiplied by after a round that brings nothing better, and divided by after one that does, \
              up to where it began; 1 keeps it",
};

const RESTART_AFTER: Key<Whole> = Key {
    name: "restart_after",
    rule: COUNT,
    absent: Absent::Default(3),
    meaning: "rounds in a row that bring nothing better than their pivot, after which the search begins anew elsewhere",
};

impl PolicyChoice for NoiseSearchRecipe {
    fn factory(&self, rules: Rules) -> Result<Arc<dyn SearchFactory>, PolicyError> {
        Ok(Arc::new(NoiseSearch::new(self.size, self.steps, rules)?))
    }

    fn first_round(&self, _: bool) -> u64 {
        u64::from(self.size.pivots)
    }

    fn reason(&self, need: Need) -> Reason {
        match need {
            Need::Noise => Reason {
                setting: None,
                hint: "choose a diffusion model of this program without `latents`, or the policy `best_of_n`",
            },
            _ => Reason::usual(need),
        }
    }
}

impl Options for NoiseSearchRecipe {
    const NAME: &'static str = "noise_search";
    const ABOUT: &'static str = "Climbs in the space of noise: candidates near the best one so far, in rounds, and anew \
                                 elsewhere where nothing better is near.";
    const KEYS: Keys = &[&PIVOTS, &NEIGHBOURS, &ROUNDS, &COSINE, &NARROWING, &RESTART_AFTER];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let counts = (fields.take(&PIVOTS), fields.take(&NEIGHBOURS), fields.take(&ROUNDS));
        let steps = (fields.take(&COSINE), fields.take(&NARROWING), fields.take(&RESTART_AFTER));
        let (pivots, neighbours, rounds) = (counts.0? as u32, counts.1? as u32, counts.2? as u32);
        let (cosine, narrowing, restart_after) = (steps.0?, steps.1?, steps.2? as u32);
        let size = NoiseSearchSize { pivots, neighbours, rounds };
        Some(Self { size, steps: NoiseSteps { cosine, narrowing, restart_after } })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let NoiseSearchSize { pivots, neighbours, rounds } = self.size;
        let NoiseSteps { cosine, narrowing, restart_after } = &self.steps;
        [
            PIVOTS.write(Some(&pivots.into())),
            NEIGHBOURS.write(Some(&neighbours.into())),
            ROUNDS.write(Some(&rounds.into())),
            COSINE.write(Some(cosine)),
            NARROWING.write(Some(narrowing)),
            RESTART_AFTER.write(Some(&(*restart_after).into())),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
