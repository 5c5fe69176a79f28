//! Edits to score cards, in batches that share sources.

mod asking;
mod batches;
mod loading;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use editscale_core::{
    Cost, NobodyWatches, Objective, RewardItem, RewardKind, RewardModel, RewardName, Scale, Score, ScoreCard, Utility,
    Watch,
};
use futures_util::future::join_all;
use thiserror::Error;

use self::asking::Judge;
pub use self::loading::{Loaded, Loader};
use crate::Value;

/// Why rewards and an objective cannot judge a data set.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JudgesError {
    /// Nobody is there to judge.
    #[error("nobody judges: expected at least one reward")]
    NoReward,
    /// Ranks of one call mean nothing in the next.
    #[error(
        "the objective `{0}` ranks candidates against each other: expected one whose numbers compare between calls, such as `weighted`"
    )]
    Relative(String),
    /// A reward compares candidates with each other.
    #[error(
        "the reward `{0}` compares candidates with each other, so that its scores mean nothing from row to row: expected rewards that score each candidate alone"
    )]
    Listwise(RewardName),
}

/// Rewards at work, and what their scores are worth. Cheap to clone; clones share the slots of the rewards.
#[derive(Clone)]
pub struct Judges {
    judges: Vec<Judge>,
    objective: Arc<dyn Objective>,
    weights: Vec<(RewardName, f64)>,
}

impl fmt::Debug for Judges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judges").field("weights", &self.weights).finish_non_exhaustive()
    }
}

/// What was said of one edit.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// What each reward said, failures included.
    pub card: ScoreCard,
    /// What the objective makes of the means; nothing where it cannot.
    pub score: Option<f64>,
    /// The standard deviation of `score`, where every reward gives its own.
    pub sigma: Option<f64>,
    /// What was spent on it, in vain or not.
    pub cost: Cost,
}

impl Verdict {
    /// What each reward said, by `reward` for its mean and `reward.part` for its parts.
    pub fn said(&self) -> BTreeMap<String, Value> {
        let scores = self.card.iter().filter_map(|(name, said)| Some((name, said.as_ref().ok()?)));
        let numbers = scores.flat_map(|(name, score)| {
            let parts = score
                .parts()
                .iter()
                .map(move |part| (format!("{name}.{}", part.name()), Value { mean: part.mean(), sigma: part.sigma() }));
            std::iter::once((name.to_string(), Value { mean: score.mean(), sigma: score.sigma() })).chain(parts)
        });
        numbers.collect()
    }
}

impl Judges {
    /// Rewards in recipe order, and the objective that makes one number of their scores; its scale must be absolute. `weights`
    /// is what each reward counts in a weighted mean: for the standard deviation of the whole. None are given where the
    /// objective is no weighted mean; the whole has no standard deviation then.
    pub fn new(
        rewards: Vec<Arc<dyn RewardModel>>,
        objective: Arc<dyn Objective>,
        weights: Vec<(RewardName, f64)>,
    ) -> Result<Self, JudgesError> {
        if rewards.is_empty() {
            return Err(JudgesError::NoReward);
        }
        if objective.scale() == Scale::Relative {
            return Err(JudgesError::Relative(objective.revision()));
        }
        Ok(Self { judges: rewards.into_iter().map(Judge::new).collect(), objective, weights })
    }

    /// The rewards, in recipe order.
    pub fn rewards(&self) -> impl Iterator<Item = &Arc<dyn RewardModel>> {
        self.judges.iter().map(Judge::reward)
    }

    /// The rewards that compare candidates with each other, whose scores compare within one source and instruction only.
    pub fn listwise(&self) -> impl Iterator<Item = &RewardName> {
        self.rewards()
            .map(|reward| reward.card())
            .filter(|card| card.kind == RewardKind::Listwise)
            .map(|card| &card.name)
    }

    /// Refuses rewards whose scores compare within one source and instruction only.
    pub fn check_pointwise(&self) -> Result<(), JudgesError> {
        self.listwise().next().map_or(Ok(()), |reward| Err(JudgesError::Listwise(reward.clone())))
    }

    /// The rules of the objective, in one line.
    pub fn objective(&self) -> String {
        self.objective.revision()
    }

    /// Why a reward can never be asked again, where that is so: its name and the reason.
    pub fn trouble(&self) -> Option<(RewardName, String)> {
        self.rewards().find_map(|reward| Some((reward.card().name.clone(), reward.trouble()?)))
    }

    /// Asks every reward about every item; one verdict an item, in item order. Items with the same source and instruction go
    /// into the same call as far as the rewards' largest batches allow, wherever they stand in the list. Rewards are asked at
    /// the same time; what fails for a reason that may pass is asked again a few times.
    pub async fn judge(&self, items: &[RewardItem]) -> Vec<Verdict> {
        self.judge_watched(items, &NobodyWatches).await
    }

    /// The same with somebody who may cancel: what has not been judged by then has failed as cancelled. Of the watch nothing
    /// but [`Watch::cancelled`] is asked.
    pub async fn judge_watched(&self, items: &[RewardItem], watch: &dyn Watch) -> Vec<Verdict> {
        let groups = batches::groups(items);
        let asked = self.judges.iter().map(|judge| judge.ask(items, &groups, watch));
        let mut verdicts: Vec<(ScoreCard, Cost)> = vec![Default::default(); items.len()];
        for (judge, answers) in self.judges.iter().zip(join_all(asked).await) {
            for ((card, cost), (said, spent)) in verdicts.iter_mut().zip(answers) {
                card.enter(judge.name().clone(), said);
                *cost += spent;
            }
        }
        self.conclude(verdicts)
    }

    fn conclude(&self, cards: Vec<(ScoreCard, Cost)>) -> Vec<Verdict> {
        let all: Vec<&ScoreCard> = cards.iter().map(|(card, _)| card).collect();
        let mut scores = self.objective.utilities(&all).into_iter();
        let verdict = |(card, cost): (ScoreCard, Cost)| {
            let score = scores.next().flatten().map(Utility::get);
            let sigma = score.and_then(|_| self.sigma(&card));
            Verdict { card, score, sigma, cost }
        };
        cards.into_iter().map(verdict).collect()
    }

    /// The standard deviation of a weighted mean of independent scores: `√Σ(wσ)² / Σ|w|`. A reward that counts nothing is not
    /// asked for its own.
    fn sigma(&self, card: &ScoreCard) -> Option<f64> {
        let counted = || self.weights.iter().filter(|(_, weight)| *weight != 0.0);
        let total: f64 = counted().map(|(_, weight)| weight.abs()).sum();
        let term = |(reward, weight): &(RewardName, f64)| Some(weight * card.score(reward).and_then(Score::sigma)?);
        let terms: Vec<f64> = counted().map(term).collect::<Option<_>>()?;
        let sigma = terms.iter().fold(0.0, |sum: f64, term| sum.hypot(*term)) / total;
        sigma.is_finite().then_some(sigma)
    }
}
