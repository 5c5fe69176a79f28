//! Regions: from a place named in words to a soft mask, by hue, brightness, position and saliency.
//!
//! There is no network here and nothing is learnt: what cannot be told from such evidence is said not to be found.

pub(crate) mod colours;
mod find;
mod saliency;
mod scene;
mod sky;

pub(crate) use find::doubt;
pub use find::{Mask, MaskChoice, RegionError, find};
pub use scene::Scene;
