//! The size that is asked for, given the sizes that can be had.

use editscale_core::ImageSize;

/// Which sizes can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SizeRule {
    /// Any.
    Any,
    /// Sides that are multiples of this.
    MultipleOf(u32),
    /// The same, where the longer side is at most so many times the shorter.
    MultipleWithin {
        /// What sides are multiples of.
        step: u32,
        /// The greatest proportion of the sides.
        proportion: u32,
    },
    /// These alone.
    OneOf(Vec<ImageSize>),
}

impl SizeRule {
    /// The nearest size that can be had: by proportion first, then by area.
    pub(crate) fn nearest(&self, wanted: ImageSize) -> ImageSize {
        match self {
            Self::Any => wanted,
            Self::MultipleOf(step) => {
                let side = |side: u32| nearest_multiple(side, (*step).max(1));
                ImageSize { width: side(wanted.width), height: side(wanted.height) }
            }
            Self::MultipleWithin { step, proportion } => {
                let ImageSize { width, height } = Self::MultipleOf(*step).nearest(wanted);
                let step = (*step).max(1);
                // The shorter side grows: nothing of what was asked for is lost.
                let least = |side: u32| side.div_ceil((*proportion).max(1)).div_ceil(step).saturating_mul(step);
                ImageSize { width: width.max(least(height)), height: height.max(least(width)) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::editors::openai_images::Profile;

    #[test]
    fn the_nearest_size_is_taken() {
        let size = |(width, height)| ImageSize { width, height };
        for (model, wanted, expected) in [
            ("gpt-image-1", (1000, 1000), (1024, 1024)),
            ("gpt-image-1-mini", (4000, 3000), (1536, 1024)),
            ("gpt-image-1", (600, 900), (1024, 1536)),
            ("gpt-image-2", (1000, 7), (1008, 336)),
            ("gpt-image-2", (500, 3000), (1008, 3008)),
            ("gpt-image-2", (1024, 640), (1024, 640)),
        ] {
            assert_eq!(Profile::OpenAi.sizes(model).nearest(size(wanted)), size(expected), "{model} {wanted:?}");
        }
        assert_eq!(Profile::Generic.sizes("any").nearest(size((7, 9))), size((7, 9)));
    }
}
