//! How proposals are made: ids and seeds are counted from the request's root seed.

use std::sync::Arc;

use editscale_core::{
    CandidateId, Cards, Cost, Edge, EditRequest, EditorCard, EditorName, KnobSpec, Knobs, Ledger, Lineage, Noise,
    Proposal, Remaining, Seed, Start, StopReason, Until,
};

/// A second sequence of seeds, for choices that are no candidate's own. Any constant would do that no candidate's
/// number reaches.
const CHOICES: u64 = 1 << 52;

/// The seed of the `n`-th choice that a policy makes itself.
pub(crate) fn choice_seed(root: Seed, n: u64) -> Seed {
    root.mix(CHOICES).mix(n)
}

/// What a policy knows of the request and the cards.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    pub(crate) root: Seed,
    /// What editors are told: the request's own instruction, unless a critic rewrote it.
    pub(crate) instruction: Arc<str>,
    pub(crate) editor: Option<EditorName>,
    pub(crate) knobs: Vec<KnobSpec>,
    card: Option<EditorCard>,
    judging: Cost,
    rewards: u64,
}

impl Ground {
    pub(crate) fn new(request: &EditRequest, cards: &Cards) -> Self {
        let editor = cards.editors.first();
        Self {
            root: request.seed,
            instruction: request.instruction.shared(),
            editor: editor.map(|card| card.name.clone()),
            knobs: editor.map_or_else(Vec::new, |card| card.knobs.clone()),
            card: editor.cloned(),
            judging: cards.judging(),
            rewards: cards.rewards.len() as u64,
        }
    }

    /// How many of `wanted` candidates the budget still has.
    pub(crate) fn affordable(&self, wanted: u64, left: &Remaining) -> u32 {
        if self.editor.is_none() {
            return 0;
        }
        wanted.min(left.candidates(self.edit(), self.rewards, self.judging)) as u32
    }

    /// The most that one edit costs.
    fn edit(&self) -> Cost {
        self.card.as_ref().map_or_else(Cost::default, |card| card.cost)
    }

    /// The most that a leg of a candidate's way takes of a budget: from its beginning, or from the step at which it is paused, to
    /// where it is judged. Only what begins is an edit. Tokens and money are set aside for the whole of it then, so that later
    /// legs take none.
    pub(crate) fn leg(&self, from: Option<u32>, until: Until, noise: Noise) -> Ledger {
        let mut cost = match (&self.card, self.fresh(0)) {
            (Some(card), Some(fresh)) => {
                let leg = Proposal { until, noise, ..fresh.clone() };
                let paused = from.map(|step| Proposal { until: Until::Step(step), ..fresh });
                paused.map_or_else(|| card.cost_of(&leg), |paused| card.rest_of(&leg, &paused, card.cost))
            }
            _ => Cost::default(),
        };
        cost += self.judging;
        Ledger { edits: u64::from(from.is_none()), reward_calls: self.rewards, cost, ..Ledger::default() }
    }

    /// How many candidates the budget still has, of `wanted`, if before each of them a critic is asked, which costs at most
    /// `critique` and counts as a reward call.
    pub(crate) fn criticised(&self, wanted: u64, critique: Cost, left: &Remaining) -> u32 {
        let mut judging = self.judging;
        judging += critique;
        if self.editor.is_none() {
            0
        } else {
            wanted.min(left.candidates(self.edit(), self.rewards + 1, judging)) as u32
        }
    }

    /// Why nothing can be made, where [`Self::affordable`] says 0.
    pub(crate) fn shortage(&self) -> StopReason {
        if self.editor.is_some() { StopReason::Budget } else { StopReason::Stuck("the run has no editor".into()) }
    }

    /// A candidate from the source, with a seed of its own.
    pub(crate) fn fresh(&self, id: u32) -> Option<Proposal> {
        Some(Proposal {
            id: CandidateId(id),
            editor: self.editor.clone()?,
            start: Start::Source,
            until: Until::Finished,
            seed: self.root.mix(u64::from(id)),
            noise: Noise::Own,
            instruction: Arc::clone(&self.instruction),
            knobs: Knobs::default(),
            lineage: Lineage { parent: None, edge: Edge::Fresh },
        })
    }

    /// `count` of them, numbered from `first`.
    pub(crate) fn all_fresh(&self, first: u32, count: u32) -> Vec<Proposal> {
        (first..first + count).filter_map(|id| self.fresh(id)).collect()
    }
}
