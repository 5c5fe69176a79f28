//! What several rewards' scores are worth together.

mod conjunctive;
mod gated;
mod lower_bound;
mod mean_rank;
mod weighted;

pub use conjunctive::{Conditions, Conjunctive, ConjunctiveRecipe};
pub use gated::{GATE_KEYS, Gate, Gated, read_gate, write_gate};
pub use lower_bound::{Doubt, LowerBound, LowerBoundRecipe};
pub use mean_rank::{MeanRank, MeanRankRecipe};
pub use weighted::{Weighted, WeightedRecipe};

use crate::ObjectiveKind;
use crate::choice::objective;

/// The objectives that recipes can name.
pub const OBJECTIVES: &[ObjectiveKind] = &[
    objective::<WeightedRecipe>(),
    objective::<MeanRankRecipe>(),
    objective::<LowerBoundRecipe>(),
    objective::<ConjunctiveRecipe>(),
];
