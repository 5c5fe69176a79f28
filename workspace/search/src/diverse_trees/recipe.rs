//! How recipes set the policy `diverse_trees`.

use std::sync::Arc;

use editscale_core::{Need, SearchFactory};
use editscale_schema::{Absent, Documented, Fields, Key, Keys, Options, Subtable, Whole, Yaml};

use super::{DiverseTrees, TreesSize};
use crate::likeness::Likeness;
use crate::likeness::recipe::{DEDUPLICATE, DEDUPLICATE_TABLE, read_likeness, write_likeness};
use crate::offspring::EdgeMix;
use crate::offspring::recipe::{CHILDREN, COUNT, EDGES, EDGES_TABLE, read_edges, reason, write_edges};
use crate::ties::Ties;
use crate::ties::recipe::{TIES, TIES_TABLE, read_ties, write_ties};
use crate::{PolicyChoice, PolicyError, Reason, Rules};

/// Settings of diverse trees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DiverseTreesRecipe {
    /// Trees that grow beside each other.
    pub trees: u32,
    /// Children of the best candidate of each in a round.
    pub children: u32,
    /// Rounds of children, after a first round from the source.
    pub depth: u32,
    /// How children are made.
    pub edges: EdgeMix,
    /// When candidates of two trees count as the same.
    pub deduplicate: Likeness,
    /// In which order equally good candidates come.
    pub ties: Option<Ties>,
}

const TREES: Key<Whole> = Key {
    name: "trees",
    rule: COUNT,
    absent: Absent::Refused,
    meaning: "trees that grow beside each other, each from its own best candidate",
};

const DEPTH: Key<Whole> = Key {
    name: "depth",
    rule: COUNT,
    absent: Absent::Refused,
    meaning: "rounds of children, after a first round from the source; a run makes trees × children × (depth + 1) \
              candidates, at most 100,000",
};

impl PolicyChoice for DiverseTreesRecipe {
    fn factory(&self, rules: Rules) -> Result<Arc<dyn SearchFactory>, PolicyError> {
        let Self { trees, children, depth, edges, deduplicate, ties } = *self;
        let policy = DiverseTrees::new(TreesSize { trees, children, depth }, edges, rules)?;
        Ok(Arc::new(policy.deduplicated(deduplicate).settling(ties)))
    }

    fn first_round(&self, _: bool) -> u64 {
        u64::from(self.trees) * u64::from(self.children)
    }

    fn reason(&self, need: Need) -> Reason {
        reason(need)
    }
}

impl Options for DiverseTreesRecipe {
    const NAME: &'static str = "diverse_trees";
    const ABOUT: &'static str = "Grows several trees beside each other, each from its own best candidate, and keeps the best \
                                 of all of them.";
    const KEYS: Keys = &[
        &TREES,
        &CHILDREN,
        &DEPTH,
        &EDGES as &dyn Documented,
        &DEDUPLICATE as &dyn Documented,
        &TIES as &dyn Documented,
    ];
    const SUBTABLES: &'static [Subtable] = &[EDGES_TABLE, DEDUPLICATE_TABLE, TIES_TABLE];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (trees, children, depth) = (fields.take(&TREES), fields.take(&CHILDREN), fields.take(&DEPTH));
        let (edges, deduplicate, ties) = (read_edges(fields), read_likeness(fields), read_ties(fields));
        let (trees, children, depth) = (trees? as u32, children? as u32, depth? as u32);
        Some(Self { trees, children, depth, edges: edges?, deduplicate: deduplicate?, ties })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        [
            TREES.write(Some(&self.trees.into())),
            CHILDREN.write(Some(&self.children.into())),
            DEPTH.write(Some(&self.depth.into())),
            Some(write_edges(&self.edges)),
            write_likeness(&self.deduplicate),
            write_ties(self.ties.as_ref()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
