//! Search policies and objectives: pure decisions about what to try next and what to keep.
//!
//! Nothing here does IO, reads a clock, draws randomness or knows an editor. A policy is a checked value that starts
//! searches; each stands in a file of its own and reads from top to bottom.

mod archive;
mod beam;
mod best_of_n;
mod choice;
mod objective;
mod policy;
mod proposals;
mod reflection;
mod reward_weighted;
mod sampling;
mod stop;

pub use beam::{Beam, BeamRecipe, BeamSize, EdgeMix};
pub use best_of_n::{BestOfN, BestOfNRecipe};
pub use choice::{ObjectiveChoice, ObjectiveKind, PolicyChoice, PolicyKind, Reason};
pub use objective::OBJECTIVES;
pub use objective::{Gate, Gated, MeanRank, MeanRankRecipe, Weighted, WeightedRecipe};
pub use policy::{PolicyError, Rules};
pub use reflection::{Canvases, Reflection, ReflectionRecipe, ReflectionSize};
pub use reward_weighted::{RewardWeighted, RewardWeightedRecipe, Weighting};
pub use stop::{StopRule, StopRuleError};

use choice::policy;

/// The policies that recipes can name.
pub const POLICIES: &[PolicyKind] = &[
    policy::<BestOfNRecipe>(),
    policy::<BeamRecipe>(),
    policy::<ReflectionRecipe>(),
    policy::<RewardWeightedRecipe>(),
];
