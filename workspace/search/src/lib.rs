//! Search policies and objectives: pure decisions about what to try next and what to keep.
//!
//! Nothing here does IO, reads a clock, draws randomness or knows an editor. A policy is a checked value that starts
//! searches; each stands in a file of its own and reads from top to bottom.

mod adaptive;
mod archive;
mod beam;
mod best_of_n;
mod choice;
mod objective;
mod policy;
mod predictive;
mod preview_pruning;
mod price;
mod proposals;
mod reward_weighted;
mod sampling;
mod stop;

pub use adaptive::{Adaptation, Adaptive, AdaptiveRecipe};
pub use beam::{Beam, BeamRecipe, BeamSize, EdgeMix};
pub use best_of_n::{BestOfN, BestOfNRecipe};
pub use choice::{Clash, ObjectiveChoice, ObjectiveKind, PolicyChoice, PolicyKind, Reason, Surroundings};
pub use objective::OBJECTIVES;
pub use objective::{
    GATE_KEYS, Gate, Gated, MeanRank, MeanRankRecipe, Weighted, WeightedRecipe, read_gate, write_gate,
};
pub use policy::{PolicyError, Rules};
pub use predictive::Prior;
pub use preview_pruning::{Checkpoint, Expectation, PreviewPruning, PreviewPruningRecipe, PreviewRule, Pruning};
pub use price::{Pieces, Price, Worth};
pub use reward_weighted::{RewardWeighted, RewardWeightedRecipe, Weighting};
pub use stop::{StopRule, StopRuleError};

use choice::policy;

/// The policies that recipes can name.
pub const POLICIES: &[PolicyKind] = &[
    policy::<BestOfNRecipe>(),
    policy::<AdaptiveRecipe>(),
    policy::<BeamRecipe>(),
    policy::<PreviewPruningRecipe>(),
    policy::<RewardWeightedRecipe>(),
];
