//! What a run chose and how the choice was made, for its lines on the terminal and for its report.
//!
//! The chosen candidate is not always the one with the highest score: a draw, a selection, ties and finalists choose otherwise, and
//! then it is said who chose, and what the highest score was.

use editscale_config::{Recipe, Settings};
use editscale_core::{Ending, Need, Ranked, Scale, Utility};
use editscale_engine::RunRecord;
use editscale_schema::quote;
use editscale_search::{Finalists, ObjectiveChoice, Selection};

use crate::catalogue::catalogue;

/// The choice of a run that has come to an end.
#[derive(Debug)]
pub(crate) struct Choice<'r> {
    record: &'r RunRecord,
    /// Nothing where this program does not read the recipe any more; then less is told.
    recipe: Option<Recipe>,
}

impl<'r> Choice<'r> {
    pub(crate) fn of(record: &'r RunRecord) -> Self {
        let recipe = Recipe::parse(record.manifest.resolved_recipe.as_bytes(), &catalogue());
        Self { record, recipe: recipe.ok().map(|(recipe, _)| recipe) }
    }

    /// What the recipe sets.
    pub(crate) fn settings(&self) -> Option<&Settings> {
        self.recipe.as_ref().map(Recipe::settings)
    }

    /// Every candidate with a utility, the chosen one first.
    pub(crate) fn ranked(&self) -> &'r [Ranked] {
        self.record.outcome.as_ref().map_or(&[], |outcome| &outcome.verdict.ranked)
    }

    pub(crate) fn chosen(&self) -> Option<&'r Ranked> {
        self.ranked().first()
    }

    /// The first of those with the highest score, where that is not the chosen one's.
    pub(crate) fn higher(&self) -> Option<&'r Ranked> {
        let chosen = self.chosen()?;
        let highest = self.ranked().iter().rev().max_by_key(|ranked| ranked.utility)?;
        (highest.utility > chosen.utility).then_some(highest)
    }

    /// Whether the chosen one was chosen as the one with the highest score, and by nothing else.
    pub(crate) fn is_the_best(&self) -> bool {
        self.higher().is_none() && !self.is_drawn() && self.judged_again() == 0
    }

    /// Whether utilities are ranks: these are told as ranks.
    pub(crate) fn is_by_rank(&self) -> bool {
        self.recipe.as_ref().is_some_and(|recipe| recipe.objective().scale() == Scale::Relative)
    }

    /// A utility as people read it: a score, or a rank of which 1 is the best.
    pub(crate) fn value(&self, utility: Utility) -> String {
        if self.is_by_rank() { format!("{:.2}", -utility.get()) } else { format!("{:.3}", utility.get()) }
    }

    /// What somebody has whose value is more than another's.
    pub(crate) fn better(&self) -> &'static str {
        if self.is_by_rank() { "a better mean rank" } else { "a higher score" }
    }

    fn is_drawn(&self) -> bool {
        self.record.outcome.as_ref().is_some_and(|outcome| outcome.verdict.draw.is_some())
    }

    /// How many of the verdict's, from the first, are those that were drawn. None where finalists were judged again, who stand in
    /// another order.
    pub(crate) fn drawn(&self) -> usize {
        let draw = self.record.outcome.as_ref().and_then(|outcome| outcome.verdict.draw);
        let drawn = draw.and_then(|draw| draw.drawn).unwrap_or_default();
        if self.judged_again() == 0 { drawn as usize } else { 0 }
    }

    /// How many candidates were judged again.
    fn judged_again(&self) -> usize {
        self.record.candidates.iter().filter(|candidate| candidate.votes_again > 0).count()
    }

    /// Who chose, as the end of "… 0.531, …".
    pub(crate) fn how(&self) -> Option<String> {
        let settings = self.settings()?;
        let select = settings.select.as_ref().filter(|select| select.selection().is_some());
        let by = quote(select.map_or_else(|| settings.search.kind(), |select| select.kind()));
        let drawn = if self.is_drawn() { format!("drawn by {by}") } else { format!("chosen by {by}") };
        Some(match self.judged_again() {
            0 => drawn,
            count => {
                format!("the best of {count} finalists ({drawn}) by what was said of them when they were judged again")
            }
        })
    }

    /// In figures, why another candidate was not worth it, where the search ended for that.
    pub(crate) fn why_enough(&self) -> Option<String> {
        // What finalists were given when they were judged again is not what the search ended by; and doubt is held against what
        // another one would bring too.
        let is_doubted =
            |combine: &dyn ObjectiveChoice| combine.assumed_doubt().is_some() || combine.needs().contains(&Need::Sigma);
        let settings = self.settings()?;
        if settings.finalists.is_some() || is_doubted(&*settings.combine) {
            return None;
        }
        let mut utilities: Vec<f64> = self.ranked().iter().map(|ranked| ranked.utility.get()).collect();
        utilities.sort_by(|a, b| b.total_cmp(a));
        let (asked, rewards) = (self.record.candidates.len() as u32, settings.rewards.len() as u32);
        settings.search.why_enough(&utilities, asked, rewards)
    }

    /// What the dial of the draw is called.
    pub(crate) fn dial(&self) -> &'static str {
        let select = self.settings().and_then(|settings| settings.select.as_ref()?.selection());
        match select {
            Some(Selection::Pessimistic { .. }) => "β of the pessimistic draw",
            _ => "Temperature of the draw",
        }
    }

    /// What is missing of the last judgement of finalists that the recipe asks for, where the run was ended by its search.
    pub(crate) fn shortage(&self) -> Option<String> {
        let Finalists { count, votes, .. } = self.settings()?.finalists.as_ref()?;
        self.record.outcome.as_ref().filter(|outcome| outcome.ending == Ending::Search)?;
        let due = (*count as usize).min(self.ranked().len());
        let judged = self.judged_again();
        let asked = self.record.candidates.iter().map(|candidate| candidate.votes_again).max().unwrap_or_default();
        if due < 2 || (judged >= due && asked >= *votes) {
            return None;
        }
        if judged == 0 {
            return Some("no finalist was judged again: the budget does not reach so far".to_owned());
        }
        let votes = if asked < *votes { format!(", {asked} instead of {votes} times") } else { String::new() };
        Some(format!("{judged} of {due} finalists were judged again{votes}: the budget does not reach further"))
    }
}
