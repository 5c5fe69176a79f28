//! The rewards that recipes can name. To add one, write its options in a file here and register them below; whoever
//! builds rewards matches on the enum.

mod editreward;
mod entries;
mod photometric;

pub use editreward::{EditRewardOptions, Fusion, RopeTables};
pub(crate) use entries::{NAME, REWARD_KEYS, REWARDS, Rewards, WEIGHT};
pub use photometric::Photometric;

use crate::schema::options::alternatives;

alternatives! {
    /// Which reward, with its options.
    RewardModel, "a reward", "model":
    /// Photographic measurements.
    Photometric(Photometric),
    /// A vision language model with two reward heads.
    EditReward(EditRewardOptions),
}
