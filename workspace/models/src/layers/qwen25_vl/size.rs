//! The size that a picture is brought to before it is cut into patches.

use thiserror::Error;

use crate::pictures::Size;

/// A picture that no size is found for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the picture is {width}x{height}: expected sides that differ by a factor of at most 200")]
pub struct SizeError {
    width: usize,
    height: usize,
}

/// The size nearest to `size` in shape whose sides are multiples of `multiple` and whose area is about `least` to `most`
/// pixels.
///
/// Follows the reference (`smart_resize`) to the rounding: halves go to the even multiple, and all arithmetic is in double
/// precision in this order, so that 768x768 becomes 420x420 for 200,704 pixels, not 448x448.
pub fn target_size(size: Size, multiple: usize, least: usize, most: usize) -> Result<Size, SizeError> {
    let Size { height, width } = size;
    if height.max(width) > 200 * height.min(width) {
        return Err(SizeError { width, height });
    }
    let (h, w, m) = (height as f64, width as f64, multiple as f64);
    let to_nearest = |side: f64| (side / m).round_ties_even().max(1.0) * m;
    let (rounded_h, rounded_w) = (to_nearest(h), to_nearest(w));
    let (target_h, target_w) = if rounded_h * rounded_w > most as f64 {
        let shrink = (h * w / most as f64).sqrt();
        // A side of a strip could round to nothing; the reference would then fail.
        let down = |side: f64| ((side / shrink / m).floor() * m).max(m);
        (down(h), down(w))
    } else if rounded_h * rounded_w < least as f64 {
        let grow = (least as f64 / (h * w)).sqrt();
        let up = |side: f64| (side * grow / m).ceil() * m;
        (up(h), up(w))
    } else {
        (rounded_h, rounded_w)
    };
    Ok(Size { height: target_h as usize, width: target_w as usize })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(height: usize, width: usize) -> (usize, usize) {
        let size = target_size(Size { height, width }, 28, 200_704, 200_704).expect("a usual shape");
        (size.height, size.width)
    }

    #[test]
    fn sizes_are_those_of_the_reference() {
        let table = [
            ((448, 448), (448, 448)),
            ((512, 512), (448, 448)),
            ((256, 256), (448, 448)),
            ((1024, 1024), (448, 448)),
            ((768, 768), (420, 420)),
            ((1536, 1536), (420, 420)),
            ((640, 480), (504, 364)),
            ((1080, 1920), (336, 588)),
            ((832, 1248), (364, 532)),
            ((1184, 880), (504, 364)),
            ((1344, 768), (588, 336)),
            ((300, 200), (560, 392)),
            ((100, 100), (448, 448)),
            ((336, 588), (364, 616)),
            ((28, 5600), (56, 6356)),
        ];
        for ((height, width), expected) in table {
            assert_eq!(target(height, width), expected, "{height}x{width}");
        }
    }

    #[test]
    fn extreme_strips_are_refused() {
        let strip = Size { height: 10, width: 2001 };
        assert!(target_size(strip, 28, 200_704, 200_704).is_err());
        assert!(target_size(Size { height: 1, width: 200 }, 28, 200_704, 200_704).is_ok());
    }
}
