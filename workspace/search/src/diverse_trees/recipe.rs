//! How recipes set the policy `diverse_trees`.

use super::TreesSize;
use crate::family::recipe::{FamilyRecipe, Told};

/// Settings of diverse trees.
pub type DiverseTreesRecipe = FamilyRecipe<TreesSize>;

impl Told for TreesSize {
    const ABOUT: &'static str = "Grows several trees beside each other, each from its own best candidate, and keeps the best \
                                 of all of them.";
    const PARENT: &'static str = "trees that grow beside each other, each from its own best candidate";
    const ROUNDS: &'static str = "rounds of children, after a first round from the source; a run makes \
                                  trees × children × (depth + 1) candidates, at most 100,000";
}
