//! What recipes can name.

use editscale_schema::{EditorKind, Kinds, RewardKind};

/// The editors and rewards that a program has. Policies and objectives are those of `editscale-search`.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// Each with a name of its own.
    pub editors: Vec<EditorKind>,
    /// Each with a name of its own.
    pub rewards: Vec<RewardKind>,
}

impl Catalogue {
    /// The catalogue of these lists, in their order.
    pub fn new(editors: &[&[EditorKind]], rewards: &[&[RewardKind]]) -> Self {
        Self { editors: editors.concat(), rewards: rewards.concat() }
    }

    pub(crate) fn editor_kinds(&self) -> Kinds<'_, dyn editscale_schema::EditorChoice> {
        Kinds { what: "an editor", key: "editor", kinds: &self.editors }
    }

    pub(crate) fn reward_kinds(&self) -> Kinds<'_, dyn editscale_schema::RewardChoice> {
        Kinds { what: "a reward", key: "model", kinds: &self.rewards }
    }
}
