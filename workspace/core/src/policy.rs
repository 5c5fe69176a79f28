//! The weights that an editor works with, where a trainer makes new ones while candidates are collected.

use std::fmt;
use std::sync::Arc;

use crate::{EditorName, Failure, FailureKind};

/// Weights for an editor to work with from here on.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyWeights {
    /// What the trainer calls them.
    pub version: Arc<str>,
    /// What they are, and where.
    pub kind: PolicyKind,
    /// How strongly an adapter counts; 1 as it was trained. Means nothing for other kinds.
    pub scale: f32,
}

/// What weights are, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyKind {
    /// What the editor began with: whatever its recipe names, a recipe's own adapter included.
    Base,
    /// Low-rank additions to what the editor began with, at this path as the editor sees files. They take the place of
    /// an adapter that the recipe names or that was adopted before.
    Adapter(Arc<str>),
    /// A whole model, at this path as the editor sees files.
    Checkpoint(Arc<str>),
}

impl PolicyWeights {
    /// What the editor began with, under a version.
    pub fn base(version: impl Into<Arc<str>>) -> Self {
        Self { version: version.into(), kind: PolicyKind::Base, scale: 1.0 }
    }

    /// An adapter as strong as it was trained.
    pub fn adapter(version: impl Into<Arc<str>>, path: impl Into<Arc<str>>) -> Self {
        Self { version: version.into(), kind: PolicyKind::Adapter(path.into()), scale: 1.0 }
    }

    /// A whole model.
    pub fn checkpoint(version: impl Into<Arc<str>>, path: impl Into<Arc<str>>) -> Self {
        Self { version: version.into(), kind: PolicyKind::Checkpoint(path.into()), scale: 1.0 }
    }
}

impl fmt::Display for PolicyWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, kind, scale } = self;
        match kind {
            PolicyKind::Base => write!(f, "policy `{version}` (what the editor began with)"),
            PolicyKind::Adapter(path) => write!(f, "policy `{version}` (the adapter `{path}`, scale {scale})"),
            PolicyKind::Checkpoint(path) => write!(f, "policy `{version}` (the checkpoint `{path}`)"),
        }
    }
}

/// Weights that an editor has taken up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdoptedPolicy {
    /// What the trainer calls them.
    pub version: Arc<str>,
    /// What tells these weights from all others: the digest of an adapter's file, a server's own sum of its weights,
    /// the card's revision for what the editor began with.
    pub checksum: Arc<str>,
}

/// Which weights an editor can take up, asked before anything runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PolicySupport {
    /// Low-rank adapters, and what it began with.
    pub adapters: bool,
    /// Whole models, and what it began with.
    pub checkpoints: bool,
}

impl PolicySupport {
    /// Whether it can take up weights of this kind.
    pub fn allows(self, kind: &PolicyKind) -> bool {
        match kind {
            PolicyKind::Base => self.adapters || self.checkpoints,
            PolicyKind::Adapter(_) => self.adapters,
            PolicyKind::Checkpoint(_) => self.checkpoints,
        }
    }

    /// The failure of an editor that is asked for weights that it cannot take up; none where it can.
    pub fn refusal(self, editor: &EditorName, weights: &PolicyWeights) -> Option<Failure> {
        let can = match (self.adapters, self.checkpoints) {
            (false, false) => "it takes up no other weights than those it began with",
            (true, false) => "it takes up adapters only",
            (false, true) => "it takes up checkpoints only",
            (true, true) => return None,
        };
        let message = || format!("editor `{editor}` cannot take up {weights}: {can}");
        (!self.allows(&weights.kind)).then(|| Failure::new(FailureKind::Invalid, message()))
    }

    /// What an editor answers that takes up no weights.
    pub(crate) fn none(editor: &EditorName, weights: &PolicyWeights) -> Failure {
        let message = || format!("editor `{editor}` cannot take up {weights}");
        let refusal = Self::default().refusal(editor, weights);
        refusal.unwrap_or_else(|| Failure::new(FailureKind::Invalid, message()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;

    #[test]
    fn an_editor_is_asked_only_for_what_it_can_take_up() {
        let all = [PolicyWeights::base("v"), PolicyWeights::adapter("v", "a"), PolicyWeights::checkpoint("v", "c")];
        let cases = [
            (false, false, [false, false, false]),
            (true, false, [true, true, false]),
            (false, true, [true, false, true]),
            (true, true, [true, true, true]),
        ];
        let name = EditorName::new("kontext").unwrap();
        for (adapters, checkpoints, expected) in cases {
            let support = PolicySupport { adapters, checkpoints };
            assert_eq!(all.each_ref().map(|weights| support.allows(&weights.kind)), expected);
            assert_eq!(all.each_ref().map(|weights| support.refusal(&name, weights).is_none()), expected);
        }
        let refusal = PolicySupport { adapters: true, checkpoints: false }.refusal(&name, &all[2]).unwrap();
        let expected = "editor `kontext` cannot take up policy `v` (the checkpoint `c`): it takes up adapters only";
        assert_eq!(refusal.to_string(), expected);
    }
}
