//! Routing under way.

use std::collections::BTreeMap;

use editscale_core::{
    CandidateId, Cards, Decision, EditRequest, Objective, Proposal, Remaining, Scale, Score, ScoreCard, Search, Seed,
    StopReason, Trial, Utility,
};

use super::RoutingSettings;
use super::arms::Arms;
use super::gain::log_gain;
use super::posterior::{Observation, Pool, Posterior};
use crate::archive::Archive;
use crate::policy::Rules;
use crate::proposals::{Ground, choice_seed};

pub(super) struct Router {
    settings: RoutingSettings,
    rules: Rules,
    ground: Ground,
    arms: Arms,
    archive: Archive,
    /// Which arm made each candidate, by its number.
    made_by: Vec<usize>,
    /// How often each arm failed since it last made something.
    failing: Vec<u32>,
    /// How unsure the judges were of each candidate's utility.
    sigmas: BTreeMap<CandidateId, f64>,
}

impl Router {
    pub(super) fn new(settings: RoutingSettings, rules: &Rules, request: &EditRequest, cards: &Cards) -> Self {
        let arms = Arms::new(cards);
        Self {
            settings,
            ground: Ground::new(request, cards),
            archive: Archive::new(rules.objective.clone()),
            rules: rules.clone(),
            made_by: Vec::new(),
            failing: vec![0; arms.count()],
            sigmas: BTreeMap::new(),
            arms,
        }
    }
}

impl Search for Router {
    fn decide(&mut self, trials: &[Trial], left: &Remaining) -> Decision {
        self.learn(trials);
        let (best, without_gain) = self.archive.standing();
        if let Some(reason) = self.rules.stop.met(best, without_gain) {
            return Decision::Stop(self.archive.verdict(reason));
        }
        let wanted = self.settings.samples - self.archive.asked();
        if wanted == 0 {
            return Decision::Stop(self.archive.verdict(StopReason::Finished));
        }
        let chosen = self.chosen(wanted, left);
        if chosen.is_empty() {
            return Decision::Stop(self.archive.verdict(self.shortage()));
        }
        let ids = self.archive.asked()..;
        let proposals: Vec<Proposal> = ids.zip(&chosen).filter_map(|(id, arm)| self.proposal(id, *arm)).collect();
        self.archive.ask(&proposals);
        self.made_by.extend(chosen);
        Decision::Explore { proposals, keep: Vec::new() }
    }
}

impl Router {
    fn learn(&mut self, trials: &[Trial]) {
        self.archive.learn(trials);
        for trial in trials {
            let Some(arm) = trial.id().and_then(|id| self.made_by.get(id.0 as usize)) else { continue };
            match trial {
                Trial::Failed { .. } => self.failing[*arm] += 1,
                Trial::Scored { id, card, .. } => {
                    self.failing[*arm] = 0;
                    self.sigmas.insert(*id, sigma(&*self.rules.objective, card));
                }
                Trial::Rescored { .. } | Trial::Critique { .. } | Trial::Rewritten { .. } => {}
            }
        }
    }

    fn proposal(&self, id: u32, arm: usize) -> Option<Proposal> {
        Some(Proposal { editor: self.arms.name(arm).clone(), ..self.ground.fresh(id)? })
    }

    /// Why nobody can be asked.
    fn shortage(&self) -> StopReason {
        let is_dropped = |failed: &u32| *failed >= self.settings.drop_after;
        if !self.failing.is_empty() && self.failing.iter().all(is_dropped) {
            return StopReason::Stuck("every editor failed too often in a row".into());
        }
        self.ground.shortage()
    }

    fn is_asked(&self, arm: usize, left: &Remaining) -> bool {
        self.failing[arm] < self.settings.drop_after && self.arms.is_affordable(arm, left)
    }

    /// The arms of the next round, in order; none where nobody can be asked.
    fn chosen(&self, wanted: u32, left: &Remaining) -> Vec<usize> {
        let mut left = *left;
        let mut chosen = Vec::new();
        let mut asked = vec![0; self.arms.count()];
        self.made_by.iter().for_each(|arm| asked[*arm] += 1);
        // Everybody's first candidates are made in one go: nothing could be learnt from seeing some of them before.
        while chosen.len() < wanted as usize {
            let behind = |arm: &usize| asked[*arm] < self.settings.least && self.is_asked(*arm, &left);
            let Some(arm) = (0..self.arms.count()).filter(behind).min_by_key(|arm| asked[*arm]) else { break };
            asked[arm] += 1;
            left = self.arms.after(arm, &left);
            chosen.push(arm);
        }
        if !chosen.is_empty() {
            return chosen;
        }
        let beliefs = self.beliefs(&asked);
        for n in 0..wanted.min(self.settings.round) {
            let seed = choice_seed(self.ground.root, u64::from(self.archive.asked() + n));
            let Some(arm) = self.most_promising(&beliefs, seed, &left) else { break };
            left = self.arms.after(arm, &left);
            chosen.push(arm);
        }
        chosen
    }

    fn most_promising(&self, beliefs: &Beliefs, seed: Seed, left: &Remaining) -> Option<usize> {
        let prices = self.arms.prices(self.settings.cost, left);
        let promise = |arm: usize| {
            let (mean, deviation) = beliefs.posteriors[arm].draw(seed.mix(arm as u64));
            let promise = log_gain(mean, deviation, beliefs.best) + beliefs.successes[arm].ln() - prices[arm].ln();
            if promise.is_nan() { f64::NEG_INFINITY } else { promise }
        };
        let able = (0..self.arms.count()).filter(|arm| self.is_asked(*arm, left));
        let promises = able.map(|arm| (arm, promise(arm)));
        // Of arms that promise as much, the first.
        promises.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(arm, _)| arm)
    }

    /// What is believed of each arm, of which so many candidates were asked.
    fn beliefs(&self, asked: &[u32]) -> Beliefs {
        let mut seen: Vec<Vec<Observation>> = vec![Vec::new(); self.arms.count()];
        for placed in self.archive.placed() {
            let id = self.archive.id(placed);
            if let Some(arm) = self.made_by.get(id.0 as usize) {
                let sigma = self.sigmas.get(&id).copied().unwrap_or(0.0);
                seen[*arm].push(Observation { utility: placed.utility.get(), sigma });
            }
        }
        let pool = Pool::new(&seen);
        let posteriors: Vec<Posterior> = seen.iter().map(|seen| Posterior::new(pool, seen)).collect();
        let worths = seen.iter().zip(&posteriors).flat_map(|(seen, belief)| seen.iter().map(|seen| belief.worth(seen)));
        let best = worths.fold(f64::NEG_INFINITY, f64::max);
        let share = |(seen, asked): (&Vec<Observation>, &u32)| (seen.len() + 1) as f64 / f64::from(asked + 1);
        let successes = seen.iter().zip(asked).map(share).collect();
        let best = if best.is_finite() { best } else { 0.0 };
        Beliefs { posteriors, successes, best }
    }
}

/// What is believed of the arms before a round.
struct Beliefs {
    posteriors: Vec<Posterior>,
    /// The share of an arm's candidates that have a utility, one success added.
    successes: Vec<f64>,
    /// What the best candidate so far is worth.
    best: f64,
}

/// The standard deviation of a card's utility, from those of its scores: how far it moves with each of them, added in squares. None
/// under ranks, which one card alone does not move.
fn sigma(objective: &dyn Objective, card: &ScoreCard) -> f64 {
    if objective.scale() == Scale::Relative {
        return 0.0;
    }
    let utility = |card: &ScoreCard| objective.utilities(&[card]).first().copied().flatten().map(Utility::get);
    let Some(here) = utility(card) else { return 0.0 };
    let mut variance = 0.0;
    for (name, said) in card.iter() {
        let Ok(score) = said else { continue };
        let Some(sigma) = score.sigma().filter(|sigma| *sigma > 0.0) else { continue };
        let Ok(moved) = Score::with_sigma(score.mean() + sigma, Some(sigma)) else { continue };
        let mut other = card.clone();
        other.enter(name.clone(), Ok(moved.with_parts(score.parts().to_vec())));
        variance += utility(&other).map_or(0.0, |there| (there - here).powi(2));
    }
    if variance.is_finite() { variance.sqrt() } else { 0.0 }
}
