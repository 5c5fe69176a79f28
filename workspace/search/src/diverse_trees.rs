//! Diverse trees: several small searches that do not know of each other's scores, so that none of them can take the
//! children of the others.
//!
//! Diverse verifier tree search (Beeching et al., "Scaling test-time compute with open models", 2024) on edits: `trees`
//! independent trees, in each of which the best candidate so far has `children` children a round; the best of all trees
//! is the verdict. A beam of the same size gives every child to the best few of all, which soon descend from one: it is
//! the better where a single hill is to be climbed, and is stuck where the hill that looks best at first is not the
//! highest.
//!
//! A parent stays in the pool of its tree, so that the best of a tree, and the best of all, never drops. No tree grows on
//! from a candidate that is the same as that of a better tree: it takes its own next best.

mod recipe;

use crate::family::{Family, Shape};
use crate::offspring::Plan;

pub use recipe::DiverseTreesRecipe;

/// How many trees there are, and how large they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreesSize {
    /// How many trees there are, from 1 to 1000.
    pub trees: u32,
    /// How many children the best candidate of each has in a round, from 1 to 1000.
    pub children: u32,
    /// Rounds of children after the first round, from 1 to 1000.
    pub depth: u32,
}

/// The policy `diverse_trees {trees, children, depth, edges, deduplicate, ties}`: `trees × children` fresh candidates,
/// `children` for each tree, then `depth` rounds in which the best of each tree has `children` children.
pub type DiverseTrees = Family<TreesSize>;

impl Shape for TreesSize {
    const NAME: &'static str = "diverse_trees";
    const PARENTS: &'static str = "trees";
    const APART: bool = true;

    fn plan(self) -> Plan {
        Plan { parents: self.trees, children: self.children, depth: self.depth }
    }

    fn of(plan: Plan) -> Self {
        Self { trees: plan.parents, children: plan.children, depth: plan.depth }
    }
}
