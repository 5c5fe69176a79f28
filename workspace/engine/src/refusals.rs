//! When a run has shown that its request is refused, so that more candidates would be asked for in vain.

use std::collections::BTreeSet;

use editscale_core::{EditorName, FailureKind, Proposal, Trial};

use crate::job::Ports;

/// Fewer refusals than this may be chance: what a server lets pass can depend on the seed.
const FEWEST: usize = 4;

/// What came of all candidates so far, as far as refusals go.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    refused: usize,
    by: BTreeSet<EditorName>,
    /// Whether anything but a refusal came of any of them.
    is_otherwise: bool,
}

impl Refusals {
    /// Takes in who is asked for candidates.
    pub(crate) fn ask(&mut self, proposals: &[Proposal]) {
        self.by.extend(proposals.iter().map(|proposal| proposal.editor.clone()));
    }

    /// Takes in what came of a round of candidates.
    pub(crate) fn learn(&mut self, trials: &[Trial]) {
        let is_refused = |trial: &Trial| matches!(trial, Trial::Failed { why, .. } if why.kind == FailureKind::Refused);
        let refused = trials.iter().filter(|trial| is_refused(trial)).count();
        self.refused += refused;
        self.is_otherwise |= refused < trials.len();
    }

    /// Whether every candidate was refused, by every editor that there is, and nobody could find other words: whatever came next
    /// would begin at the same picture with the same instruction.
    pub(crate) fn are_final(&self, ports: &Ports) -> bool {
        let mut editors = ports.editors.iter();
        !self.is_otherwise
            && self.refused >= FEWEST
            && ports.critics.is_empty()
            && editors.all(|editor| self.by.contains(&editor.card().name))
    }
}
