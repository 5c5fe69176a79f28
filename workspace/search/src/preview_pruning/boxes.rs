//! Candidates that are under way, and what is known of what becomes of them.

use editscale_core::{CandidateId, Proposal};

use super::line::{Expectation, Line};
use super::way::Way;
use crate::predictive::{Moments, Predictive};
use crate::price::Costs;

/// How far a candidate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It is being made as far as the next look.
    Begun,
    /// It was looked at, and waits with the others of its wave for what is decided on all of them.
    Seen,
    /// It waits to be finished.
    Open,
    /// It is being finished.
    Finishing,
    /// Given up, though it could be finished.
    Dropped,
    /// Finished, or failed.
    Done,
}

/// One candidate.
#[derive(Debug, Clone)]
pub(super) struct Boxed {
    /// By which it came to where it is, or is coming.
    pub(super) proposal: Proposal,
    /// What its previews scored, first one first; nothing for one that nobody could judge.
    pub(super) scores: Vec<Option<f64>>,
    /// Whether its last preview met the gates.
    pub(super) passes: bool,
    pub(super) state: State,
}

impl Boxed {
    pub(super) fn new(proposal: Proposal) -> Self {
        Self { proposal, scores: Vec::new(), passes: true, state: State::Begun }
    }

    pub(super) fn id(&self) -> CandidateId {
        self.proposal.id
    }

    /// The number of its last look, from 0.
    pub(super) fn look(&self) -> usize {
        self.scores.len().saturating_sub(1)
    }

    pub(super) fn last_score(&self) -> Option<f64> {
        self.scores.last().copied().flatten()
    }

    fn score(&self, look: usize) -> Option<f64> {
        self.scores.get(look).copied().flatten()
    }
}

/// What all candidates so far tell of those to come.
#[derive(Debug)]
pub(super) struct Forecast<'w> {
    way: &'w Way,
    costs: Costs,
    /// The line from the last look to the finished candidate.
    to_end: Line,
    /// Mean and standard deviation of a fresh candidate's score at the last look, where they are known.
    fresh: Option<(f64, f64)>,
}

/// The points at which a standard normal number is looked at, and half their distance from each other.
const GRID: [i32; 2] = [-16, 16];
const STEP: f64 = 0.25;

impl<'w> Forecast<'w> {
    /// From all candidates, and the finished ones as pairs of last preview's score and utility. `success` is the share of
    /// candidates that come to something.
    pub(super) fn new(
        way: &'w Way,
        all: &[Boxed],
        pairs: &[(f64, f64)],
        (costs, expected): (Costs, Expectation),
    ) -> Self {
        let last = way.looks().saturating_sub(1);
        let at = |look: usize| Moments::of(all.iter().filter_map(|one| one.score(look)));
        let (first_scores, last_scores) = (at(0), at(last));
        let to_end = Line::fit(last_scores, pairs, expected);
        let fresh = if last == 0 {
            first_scores.spread().map(|spread| (first_scores.mean, spread))
        } else {
            // Those that came to the last look were the better ones at the first: a line leads back to all of them.
            let both = |one: &Boxed| Some((one.score(0)?, one.score(last)?));
            let both: Vec<(f64, f64)> = all.iter().filter_map(both).collect();
            let between = Line::fit(first_scores, &both, Expectation { spread: None, ..expected });
            first_scores.spread().and_then(|spread| between.unseen(first_scores.mean, spread))
        };
        Self { way, costs, to_end, fresh }
    }

    /// What finishing a candidate costs after a look.
    pub(super) fn finishing(&self, look: usize) -> f64 {
        self.way.rest(look) * self.costs.edit + self.costs.judging
    }

    /// What a candidate comes to whose last preview had this score.
    pub(super) fn finished(&self, score: f64) -> Option<Predictive> {
        self.to_end.after(score)
    }

    /// Whether a candidate that is not begun is worth beginning where `best` is had anyway: whether its index is above.
    pub(super) fn is_worth_beginning(&self, best: f64) -> bool {
        let Some((mean, spread)) = self.fresh else { return true };
        let last = self.way.looks().saturating_sub(1);
        let looks = self.way.looks() as f64;
        let begin = self.way.share(last) * self.costs.edit + looks * (self.costs.judging + self.costs.preview);
        let finish = self.finishing(last);
        let gain = |n: i32| {
            let z = f64::from(n) * STEP;
            let weight = STEP * (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
            let next = self.finished(mean + z * spread)?;
            Some(weight * (next.excess(best) - finish).max(0.0))
        };
        let [from, to] = GRID;
        // What cannot be computed with is gone on with: the plan bounds it.
        (from..=to).map(gain).sum::<Option<f64>>().is_none_or(|gain| gain > begin)
    }
}
