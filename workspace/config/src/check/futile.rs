//! What a recipe asks for that cannot come to anything: warned about, for it would run all the same.

use editscale_schema::{Mistake, Mistakes, list};
use editscale_search::Finalists;

use super::Check;
use crate::budget;
use crate::recipe::{Recipe, Reward};

impl Check<'_> {
    /// Likeness by features that no reward gives.
    pub(super) fn features(&self) {
        let (Some(search), Some(rewards)) = (&self.sections.search, self.sections.rewards.all()) else { return };
        if rewards.is_empty() || rewards.iter().any(|reward| reward.model.gives_features()) {
            return;
        }
        if let Some(want) = search.wants_features() {
            let mistake = Mistake::new(format!("{}: no reward gives features", want.otherwise))
                .hint("write `photometric: {features: true}`, also with `weight: 0`, or leave it out");
            self.warn(&format!("search.{}.{}", search.kind(), want.setting), mistake);
        }
    }

    /// Finalists judged again by whom nothing new can be heard, or by whom nothing hangs on.
    pub(super) fn last_round(&self) {
        let (Ok(Some(finalists)), Some(rewards)) = (&self.sections.finalists, self.sections.rewards.all()) else {
            return;
        };
        let asked: Vec<&Reward> = rewards.iter().filter(|reward| is_asked(finalists, reward)).collect();
        if asked.is_empty() {
            return;
        }
        let names = list(asked.iter().map(|reward| reward.name.as_str()));
        let uses_weights = self.sections.combine.as_ref().is_some_and(|combine| combine.uses_weights());
        let gates = self.sections.gates.as_deref().unwrap_or_default();
        let counts = |reward: &&&Reward| {
            !uses_weights || reward.weight != 0.0 || gates.iter().any(|gate| gate.reward == reward.name)
        };
        if asked.iter().filter(counts).count() == 0 {
            let mistake = Mistake::new(format!("finalists are judged again by {names}, of weight 0: nothing changes"))
                .hint("give it a weight, name another reward, or leave `finalists` out");
            self.warn("finalists.rewards", mistake);
        } else if asked.iter().all(|reward| reward.model.repeats_itself()) {
            let mistake =
                Mistake::new(format!("finalists are judged again by {names}, and the same is said each time"))
                    .hint("leave `finalists` out, or add a judge whose answers differ");
            self.warn("finalists", mistake);
        }
    }

    fn warn(&self, path: &str, mistake: Mistake) {
        self.mistakes.warn(&self.places.span(path), mistake);
    }
}

/// A budget that may leave nothing for finalists.
pub(super) fn budget_of_finalists(recipe: &Recipe, mistakes: &Mistakes<'_>) {
    let settings = recipe.settings();
    let (Some(finalists), Some(calls)) = (&settings.finalists, settings.budget.reward_calls) else { return };
    let rewards = settings.rewards.len() as u64;
    let planned = recipe.search_factory().largest_run();
    let made = budget::limit(&settings.budget, rewards).map_or(planned, |limit| limit.candidates.min(planned));
    let search = made.saturating_mul(rewards).saturating_add(settings.search.critiques());
    let asked = settings.rewards.iter().filter(|reward| is_asked(finalists, reward)).count() as u64;
    let wanted = u64::from(finalists.count).min(made) * u64::from(finalists.votes) * asked;
    let left = calls.saturating_sub(search);
    if left < wanted {
        let message = format!("the search may leave {left} of the {wanted} reward calls that finalists take");
        let hint = format!("raise `reward_calls` to {} or more", search.saturating_add(wanted));
        mistakes.warn(&recipe.places.span("budget.reward_calls"), Mistake::new(message).hint(hint));
    }
}

fn is_asked(finalists: &Finalists, reward: &Reward) -> bool {
    finalists.rewards.is_empty() || finalists.rewards.contains(&reward.name)
}
