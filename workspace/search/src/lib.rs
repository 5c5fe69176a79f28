//! Search policies and objectives: pure decisions about what to try next and what to keep.
//!
//! Nothing here does IO, reads a clock, draws randomness or knows an editor. A policy is a checked value that starts
//! searches; each stands in a file of its own and reads from top to bottom.

mod adaptive;
mod archive;
mod beam;
mod best_of_n;
mod choice;
mod concluding;
mod objective;
mod policy;
mod predictive;
mod preview_pruning;
mod price;
mod proposals;
mod reward_weighted;
mod sampling;
mod selection;
mod stop;
mod weighting;

pub use adaptive::{Adaptation, Adaptive, AdaptiveRecipe};
pub use beam::{Beam, BeamRecipe, BeamSize, EdgeMix};
pub use best_of_n::{BestOfN, BestOfNRecipe};
pub use choice::{Clash, ObjectiveChoice, ObjectiveKind, PolicyChoice, PolicyKind, Reason, Surroundings};
pub use concluding::{Concluding, Conclusion, Finalists};
pub use objective::OBJECTIVES;
pub use objective::{
    Conditions, Conjunctive, ConjunctiveRecipe, Doubt, GATE_KEYS, Gate, Gated, LowerBound, LowerBoundRecipe, MeanRank,
    MeanRankRecipe, Weighted, WeightedRecipe, read_gate, write_gate,
};
pub use policy::{PolicyError, Rules};
pub use predictive::Prior;
pub use preview_pruning::{Checkpoint, Expectation, PreviewPruning, PreviewPruningRecipe, PreviewRule, Pruning};
pub use price::{Pieces, Price, Worth};
pub use reward_weighted::{RewardWeighted, RewardWeightedRecipe};
pub use selection::{
    Amount, BestRecipe, PessimisticRecipe, RegularisedRecipe, SELECTIONS, Selection, SelectionChoice, SelectionKind,
    SoftRecipe,
};
pub use stop::{StopRule, StopRuleError};
pub use weighting::Weighting;

use choice::policy;

/// The policies that recipes can name.
pub const POLICIES: &[PolicyKind] =
    &[policy::<AdaptiveRecipe>(), policy::<BeamRecipe>(), policy::<BestOfNRecipe>(), policy::<RewardWeightedRecipe>()];
