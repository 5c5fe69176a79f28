//! Models on candle: weights, the layers that models share, and the models themselves.

mod cache;
pub mod device;
pub mod editors;
pub mod layers;
pub mod load;
pub mod pictures;
pub mod recipe;
pub mod rewards;
pub mod text;
pub mod verify;
pub mod weights;

use editscale_schema::{EditorKind, RewardKind};

use crate::editors::flux_kontext::FluxKontextRecipe;
use crate::editors::instruct_pix2pix::InstructPix2PixRecipe;
use crate::rewards::editreward::EditRewardRecipe;

/// The editors of this crate that recipes can name.
pub const EDITORS: &[EditorKind] = &[EditorKind::of::<InstructPix2PixRecipe>(), EditorKind::of::<FluxKontextRecipe>()];

/// The rewards of this crate that recipes can name.
pub const REWARDS: &[RewardKind] = &[RewardKind::of::<EditRewardRecipe>()];
