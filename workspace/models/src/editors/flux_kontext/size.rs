//! The sizes that Kontext works in: that of the result, and that in which the source is read.

use crate::pictures::Size;

/// The sizes that the model was trained on, (width, height), about a million pixels each (diffusers 0.36.0,
/// `pipelines/flux/pipeline_flux_kontext.py`).
const TRAINED: [(usize, usize); 17] = [
    (672, 1568),
    (688, 1504),
    (720, 1456),
    (752, 1392),
    (800, 1328),
    (832, 1248),
    (880, 1184),
    (944, 1104),
    (1024, 1024),
    (1104, 944),
    (1184, 880),
    (1248, 832),
    (1328, 800),
    (1392, 752),
    (1456, 720),
    (1504, 688),
    (1568, 672),
];

/// The result's size: of the given shape, of about `pixels` pixels, each side cut to a multiple of `multiple`, at least one. Of
/// a strip that is narrower than a multiple, which the reference refuses, the length is cut.
pub(super) fn result_size(shape: Size, multiple: usize, pixels: usize) -> Size {
    let aspect = shape.width as f64 / shape.height as f64;
    let side = |area: f64| area.sqrt().round_ties_even() as usize;
    let (height, width) = (side(pixels as f64 / aspect), side(pixels as f64 * aspect));
    let bounded = |side: usize, other: usize| if other < multiple { side.min(pixels / multiple) } else { side };
    Size { height: cut(bounded(height, width), multiple), width: cut(bounded(width, height), multiple) }
}

/// The size in which the source is read: the trained one nearest in shape where it is fitted, else its own, cut to a multiple.
pub(super) fn source_size(source: Size, multiple: usize, is_fitted: bool) -> Size {
    let own = Size { height: cut(source.height, multiple), width: cut(source.width, multiple) };
    if !is_fitted {
        return own;
    }
    let aspect = own.width as f64 / own.height as f64;
    let distance = |(width, height): (usize, usize)| (aspect - width as f64 / height as f64).abs();
    // The first of equals is the narrowest, which the reference takes, too.
    let nearest = TRAINED.into_iter().min_by(|a, b| distance(*a).total_cmp(&distance(*b))).unwrap_or((1024, 1024));
    Size { height: cut(nearest.1, multiple), width: cut(nearest.0, multiple) }
}

fn cut(side: usize, multiple: usize) -> usize {
    (side / multiple).max(1) * multiple
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_have_no_more_pixels_than_others() {
        let table = [((1, 100_000), (16, 65_536)), ((100_000, 3), (65_536, 16)), ((1, 1), (1024, 1024))];
        for ((height, width), expected) in table {
            let size = result_size(Size { height, width }, 16, 1 << 20);
            assert_eq!((size.height, size.width), expected, "{height}x{width}");
        }
    }
}
