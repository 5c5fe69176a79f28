//! The search policies that recipes can name, as plain settings; what they do is in `editscale-search`.

mod beam;
mod best_of_n;
mod reward_weighted;

use std::sync::Arc;

use editscale_core::SearchFactory;
use editscale_search::{PolicyError, Rules};

pub use beam::BeamOptions;
pub(crate) use beam::EDGE_KEYS;
pub use best_of_n::BestOfNOptions;
pub use reward_weighted::RewardWeightedOptions;

use crate::schema::options::alternatives;

alternatives! {
    /// Which policy, with its settings.
    Policy, "a policy", "search":
    /// Make N, keep the best.
    BestOfN(BestOfNOptions),
    /// Keep the best few, vary them, repeat.
    Beam(BeamOptions),
    /// Draw with probabilities that grow with the score.
    RewardWeighted(RewardWeightedOptions),
}

impl Policy {
    /// The policy at work under these rules.
    pub(crate) fn factory(&self, rules: Rules) -> Result<Arc<dyn SearchFactory>, PolicyError> {
        match self {
            Self::BestOfN(options) => options.factory(rules),
            Self::Beam(options) => options.factory(rules),
            Self::RewardWeighted(options) => options.factory(rules),
        }
    }

    /// How many candidates the first round has, where the budget allows it.
    pub(crate) fn first_round(&self, has_stop_rule: bool) -> u64 {
        match self {
            Self::BestOfN(options) => options.first_round(has_stop_rule),
            Self::Beam(options) => options.first_round(),
            Self::RewardWeighted(options) => options.first_round(has_stop_rule),
        }
    }
}
