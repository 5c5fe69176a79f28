//! The sizes of pictures: those that are read, and those that are made.

use crate::pictures::Size;

/// Sides are multiples of this.
const MULTIPLE: f64 = 32.0;

/// The size of about `pixels` pixels in the shape of another, each side rounded to a multiple of 32, halves to the even one, and
/// at least one of them.
pub(super) fn sized(shape: Size, pixels: usize) -> Size {
    let ratio = shape.width as f64 / shape.height as f64;
    let width = (pixels as f64 * ratio).sqrt();
    // Of a strip that is thinner than a multiple the length is cut, so that it has no more pixels than others.
    let most = (pixels as f64 / MULTIPLE).max(MULTIPLE);
    let side = |side: f64| ((side.min(most) / MULTIPLE).round_ties_even().max(1.0) * MULTIPLE) as usize;
    Size { width: side(width), height: side(width / ratio) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(width: usize, height: usize, pixels: usize) -> (usize, usize) {
        let size = sized(Size { height, width }, pixels);
        (size.width, size.height)
    }

    /// Worked out by the published function.
    #[test]
    fn sizes_are_those_of_the_published_pipelines() {
        let table = [
            ((1024, 1024), (1024, 1024), (384, 384)),
            ((1920, 1080), (1376, 768), (512, 288)),
            ((4032, 3024), (1184, 896), (448, 320)),
            ((512, 768), (832, 1248), (320, 480)),
            ((3000, 1000), (1760, 576), (672, 224)),
        ];
        for ((width, height), large, small) in table {
            assert_eq!(of(width, height, 1 << 20), large, "{width}x{height}");
            assert_eq!(of(width, height, 384 * 384), small, "{width}x{height}");
        }
    }

    #[test]
    fn halves_go_to_the_even_multiple() {
        // Sides of 80 are 2.5 multiples, and such of 48 are 1.5.
        assert_eq!(of(80, 80, 6400), (64, 64));
        assert_eq!(of(48, 48, 48 * 48), (64, 64));
    }

    #[test]
    fn strips_have_no_more_pixels_than_others() {
        for (width, height) in [(1, 100_000), (100_000, 1), (1, 1)] {
            let (width, height) = of(width, height, 1 << 20);
            assert!(width >= 32 && height >= 32 && width * height <= (1 << 20) + (1 << 15), "{width}x{height}");
        }
    }
}
