//! Pictures as vision models take them: sized, resized to the last bit as Pillow does it, cut into patches.

mod patches;
mod resample;
mod size;

pub use patches::patches;
pub use resample::{Filter, resize};
pub use size::{Size, SizeError, target_size};
