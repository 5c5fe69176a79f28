//! Reward models.

pub mod editreward;

use editscale_schema::RewardKind;

/// The rewards of this crate that recipes can name.
pub const REWARDS: &[RewardKind] = &[RewardKind::of::<editreward::EditRewardRecipe>()];
