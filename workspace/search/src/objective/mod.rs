//! What several rewards' scores are worth together.

mod gated;
mod mean_rank;
mod weighted;

pub use gated::{Gate, Gated};
pub use mean_rank::{MeanRank, MeanRankRecipe};
pub use weighted::{Weighted, WeightedRecipe};
