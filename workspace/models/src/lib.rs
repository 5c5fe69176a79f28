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

pub use editors::EDITORS;
pub use rewards::REWARDS;
