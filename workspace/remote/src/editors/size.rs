//! The size that is asked for, given the sizes that can be had.

use editscale_core::ImageSize;

use crate::SetupError;

/// Which sizes can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SizeRule {
    /// Any.
    Any,
    /// Sides that are multiples of this.
    MultipleOf(u32),
    /// These alone.
    OneOf(Vec<ImageSize>),
}

impl SizeRule {
    /// Refuses a list without sizes.
    pub(crate) fn check(&self) -> Result<(), SetupError> {
        match self {
            Self::OneOf(sizes) if sizes.is_empty() => Err(SetupError::setting("sizes", "at least one", &"none")),
            _ => Ok(()),
        }
    }

    /// The nearest size that can be had: by proportion first, then by area.
    pub(crate) fn nearest(&self, wanted: ImageSize) -> ImageSize {
        match self {
            Self::Any => wanted,
            Self::MultipleOf(step) => {
                let side = |side: u32| nearest_multiple(side, (*step).max(1));
                ImageSize { width: side(wanted.width), height: side(wanted.height) }
            }
            Self::OneOf(sizes) => {
                let better = |a: &&ImageSize, b: &&ImageSize| distance(**a, wanted).total_cmp(&distance(**b, wanted));
                sizes.iter().min_by(better).copied().unwrap_or(wanted)
            }
        }
    }
}

fn nearest_multiple(side: u32, step: u32) -> u32 {
    let steps = (f64::from(side) / f64::from(step)).round().max(1.0);
    (steps as u32).saturating_mul(step)
}

/// How far apart two sizes are: a factor in proportion counts ten times as much as one in area.
fn distance(a: ImageSize, b: ImageSize) -> f64 {
    let proportion = |size: ImageSize| (f64::from(size.width) / f64::from(size.height)).ln();
    let area = |size: ImageSize| (f64::from(size.width) * f64::from(size.height)).ln();
    10.0 * (proportion(a) - proportion(b)).abs() + (area(a) - area(b)).abs()
}
