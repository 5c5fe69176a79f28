//! Measures of judges against people, and of judges against each other.
//!
//! Where published code computes something else than its words say, the measure is here twice: a name that ends in
//! `_as_published` gives that code's value, quirks included, so that it can be set beside printed tables; the plain
//! name gives the statistically right value. Published code is `EditReward/evaluate/eval_bench.py` of
//! TIGER-AI-Lab/EditReward at commit `edb027e`, unless a function names another source.

mod averages;
mod chance;
mod edit_reward_bench;
mod held_out;
mod human_order;
mod pairwise;
mod per_group;
mod position;
mod published_order;
mod strict;
mod tie_threshold;
mod two_judges;

pub use averages::{
    GroupRho, fisher_average, fisher_average_as_published, plain_average, plain_average_as_published,
    weighted_fisher_average,
};
pub use chance::{
    ChanceLevel, GuessedGroup, Simulation, guessed_verdicts, random_scores, random_strict_accuracy,
    random_strict_accuracy_as_published,
};
pub use edit_reward_bench::{BenchPart, PRINTED_RANDOM, PublishedBench, RightBench, edit_reward_bench};
pub use held_out::{HeldOut, held_out_threshold};
pub use human_order::{HumanOrder, Preference};
pub use pairwise::{
    Pair, PairCounts, accuracy_without_ties, accuracy_without_ties_as_published, count_pairs, pairs_of_group,
};
pub use per_group::{Rated, pooled_spearman, pooled_tau_b, spearman_by_group, z_scored_spearman_as_published};
pub use position::{BothOrders, PositionBias, SwapTally, first_place_bias, swap_tally};
pub use published_order::{PublishedOrder, StrictOrder};
pub use strict::{ScoredGroup, strict_accuracy, strict_accuracy_as_published, strict_order_as_published};
pub use tie_threshold::{Calibrated, best_threshold, best_threshold_as_published};
pub use two_judges::{SignAgreement, sign_agreement};
