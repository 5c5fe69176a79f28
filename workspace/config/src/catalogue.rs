//! What recipes can name.

use crate::critics::CRITIC_KEYS;
use crate::rewards::REWARD_KEYS;
use editscale_schema::{CriticChoice, CriticKind, EditorChoice, EditorKind, Kinds, RewardChoice, RewardKind};
use editscale_search::{
    OBJECTIVES, ObjectiveChoice, ObjectiveKind, POLICIES, PolicyChoice, PolicyKind, SELECTIONS, SelectionChoice,
    SelectionKind,
};

/// What a program has for recipes to choose from, each with a name of its own.
#[derive(Debug, Clone)]
pub struct Catalogue {
    /// What makes candidates.
    pub editors: Vec<EditorKind>,
    /// What judges them.
    pub rewards: Vec<RewardKind>,
    /// What writes about them.
    pub critics: Vec<CriticKind>,
    /// What makes one score of several.
    pub objectives: Vec<ObjectiveKind>,
    /// What decides which candidates to try.
    pub policies: Vec<PolicyKind>,
    /// What chooses among the candidates of a finished search.
    pub selections: Vec<SelectionKind>,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self::new(&[], &[])
    }
}

impl Catalogue {
    /// The catalogue of these lists, in their order, with every objective, policy and selection of
    /// `editscale-search`.
    pub fn new(editors: &[&[EditorKind]], rewards: &[&[RewardKind]]) -> Self {
        Self {
            editors: editors.concat(),
            rewards: rewards.concat(),
            critics: Vec::new(),
            objectives: OBJECTIVES.to_vec(),
            policies: POLICIES.to_vec(),
            selections: SELECTIONS.to_vec(),
        }
    }

    /// The same with these critics.
    #[must_use]
    pub fn with_critics(self, critics: &[&[CriticKind]]) -> Self {
        Self { critics: critics.concat(), ..self }
    }

    pub(crate) fn editor_kinds(&self) -> Kinds<'_, dyn EditorChoice> {
        Kinds { what: "an editor", key: "editor", kinds: &self.editors, beside: &[] }
    }

    pub(crate) fn reward_kinds(&self) -> Kinds<'_, dyn RewardChoice> {
        Kinds { what: "a reward", key: "model", kinds: &self.rewards, beside: REWARD_KEYS }
    }

    pub(crate) fn critic_kinds(&self) -> Kinds<'_, dyn CriticChoice> {
        Kinds { what: "a critic", key: "model", kinds: &self.critics, beside: CRITIC_KEYS }
    }

    pub(crate) fn objective_kinds(&self) -> Kinds<'_, dyn ObjectiveChoice> {
        Kinds { what: "a way to combine rewards", key: "combine", kinds: &self.objectives, beside: &[] }
    }

    pub(crate) fn policy_kinds(&self) -> Kinds<'_, dyn PolicyChoice> {
        Kinds { what: "a policy", key: "search", kinds: &self.policies, beside: &[] }
    }

    pub(crate) fn selection_kinds(&self) -> Kinds<'_, dyn SelectionChoice> {
        Kinds { what: "a selection", key: "select", kinds: &self.selections, beside: &[] }
    }
}
