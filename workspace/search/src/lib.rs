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
mod diverse_trees;
mod family;
mod likeness;
mod noise_search;
mod objective;
mod offspring;
mod outlook;
mod particles;
mod path_search;
mod policy;
mod pool;
mod predictive;
mod preview_pruning;
mod price;
mod proposals;
mod reflection;
mod reward_weighted;
mod sampling;
mod selection;
mod stop;
mod thompson;
mod ties;
mod weighting;

pub use adaptive::{Adaptation, Adaptive, AdaptiveRecipe};
pub use beam::{Beam, BeamRecipe, BeamSize};
pub use best_of_n::{BestOfN, BestOfNRecipe};
pub use choice::{
    Clash, ObjectiveChoice, ObjectiveKind, PolicyChoice, PolicyKind, Reason, Surroundings, WantsFeatures,
};
pub use concluding::{Concluding, Conclusion, Finalists};
pub use diverse_trees::{DiverseTrees, DiverseTreesRecipe, TreesSize};
pub use family::Family;
pub use family::recipe::FamilyRecipe;
pub use likeness::Likeness;
pub use noise_search::{NoiseSearch, NoiseSearchRecipe, NoiseSearchSize, NoiseSteps};
pub use objective::{
    Conditions, Conjunctive, ConjunctiveRecipe, Doubt, GATE_KEYS, Gate, Gated, LowerBound, LowerBoundRecipe, MeanRank,
    MeanRankRecipe, OBJECTIVES, Weighted, WeightedRecipe, read_gate, write_gate,
};
pub use offspring::EdgeMix;
pub use particles::{
    Keep, Method, ParticleSettings, Particles, ParticlesRecipe, Potential, Preset, Resampling, Schedule, Strength,
    Tempering,
};
pub use path_search::{PathSearch, PathSearchRecipe, PathSize, PathStops};
pub use policy::{PolicyError, Rules};
pub use pool::{Probed, allot};
pub use predictive::Prior;
pub use preview_pruning::{Checkpoint, Expectation, PreviewPruning, PreviewPruningRecipe, PreviewRule, Pruning};
pub use price::{Pieces, Price, Worth};
pub use reflection::{Canvases, Reflection, ReflectionRecipe, ReflectionSize};
pub use reward_weighted::{RewardWeighted, RewardWeightedRecipe};
pub use selection::{
    Amount, BestRecipe, PessimisticRecipe, RegularisedRecipe, SELECTIONS, Selection, SelectionChoice, SelectionKind,
    SoftRecipe,
};
pub use stop::{StopRule, StopRuleError};
pub use thompson::{CostMeasure, RoutingSettings, Thompson, ThompsonRecipe};
pub use ties::Ties;
pub use weighting::Weighting;

use choice::policy;

/// The policies that recipes can name, the first of them as an example to whoever names none.
pub const POLICIES: &[PolicyKind] = &[
    policy::<BestOfNRecipe>(),
    policy::<AdaptiveRecipe>(),
    policy::<BeamRecipe>(),
    policy::<DiverseTreesRecipe>(),
    policy::<NoiseSearchRecipe>(),
    policy::<ParticlesRecipe>(),
    policy::<PathSearchRecipe>(),
    policy::<PreviewPruningRecipe>(),
    policy::<ReflectionRecipe>(),
    policy::<RewardWeightedRecipe>(),
    policy::<ThompsonRecipe>(),
];
