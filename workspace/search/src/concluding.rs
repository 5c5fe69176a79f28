//! What is made of a finished search: its finalists are judged again, and the choice among candidates is made by a selection.
//!
//! It is laid over any policy, and leaves the search alone: what the policy tries, keeps and stops at is as it was. When the
//! policy stops,
//!
//! 1. the selection puts its candidates in order: what it draws comes first;
//! 2. the first few are the finalists, and are judged again as often as wanted and as the budget still allows;
//! 3. finalists are ranked by the mean of what was said of them now, and not by what was said before. Who leads among many
//!    scores with noise leads by luck too (the winner's curse), and a fresh score has no part in that luck. Candidates
//!    that were not judged again keep their places after them, for their scores still have that luck in them.
//!
//! A finalist that could not be judged again is none, and keeps its place and score. One that fails a gate by what is said now is
//! barred as any other would be.

use std::collections::BTreeMap;
use std::sync::Arc;

use editscale_core::{
    CandidateId, Cards, Cost, Decision, EditRequest, Extent, Need, Objective, Ranked, Remaining, RewardName, RewardSet,
    Search, SearchFactory, Seed, Trial, Usd, Utility, Verdict,
};

use crate::policy::check_count;
use crate::proposals::choice_seed;
use crate::selection::{Lot, Preference, Seen, Selection};
use crate::{PolicyError, Rules};

/// Which of a policy's own choices the draw is: beyond any that a policy makes while it searches.
const SELECTING: u64 = 1 << 40;

/// Who is judged again when a search ends, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finalists {
    /// How many, at least 2: one would win whatever is said of it.
    pub count: u32,
    /// How often each reward is asked about each, at least once.
    pub votes: u32,
    /// Which rewards are asked; all where none is named.
    pub rewards: Vec<RewardName>,
}

/// What is done when a search ends.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Conclusion {
    /// How the choice among the candidates is made; nothing where the policy's own order stands.
    pub selection: Option<Selection>,
    /// Who is judged again; nobody where absent.
    pub finalists: Option<Finalists>,
}

/// A policy with a conclusion of its searches.
#[derive(Debug, Clone)]
pub struct Concluding {
    policy: Arc<dyn SearchFactory>,
    objective: Arc<dyn Objective>,
    conclusion: Conclusion,
}

impl Concluding {
    /// `policy`, which goes by `rules`, with this conclusion.
    pub fn new(policy: Arc<dyn SearchFactory>, rules: &Rules, conclusion: Conclusion) -> Result<Self, PolicyError> {
        if let Some(selection) = conclusion.selection {
            selection.check()?;
        }
        if let Some(finalists) = &conclusion.finalists {
            finalists.check()?;
        }
        Ok(Self { policy, objective: Arc::clone(&rules.objective), conclusion })
    }
}

impl Finalists {
    /// The most finalists, and the most votes on each.
    pub const MOST: u32 = 1000;

    fn check(&self) -> Result<(), PolicyError> {
        check_count("votes", self.votes, u64::from(Self::MOST))?;
        if (2..=Self::MOST).contains(&self.count) {
            return Ok(());
        }
        let expected = format!("a whole number from 2 to {}", Self::MOST);
        Err(PolicyError { setting: "count", expected, found: self.count.to_string() })
    }

    fn revision(&self) -> String {
        let names: Vec<&str> = self.rewards.iter().map(RewardName::as_str).collect();
        let rewards = if names.is_empty() { String::new() } else { format!(" by={}", names.join(",")) };
        format!("finalists/1 count={} votes={}{rewards}", self.count, self.votes)
    }

    fn reward_set(&self) -> RewardSet {
        if self.rewards.is_empty() { RewardSet::All } else { RewardSet::Only(self.rewards.clone()) }
    }

    /// How many judgements they take at most after `candidates`, and what these cost together at most.
    pub fn most(&self, cards: &Cards, candidates: u64) -> (u64, Cost) {
        let (rewards, vote) = self.asked(cards);
        let count = u64::from(self.count).min(candidates);
        let votes = if count < 2 { 0 } else { count * u64::from(self.votes) };
        let times = |amount: u64| amount.saturating_mul(votes);
        let usd = Usd { micros: times(vote.usd.micros) };
        (votes * rewards.len() as u64, Cost { nfe: times(vote.nfe), tokens: times(vote.tokens), usd })
    }

    /// Those of the run's rewards that are asked, and what one vote of all of them costs at most.
    fn asked(&self, cards: &Cards) -> (Vec<RewardName>, Cost) {
        let asked = cards.rewards.iter().filter(|card| self.rewards.is_empty() || self.rewards.contains(&card.name));
        let mut cost = Cost::default();
        asked.clone().for_each(|card| cost += card.cost);
        (asked.map(|card| card.name.clone()).collect(), cost)
    }
}

impl SearchFactory for Concluding {
    fn revision(&self) -> String {
        let Conclusion { selection, finalists } = &self.conclusion;
        let selection = selection.map(|selection| format!(" select {}", selection.revision()));
        let finalists = finalists.as_ref().map(|finalists| format!(" {}", finalists.revision()));
        let words = [selection, finalists].into_iter().flatten().collect::<String>();
        format!("{}{words}", self.policy.revision())
    }

    fn needs(&self) -> Vec<Need> {
        // Finalists are compared with each other alone, and never more of them than the policy has compared already.
        self.policy.needs()
    }

    fn largest_run(&self) -> u64 {
        self.policy.largest_run()
    }

    fn most(&self, cards: &Cards, edits: u64) -> Extent {
        self.policy.most(cards, edits)
    }

    fn planned(&self, cards: &Cards, edits: u64) -> Option<Extent> {
        self.policy.planned(cards, edits)
    }

    fn looks(&self) -> bool {
        self.policy.looks() || matches!(self.conclusion.selection, Some(Selection::Regularised { .. }))
    }

    fn start(&self, request: &EditRequest, cards: &Cards) -> Box<dyn Search> {
        let asked = self.conclusion.finalists.as_ref().map(|finalists| finalists.asked(cards));
        let (rewards, vote) = asked.unwrap_or_default();
        Box::new(Running {
            search: self.policy.start(request, cards),
            rules: self.clone(),
            root: request.seed,
            rewards,
            vote,
            seen: BTreeMap::new(),
            last_round: None,
        })
    }
}

struct Running {
    search: Box<dyn Search>,
    rules: Concluding,
    root: Seed,
    /// The rewards that finalists are judged by, and what one vote of them all costs at most.
    rewards: Vec<RewardName>,
    vote: Cost,
    seen: BTreeMap<CandidateId, Seen>,
    last_round: Option<LastRound>,
}

/// The finalists are being judged.
struct LastRound {
    /// What the search and the selection came to without them.
    verdict: Verdict,
    /// What the selection adds to utilities, in the verdict's order.
    bonus: Vec<f64>,
}

impl Search for Running {
    fn decide(&mut self, trials: &[Trial], left: &Remaining) -> Decision {
        if let Some(last_round) = self.last_round.take() {
            return Decision::Stop(self.after(last_round, trials));
        }
        trials.iter().for_each(|trial| self.learn(trial));
        match self.search.decide(trials, left) {
            Decision::Stop(verdict) => self.conclude(verdict, left),
            other => other,
        }
    }
}

impl Running {
    fn learn(&mut self, trial: &Trial) {
        match trial {
            Trial::Scored { id, hash, card, .. } => {
                self.seen.insert(*id, Seen { card: card.clone(), hash: *hash });
            }
            Trial::Rescored { id, card } => {
                if let Some(seen) = self.seen.get_mut(id) {
                    seen.card = std::mem::take(&mut seen.card).updated(card);
                }
            }
            Trial::Critique { .. } | Trial::Rewritten { .. } | Trial::Failed { .. } => {}
        }
    }

    /// The verdict of the search as the selection has it, or its finalists for another judgement.
    fn conclude(&mut self, verdict: Verdict, left: &Remaining) -> Decision {
        let Preference { order, chances, draw, bonus } = self.preference(&verdict.ranked);
        let chance = |place: usize| chances.as_ref().map(|chances| chances[place]);
        let placed = |place: &usize| match chance(*place) {
            None => verdict.ranked[*place].clone(),
            chance => Ranked { selection_probability: chance, ..verdict.ranked[*place].clone() },
        };
        let ranked = order.iter().map(placed).collect();
        let bonus = order.iter().map(|place| bonus[*place]).collect();
        let verdict = Verdict { ranked, draw: draw.or(verdict.draw), ..verdict };
        match self.last_round(&verdict, left) {
            None => Decision::Stop(verdict),
            Some(decision) => {
                self.last_round = Some(LastRound { verdict, bonus });
                decision
            }
        }
    }

    fn preference(&self, ranked: &[Ranked]) -> Preference {
        let Some(selection) = self.rules.conclusion.selection.filter(|_| !ranked.is_empty()) else {
            return Preference::as_they_stand(ranked.len());
        };
        let utilities: Vec<f64> = ranked.iter().map(|ranked| ranked.utility.get()).collect();
        let nothing = Seen::default();
        let seen: Vec<&Seen> = ranked.iter().map(|ranked| self.seen.get(&ranked.id).unwrap_or(&nothing)).collect();
        // Where there is a last round, those who are drawn are in it.
        let finalists = self.rules.conclusion.finalists.as_ref().map(|finalists| finalists.count);
        let draw = finalists.unwrap_or_else(|| selection.draws());
        selection.prefer(&utilities, &seen, Lot { draw, unit: choice_seed(self.root, SELECTING).unit() })
    }

    /// As many finalists as wanted and as often, or as the budget allows: fewer votes on each before fewer finalists, and no
    /// last round where fewer than two could be judged.
    fn last_round(&self, verdict: &Verdict, left: &Remaining) -> Option<Decision> {
        let finalists = self.rules.conclusion.finalists.as_ref().filter(|_| !self.rewards.is_empty())?;
        let affordable = left.judged(self.rewards.len() as u64, self.vote);
        let there = u64::from(finalists.count).min(verdict.ranked.len() as u64);
        let count = there.min(affordable);
        if count < 2 {
            return None;
        }
        let votes = (affordable / count).min(u64::from(finalists.votes)) as u32;
        let who = verdict.ranked.iter().take(count as usize).map(|ranked| ranked.id).collect();
        Some(Decision::Judge { who, rewards: finalists.reward_set(), votes })
    }

    /// The verdict once the finalists were judged again.
    fn after(&self, LastRound { verdict, bonus }: LastRound, trials: &[Trial]) -> Verdict {
        let said: BTreeMap<CandidateId, &Trial> =
            trials.iter().filter_map(|trial| Some((trial.id()?, trial))).collect();
        let (mut finalists, mut others) = (Vec::new(), Vec::new());
        for (ranked, bonus) in verdict.ranked.into_iter().zip(bonus) {
            match said.get(&ranked.id).and_then(|trial| self.judged_again(trial)) {
                Some(seen) => finalists.push((ranked, bonus, seen)),
                None => others.push(ranked),
            }
        }
        let cards: Vec<_> = finalists.iter().map(|(_, _, seen)| &seen.card).collect();
        let utilities = self.rules.objective.utilities(&cards);
        let mut best: Vec<(f64, Ranked)> = finalists
            .iter()
            .zip(utilities)
            .filter_map(|((ranked, bonus, _), utility)| Some(judged(ranked, *bonus, utility?)))
            .collect();
        best.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let ranked = best.into_iter().map(|(_, ranked)| ranked).chain(others).collect();
        Verdict { ranked, ..verdict }
    }

    /// What is known of a finalist now, if every reward that was asked had its say.
    fn judged_again(&self, trial: &Trial) -> Option<Seen> {
        let Trial::Rescored { id, card } = trial else { return None };
        let seen = self.seen.get(id).filter(|_| self.rewards.iter().all(|reward| card.score(reward).is_some()))?;
        Some(Seen { card: seen.card.clone().updated(card), hash: seen.hash })
    }
}

/// A finalist with its new utility, and what it is ranked by.
fn judged(ranked: &Ranked, bonus: f64, utility: Utility) -> (f64, Ranked) {
    (utility.get() + bonus, Ranked { utility, ..ranked.clone() })
}
