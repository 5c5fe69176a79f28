//! The lower confidence bound: what a score is worth when its judge's doubt is held against it.
//!
//! `u = Σ (w·μ − κ·|w|·σ) / Σ|w|`. The bound is taken of each reward before the weighted mean, as if all judges erred together:
//! judges that learnt from like data do, and the mean of the bounds is then a bound whatever their errors have to do with each
//! other. (Independent errors would add in squares and give a milder bound.) A reward with a negative weight is doubted in
//! the other direction. Upper bounds explore (Auer et al. 2002); for a last choice among scores that were maximised over, the
//! lower bound takes back what the maximum adds to noise.

use std::sync::Arc;

use editscale_core::{Need, Objective, RewardName, Scale, ScoreCard, Utility};
use editscale_schema::{Absent, Fields, Key, Keys, Number, Options, Yaml};

use super::weighted::terms;
use crate::{ObjectiveChoice, PolicyError, Reason};

/// How far below its mean a score is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Doubt {
    /// κ, in standard deviations: at least 0, where 0 takes the means as they are.
    pub kappa: f64,
    /// The σ of scores that come without one, in units of the score; at least 0. Where absent, a card with such a score has no
    /// utility: to take σ as 0 would favour judges that say nothing of their doubt.
    pub assumed_sigma: Option<f64>,
}

/// The weighted mean of `μ − κσ`. As in [`Weighted`](crate::Weighted), a card that lacks a weighted reward's score has no utility.
#[derive(Debug, Clone, PartialEq)]
pub struct LowerBound {
    weights: Vec<(RewardName, f64)>,
    total: f64,
    doubt: Doubt,
}

impl LowerBound {
    /// At least one weight that is not 0, all finite.
    pub fn new(weights: Vec<(RewardName, f64)>, doubt: Doubt) -> Result<Self, PolicyError> {
        check_doubt("kappa", Some(doubt.kappa))?;
        check_doubt("assumed_sigma", doubt.assumed_sigma)?;
        let total = super::weighted::total(&weights)?;
        Ok(Self { weights, total, doubt })
    }

    fn utility(&self, card: &ScoreCard) -> Option<Utility> {
        let sum: f64 =
            self.weights.iter().map(|(reward, weight)| self.term(card, reward, *weight)).sum::<Option<f64>>()?;
        Utility::new(sum / self.total)
    }

    fn term(&self, card: &ScoreCard, reward: &RewardName, weight: f64) -> Option<f64> {
        if weight == 0.0 {
            return Some(0.0);
        }
        let mean = card.score(reward)?.mean();
        Some(weight * mean - self.doubted(card, reward, weight)?)
    }

    /// What a reward's term is lowered by.
    fn doubted(&self, card: &ScoreCard, reward: &RewardName, weight: f64) -> Option<f64> {
        let sigma = card.score(reward)?.sigma().or(self.doubt.assumed_sigma)?;
        Some(self.doubt.kappa * weight.abs() * sigma)
    }

    fn lowered(&self, card: &ScoreCard) -> Option<f64> {
        let counting = self.weights.iter().filter(|(_, weight)| *weight != 0.0);
        let sum: f64 = counting.map(|(reward, weight)| self.doubted(card, reward, *weight)).sum::<Option<f64>>()?;
        Some(sum / self.total)
    }
}

fn check_doubt(setting: &'static str, found: Option<f64>) -> Result<(), PolicyError> {
    match found {
        Some(value) if !value.is_finite() || value < 0.0 => {
            Err(PolicyError { setting, expected: "a finite number of at least 0".to_owned(), found: value.to_string() })
        }
        _ => Ok(()),
    }
}

impl Objective for LowerBound {
    fn utilities(&self, cards: &[&ScoreCard]) -> Vec<Option<Utility>> {
        cards.iter().map(|card| self.utility(card)).collect()
    }

    fn doubts(&self, cards: &[&ScoreCard]) -> Option<Vec<f64>> {
        (self.doubt.kappa > 0.0).then(|| cards.iter().map(|card| self.lowered(card).unwrap_or_default()).collect())
    }

    fn scale(&self) -> Scale {
        Scale::Absolute
    }

    fn revision(&self) -> String {
        let Doubt { kappa, assumed_sigma } = self.doubt;
        let assumed = assumed_sigma.map_or_else(String::new, |sigma| format!(" assumed_sigma={sigma}"));
        format!("lower_bound/1 kappa={kappa}{assumed} {}", terms(&self.weights))
    }
}

/// How recipes set it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LowerBoundRecipe(pub Doubt);

const KAPPA: Key<Number> = Key {
    name: "kappa",
    rule: Number::from(0.0, 100.0),
    absent: Absent::Default(1.0),
    meaning: "κ in μ − κσ: by how many of its standard deviations each score is lowered",
};

const ASSUMED_SIGMA: Key<Number> = Key {
    name: "assumed_sigma",
    rule: Number::from(0.0, 1e9),
    absent: Absent::Unset("every reward that counts must say how sure it is"),
    meaning: "the standard deviation of scores that come without one, on the reward's own scale",
};

impl Options for LowerBoundRecipe {
    const NAME: &'static str = "lower_bound";
    const ABOUT: &'static str =
        "The mean of μ − κσ, each score less its judge's doubt, weighted by each reward's `weight`.";
    const KEYS: Keys = &[&KAPPA, &ASSUMED_SIGMA];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (kappa, assumed_sigma) = (fields.take(&KAPPA), fields.take(&ASSUMED_SIGMA));
        Some(Self(Doubt { kappa: kappa?, assumed_sigma }))
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let keys = [KAPPA.write(Some(&self.0.kappa)), ASSUMED_SIGMA.write(self.0.assumed_sigma.as_ref())];
        keys.into_iter().flatten().collect()
    }
}

impl ObjectiveChoice for LowerBoundRecipe {
    fn objective(&self, rewards: Vec<(RewardName, f64)>) -> Result<Arc<dyn Objective>, PolicyError> {
        Ok(Arc::new(LowerBound::new(rewards, self.0)?))
    }

    fn uses_weights(&self) -> bool {
        true
    }

    fn scale(&self) -> Scale {
        Scale::Absolute
    }

    fn needs(&self) -> Vec<Need> {
        // Without κ there is no doubt to hold against anybody, but a score without σ still counts as one that is lacking.
        if self.0.assumed_sigma.is_some() { Vec::new() } else { vec![Need::Sigma] }
    }

    fn reason(&self, _: Need) -> Reason {
        let hint = "choose a reward that says how sure it is, or leave `combine` out; beside such a reward, `assumed_sigma` says it for \
                    this one";
        Reason { setting: None, hint }
    }

    fn assumed_doubt(&self) -> Option<&'static str> {
        self.0.assumed_sigma.map(|_| ASSUMED_SIGMA.name)
    }
}
