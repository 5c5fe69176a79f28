//! Pictures as vision models take them: sized, resized to the last bit as Pillow does it, cut into patches.

mod bicubic;
mod patches;
mod size;

pub use bicubic::resize;
pub use patches::patches;
pub use size::{Size, SizeError, target_size};
