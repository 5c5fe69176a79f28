//! Adaptive budget: draw while another candidate is expected to bring more than it costs.
//!
//! Pandora's box with equal boxes (Weitzman 1979; for best-of-N arXiv:2510.01394): the fair cap τ solves E[(v − τ)⁺] = c,
//! where c is what an edit and its judgements cost, and the search stops once its best is at least τ. The scores'
//! distribution is learned as they come ([`Moments`]): a first few draws, the probe, tell how hard the request is.
//!
//! A draw that fails costs as well: with a share p of draws that come to something, τ solves p·E[(v − τ)⁺] = c.

mod recipe;

use editscale_core::{
    Cards, Decision, EditRequest, Need, Proposal, Remaining, Scale, Search, SearchFactory, StopReason, Trial,
};

use crate::archive::Archive;
use crate::outlook::Outlook;
use crate::policy::{MOST_CANDIDATES, PolicyError, Rules, check_count};
use crate::predictive::{Moments, Predictive, Prior};
use crate::price::{Meter, Price};
use crate::proposals::Ground;

pub use recipe::AdaptiveRecipe;
pub(crate) use recipe::{price_clashes, price_misfits};

/// How far an adaptive search goes, and by what it stops.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adaptation {
    /// Candidates in all, at most, from 1 to 100,000.
    pub most: u32,
    /// Candidates of the first round, from which it is learned how much the scores differ; at most `most`.
    pub probe: u32,
    /// Candidates between two looks, at most, from 1 to 100,000.
    pub round: u32,
    /// What a candidate costs.
    pub price: Price,
    /// What is known of the scores before.
    pub prior: Option<Prior>,
    /// By how many standard errors the distribution is believed to be better than it looks, from 0 to 10.
    pub optimism: f64,
}

/// The policy `adaptive {most, probe, round, cost | worth, prior, optimism}`.
#[derive(Debug, Clone)]
pub struct Adaptive {
    settings: Adaptation,
    rules: Rules,
}

impl Adaptive {
    /// Up to `most` fresh candidates, fewer where another is not worth its cost.
    pub fn new(settings: Adaptation, rules: Rules) -> Result<Self, PolicyError> {
        check_count("most", settings.most, MOST_CANDIDATES)?;
        check_count("probe", settings.probe, u64::from(settings.most))?;
        check_count("round", settings.round, MOST_CANDIDATES)?;
        settings.price.check()?;
        check_prior(settings.prior)?;
        check_optimism(settings.optimism)?;
        check_scale(&rules)?;
        Ok(Self { settings, rules })
    }
}

/// The version of the rules: where doubt is held against scores, the second fits their spread without it.
pub(crate) fn version(rules: &Rules) -> u32 {
    if rules.objective.doubts(&[]).is_some() { 2 } else { 1 }
}

/// Costs are in units of utility, which ranks have none of.
pub(crate) fn check_scale(rules: &Rules) -> Result<(), PolicyError> {
    if rules.objective.scale() == Scale::Absolute {
        return Ok(());
    }
    let expected = "scores that compare between rounds, as `weighted` gives".to_owned();
    Err(PolicyError { setting: "combine", expected, found: "an objective of ranks".to_owned() })
}

fn check_optimism(found: f64) -> Result<(), PolicyError> {
    if (0.0..=10.0).contains(&found) {
        return Ok(());
    }
    let expected = "a number from 0 to 10".to_owned();
    Err(PolicyError { setting: "optimism", expected, found: found.to_string() })
}

fn check_prior(prior: Option<Prior>) -> Result<(), PolicyError> {
    let Some(Prior { mean, spread, strength }) = prior else { return Ok(()) };
    let is_good = mean.is_none_or(f64::is_finite) && spread.is_finite() && spread >= 0.0;
    if is_good && strength.is_finite() && strength > 0.0 {
        return Ok(());
    }
    let expected = "a finite mean, a spread of at least 0 and a strength above 0".to_owned();
    Err(PolicyError { setting: "prior", expected, found: format!("{mean:?}, {spread}, {strength}") })
}

impl SearchFactory for Adaptive {
    fn revision(&self) -> String {
        let Adaptation { most, probe, round, price, prior, optimism } = self.settings;
        let prior = prior.map_or_else(String::new, Prior::revision);
        let (price, rules) = (price.revision(), self.rules.revision());
        let version = version(&self.rules);
        format!("adaptive/{version} most={most} probe={probe} round={round}{price}{prior} optimism={optimism}{rules}")
    }

    fn needs(&self) -> Vec<Need> {
        vec![Need::Pointwise]
    }

    fn largest_run(&self) -> u64 {
        u64::from(self.settings.most)
    }

    fn start(&self, request: &EditRequest, cards: &Cards) -> Box<dyn Search> {
        Box::new(Running {
            policy: self.clone(),
            ground: Ground::new(request, cards),
            archive: Archive::new(self.rules.objective.clone()),
            meter: Meter::new(self.settings.price, cards),
        })
    }
}

struct Running {
    policy: Adaptive,
    ground: Ground,
    archive: Archive,
    meter: Meter,
}

impl Search for Running {
    fn decide(&mut self, trials: &[Trial], left: &Remaining) -> Decision {
        self.archive.learn(trials);
        self.meter.read(left);
        let next = self.next(left);
        if let Ok(proposals) = &next {
            self.meter.ask(proposals.len() as f64);
        }
        self.archive.decision(next)
    }
}

impl Running {
    fn next(&self, left: &Remaining) -> Result<Vec<Proposal>, StopReason> {
        self.archive.go_on(&self.policy.rules.stop)?;
        let asked = self.archive.asked();
        if asked >= self.policy.settings.most {
            return Err(StopReason::Finished);
        }
        let wanted = self.wanted(asked);
        if wanted == 0 {
            return Err(StopReason::Enough);
        }
        match self.ground.affordable(u64::from(wanted), left) {
            0 => Err(self.ground.shortage()),
            count => Ok(self.ground.all_fresh(asked, count)),
        }
    }

    /// The size of the next round: as many as are each worth their cost, although none of them sees the others.
    fn wanted(&self, asked: u32) -> u32 {
        let Adaptation { most, probe, round, .. } = self.policy.settings;
        if asked < probe {
            return probe - asked;
        }
        let most = round.min(most - asked);
        let utilities: Vec<f64> = self.archive.placed().iter().map(|placed| placed.utility.get()).collect();
        let Some((best, next)) = utilities.first().zip(self.outlook(&utilities)) else {
            // Nothing is known that could be too little to go on for.
            return most;
        };
        next.worth_at_once(*best, self.meter.costs().candidate() / success(utilities.len(), asked), most)
    }

    /// What the next candidate may bring. The distribution is fitted to what is said of candidates, doubt apart.
    fn outlook(&self, utilities: &[f64]) -> Option<Outlook> {
        let doubts = self.archive.doubts().unwrap_or_default();
        let doubted = doubts.iter().copied().chain(std::iter::repeat(0.0));
        let said = utilities.iter().zip(doubted).map(|(utility, doubt)| utility + doubt);
        Some(Outlook::new(self.policy.settings.prediction(said)?, &doubts))
    }
}

/// The share of draws that come to something: of one draw more than there were, so that failures alone never make success
/// impossible.
fn success(scored: usize, asked: u32) -> f64 {
    (scored as f64 + 1.0) / (f64::from(asked) + 1.0)
}

impl Adaptation {
    fn prediction(&self, scores: impl Iterator<Item = f64>) -> Option<Predictive> {
        Some(Moments::of(scores).predictive(self.prior)?.raised(self.optimism))
    }

    /// What another draw is expected to bring where nobody's doubt is held against it; and where it costs the same always, what it
    /// costs and the fair cap.
    fn figures(&self, scores: &[f64], asked: u32, rewards: u32) -> Option<(f64, Option<[f64; 2]>)> {
        let (best, next) = scores.first().zip(self.prediction(scores.iter().copied()))?;
        let success = success(scores.len(), asked);
        let cost = match self.price {
            Price::Cost(pieces) => Some(pieces.edit + pieces.reward * f64::from(rewards)),
            Price::Worth(_) => None,
        };
        Some((success * next.excess(*best), cost.map(|cost| [cost, next.fair_cap(cost / success)])))
    }
}

#[cfg(test)]
mod tests;
