//! Models on candle: editors that make pictures, rewards that judge them, and what both are made of.
//!
//! From the outside in: [`device`] chooses where to compute; [`rewards`] and [`editors`] hold the models, one folder each;
//! [`encoders`] are loaded once for several of them; [`layers`] are what networks share, down to the processor's own loops;
//! [`text`] and [`pictures`] bring words and pixels into the form that networks take; [`weights`] reads tensors, [`load`] the
//! small files beside them, and [`verify`] tells all that is wrong with a folder at once.

mod cache;
pub mod device;
pub mod editors;
pub mod encoders;
mod files;
mod guard;
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
