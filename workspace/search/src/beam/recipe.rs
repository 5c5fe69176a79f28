//! How recipes set the policy `beam`.

use super::BeamSize;
use crate::family::recipe::{FamilyRecipe, Told};

/// Settings of iterative refinement.
pub type BeamRecipe = FamilyRecipe<BeamSize>;

impl Told for BeamSize {
    const ABOUT: &'static str = "Keeps the best few candidates, makes children of each, lets parents compete with \
                                 children, and repeats.";
    const PARENT: &'static str = "candidates that live on from round to round";
    const ROUNDS: &'static str = "rounds of children, after a first round from the source; a run makes \
                                  width × children × (depth + 1) candidates, at most 100,000";
}
