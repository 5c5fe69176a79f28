//! Budgets that have no candidate, or fewer than a first round is of.

use editscale_core::Budget;
use editscale_schema::{Mistake, quote};
use editscale_search::PolicyChoice;

use super::Check;
use crate::Stop;
use crate::budget::{self, Limit};
use crate::sections::Sections;

/// What a search asks for up to the end of its first round.
struct Beginning<'a> {
    search: &'a dyn PolicyChoice,
    /// Its candidates.
    round: u64,
    rewards: u64,
    /// Reward calls that go to a critic before any candidate.
    critiques: u64,
}

impl Check<'_> {
    pub(super) fn budget(&self) {
        let Sections { rewards, search: Some(search), stop, budget: Some(budget), .. } = &self.sections else {
            return;
        };
        let (rewards, critiques) = (rewards.count(), search.critiques_first());
        let round = search.first_round(stop.is_some_and(Stop::is_set));
        let Some(limit) = budget::limit(budget, rewards) else { return };
        if limit.candidates == 0 {
            return self.error(&limit.path(), nothing(&limit, rewards));
        }
        let calls = budget.reward_calls.map(|calls| calls.saturating_sub(critiques));
        let Some(limit) = budget::limit(&Budget { reward_calls: calls, ..*budget }, rewards) else { return };
        if limit.candidates < round {
            let mistake = Beginning { search: &**search, round, rewards, critiques }.cut(&limit);
            self.mistakes.warn(&self.places.span(&limit.path()), mistake);
        }
    }
}

impl Beginning<'_> {
    /// That it is not gone through with.
    fn cut(&self, Limit { candidates, setting }: &Limit) -> Mistake {
        let (round, policy) = (self.round, quote(self.search.kind()));
        let is_by_edits = *setting == budget::EDITS.name;
        let calls = round.saturating_mul(self.rewards).saturating_add(self.critiques);
        let enough = if is_by_edits { round } else { calls };
        let of_critic = if is_by_edits || self.critiques == 0 { "" } else { ", as the rewriting takes a reward call" };
        let message = match candidates {
            0 => "the budget has no reward call for the rewriting, and the instruction stays as it is".to_owned(),
            _ => format!(
                "the budget ends the first round of {policy} after {candidates} of {round} candidates{of_critic}"
            ),
        };
        Mistake::new(message).hint(format!("raise `{setting}` to {enough} or more"))
    }
}

fn nothing(Limit { setting, .. }: &Limit, rewards: u64) -> Mistake {
    let message = format!("the budget does not allow to judge one candidate by {rewards} rewards");
    Mistake::new(message).hint(format!("raise `{setting}` to at least {rewards}"))
}
