//! How recipes set the policy `reward_weighted`.

use std::sync::Arc;

use editscale_core::SearchFactory;
use editscale_schema::{Absent, Fields, Key, Keys, Mistake, Number, Options, Whole, Yaml};

use super::RewardWeighted;
use crate::weighting::{ONE_OF_THREE, TARGET_KL, TEMPERATURE, Weighting, read_weighting, write_weighting};
use crate::{PolicyChoice, PolicyError, Rules};

/// Settings of reward-weighted sampling.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RewardWeightedRecipe {
    /// Candidates in all.
    pub samples: u32,
    /// How many of them are drawn.
    pub draw: u32,
    /// How sharply the draw prefers high scores.
    pub weighting: Weighting,
}

const SAMPLES: Key<Whole> = Key {
    name: "samples",
    rule: Whole { low: 1, high: 100_000 },
    absent: Absent::Refused,
    meaning: "candidates in all",
};

const DRAW: Key<Whole> = Key {
    name: "draw",
    rule: Whole { low: 1, high: 100_000 },
    absent: Absent::Default(1),
    meaning: "how many of them are drawn, at most `samples`",
};

const TARGET_ESS: Key<Number> = Key {
    name: "target_ess",
    rule: Number::from(1.0, 100_000.0),
    absent: Absent::Unset(ONE_OF_THREE),
    meaning: "β such that this many candidates share the weight (effective sample size), at most `samples`",
};

impl PolicyChoice for RewardWeightedRecipe {
    fn factory(&self, rules: Rules) -> Result<Arc<dyn SearchFactory>, PolicyError> {
        Ok(Arc::new(RewardWeighted::new(self.samples, self.draw, self.weighting, rules)?))
    }

    fn first_round(&self, has_stop_rule: bool) -> u64 {
        u64::from(if has_stop_rule { self.draw } else { self.samples })
    }

    fn draws(&self) -> bool {
        true
    }
}

impl Options for RewardWeightedRecipe {
    const NAME: &'static str = "reward_weighted";
    const ABOUT: &'static str = "Makes candidates from the source and draws from them with probabilities that grow with \
                                 their scores, instead of taking the best.";
    const KEYS: Keys = &[&SAMPLES, &DRAW, &TEMPERATURE, &TARGET_ESS, &TARGET_KL];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (samples, draw) = (fields.take(&SAMPLES), fields.take(&DRAW));
        let weighting = read_weighting(fields, Self::NAME, &TARGET_ESS);
        let (samples, draw) = (samples? as u32, draw? as u32);
        if draw > samples {
            let mistake = Mistake::new(format!("`draw` cannot be {draw}: there are only {samples} samples"))
                .hint("lower `draw` or raise `samples`");
            fields.error(&fields.span_of(DRAW.name), mistake);
        }
        if let Some(Weighting::TargetEss(target)) = weighting
            && target > f64::from(samples)
        {
            let mistake = Mistake::new(format!("`target_ess` cannot be {target}: there are only {samples} samples"))
                .hint("an effective sample size is between 1 and the number of samples");
            fields.error(&fields.span_of(TARGET_ESS.name), mistake);
        }
        Some(Self { samples, draw, weighting: weighting? })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let weighting = write_weighting(self.weighting, &TARGET_ESS);
        [SAMPLES.write(Some(&self.samples.into())), DRAW.write(Some(&self.draw.into())), weighting]
            .into_iter()
            .flatten()
            .collect()
    }
}
