//! What a beam and diverse trees are told alike: how children are made, who is the same as whom, and what is best.

pub(crate) mod recipe;

use editscale_core::{Cards, EditRequest};

use crate::archive::Archive;
use crate::likeness::Likeness;
use crate::offspring::{EdgeMix, Offspring};
use crate::policy::{PolicyError, Rules};
use crate::ties::Ties;

/// The settings of a policy whose candidates have children.
#[derive(Debug, Clone)]
pub(crate) struct Family {
    pub(crate) edges: EdgeMix,
    pub(crate) likeness: Likeness,
    pub(crate) ties: Option<Ties>,
    pub(crate) rules: Rules,
}

impl Family {
    /// Equal pictures are counted once; of equally good ones the one asked for first wins.
    pub(crate) fn new(edges: EdgeMix, rules: Rules) -> Result<Self, PolicyError> {
        edges.check()?;
        Ok(Self { edges, likeness: Likeness::default(), ties: None, rules })
    }

    /// The settings in words for a policy's revision.
    pub(crate) fn revision(&self) -> String {
        let ties = self.ties.map_or_else(String::new, Ties::revision);
        format!("{}{}{ties}{}", self.edges.revision(), self.likeness.revision(), self.rules.revision())
    }

    /// Whether they go by how pictures look.
    pub(crate) fn looks(&self) -> bool {
        self.likeness.looks() || self.ties.is_some()
    }

    /// The record of a search under these settings, and what makes its children.
    pub(crate) fn begin(&self, request: &EditRequest, cards: &Cards) -> (Archive, Offspring) {
        let archive = Archive::new(self.rules.objective.clone()).settling(self.ties);
        (archive, Offspring::new(self.edges, request, cards))
    }
}
