//! Conjunctive scores: every reward is a condition, so that what one of them holds for nothing is worth nothing.
//!
//! A weighted mean lets a picture that was not edited win, for it keeps everything. A product does not. Scores are put between
//! 0 and 1 by `s = (μ − low)/(high − low)`, cut at both ends, and then
//!
//! * without `share`: the weighted geometric mean `Π s_i^(w_i/Σw)`; for two rewards alike this is `√(SC·PQ)`
//!   (`VIEScore`, Ku et al., arXiv:2312.14867);
//! * with `share`: `first · (1 − share + share·rest)`, where `first` is the first reward that counts and `rest` the weighted
//!   geometric mean of the others. With 0.4 it is FIRM's `Exec·(0.6 + 0.4·Consistency)`: the first is a condition, the
//!   others move what it is worth by at most that share.

use std::sync::Arc;

use editscale_core::{Objective, RewardName, Scale, ScoreCard, Utility};
use editscale_schema::{Absent, Fields, Key, Keys, Mistake, Number, Options, Yaml};

use super::weighted::terms;
use crate::{ObjectiveChoice, PolicyError};

/// What is worth nothing, what is worth all, and how much the rewards after the first can move.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conditions {
    /// The score at and below which a candidate is worth 0.
    pub low: f64,
    /// The score at and above which a reward has nothing against it; above `low`.
    pub high: f64,
    /// What the rewards after the first can take away, from 0 to 1; where absent, all are conditions alike.
    pub share: Option<f64>,
}

/// The product of what every reward says, each put between 0 and 1. A card that lacks the score of a reward that counts has no
/// utility.
#[derive(Debug, Clone, PartialEq)]
pub struct Conjunctive {
    weights: Vec<(RewardName, f64)>,
    conditions: Conditions,
}

impl Conjunctive {
    /// Weights of at least 0, at least one of them not 0, all finite; with a `share` at least two of them. A weight of 0 takes
    /// a reward out.
    pub fn new(weights: Vec<(RewardName, f64)>, conditions: Conditions) -> Result<Self, PolicyError> {
        let refuse =
            |setting, expected: &str, found: String| Err(PolicyError { setting, expected: expected.to_owned(), found });
        if let Some((_, weight)) = weights.iter().find(|(_, weight)| *weight < 0.0) {
            return refuse(
                "weight",
                "a number of at least 0, for a condition cannot count against",
                weight.to_string(),
            );
        }
        super::weighted::total(&weights)?;
        let Conditions { low, high, share } = conditions;
        if !(high - low).is_finite() || high <= low {
            return refuse("high", "a finite number above `low`", format!("{high} above {low}"));
        }
        let weights: Vec<_> = weights.into_iter().filter(|(_, weight)| *weight > 0.0).collect();
        match share {
            Some(share) if !(0.0..=1.0).contains(&share) => refuse("share", "a number from 0 to 1", share.to_string()),
            Some(share) if weights.len() < 2 => refuse("share", "a second reward that counts", share.to_string()),
            _ => Ok(Self { weights, conditions }),
        }
    }

    fn utility(&self, card: &ScoreCard) -> Option<Utility> {
        let held = |(reward, weight): &(RewardName, f64)| Some((self.held(card.score(reward)?.mean()), *weight));
        let held: Vec<(f64, f64)> = self.weights.iter().map(held).collect::<Option<_>>()?;
        let (first, rest) = held.split_first()?;
        Utility::new(match self.conditions.share {
            None => geometric_mean(&held),
            Some(share) => first.0 * (1.0 - share + share * geometric_mean(rest)),
        })
    }

    /// How far a condition is held, from 0 to 1.
    fn held(&self, score: f64) -> f64 {
        let Conditions { low, high, .. } = self.conditions;
        ((score.clamp(low, high) - low) / (high - low)).clamp(0.0, 1.0)
    }
}

/// Of values from 0 to 1, each with a weight above 0.
fn geometric_mean(values: &[(f64, f64)]) -> f64 {
    if values.iter().any(|(value, _)| *value <= 0.0) {
        return 0.0;
    }
    // Shares of the largest weight, so that no sum of weights is beyond the range of numbers.
    let largest = values.iter().map(|(_, weight)| *weight).fold(0.0, f64::max);
    let total: f64 = values.iter().map(|(_, weight)| weight / largest).sum();
    let sum: f64 = values.iter().map(|(value, weight)| weight / largest * value.ln()).sum();
    (sum / total).exp().min(1.0)
}

impl Objective for Conjunctive {
    fn scale(&self) -> Scale {
        Scale::Absolute
    }

    fn utilities(&self, cards: &[&ScoreCard]) -> Vec<Option<Utility>> {
        cards.iter().map(|card| self.utility(card)).collect()
    }

    fn revision(&self) -> String {
        let Conditions { low, high, share } = self.conditions;
        let share = share.map_or_else(String::new, |share| format!(" share={share}"));
        format!("conjunctive/1 low={low} high={high}{share} {}", terms(&self.weights))
    }
}

/// How recipes set it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConjunctiveRecipe(pub Conditions);

const LOW: Key<Number> = Key {
    name: "low",
    rule: Number::from(-1e9, 1e9),
    absent: Absent::Default(0.0),
    meaning: "the score that is worth nothing, as is any below it, for every reward",
};

const HIGH: Key<Number> = Key {
    name: "high",
    rule: Number::from(-1e9, 1e9),
    absent: Absent::Default(1.0),
    meaning: "the score beyond which more is worth no more, above `low`; rewards of other scales are put on one by `calibration`",
};

const SHARE: Key<Number> = Key {
    name: "share",
    rule: Number::from(0.0, 1.0),
    absent: Absent::Unset("all rewards are conditions alike"),
    meaning: "makes the first reward the condition, and is the most that the others together can take away from it",
};

impl Options for ConjunctiveRecipe {
    const NAME: &'static str = "conjunctive";
    const ABOUT: &'static str = "The product of all scores, so that what one reward holds for nothing is worth nothing: each \
                                 score between `low` and `high`, with its reward's `weight` as its exponent.";
    const KEYS: Keys = &[&LOW, &HIGH, &SHARE];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (low, high, share) = (fields.take(&LOW), fields.take(&HIGH), fields.take(&SHARE));
        let (low, high) = (low?, high?);
        if high <= low {
            let mistake =
                Mistake::new(format!("`high` cannot be {high}: `low` is {low}")).hint("raise `high` or lower `low`");
            fields.error(&fields.span_of(if fields.has(HIGH.name) { HIGH.name } else { LOW.name }), mistake);
        }
        Some(Self(Conditions { low, high, share }))
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let Conditions { low, high, share } = &self.0;
        [LOW.write(Some(low)), HIGH.write(Some(high)), SHARE.write(share.as_ref())].into_iter().flatten().collect()
    }
}

impl ObjectiveChoice for ConjunctiveRecipe {
    fn objective(&self, rewards: Vec<(RewardName, f64)>) -> Result<Arc<dyn Objective>, PolicyError> {
        Ok(Arc::new(Conjunctive::new(rewards, self.0)?))
    }

    fn uses_weights(&self) -> bool {
        true
    }

    fn scale(&self) -> Scale {
        Scale::Absolute
    }
}
