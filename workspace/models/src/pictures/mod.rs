//! Pictures in other sizes, to the last bit as Pillow makes them, and as PyTorch does.

mod resample;

pub use resample::{Filter, planes, resize};

/// Height and width in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    /// Pixels from top to bottom.
    pub height: usize,
    /// Pixels from left to right.
    pub width: usize,
}
