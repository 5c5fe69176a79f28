//! The size that InstructPix2Pix works in.

use crate::pictures::Size;

/// The source's own size, brought down to at most so many pixels where it has more, each side cut to a multiple of
/// `multiple`, at least one. Of a strip that is narrower than a multiple, the length is cut.
///
/// The reference takes the source as it is, whatever it costs; the model was trained on 256 pixels a side and is used on 512.
pub fn working_size(source: Size, multiple: usize, max_pixels: usize) -> Size {
    let (height, width) = (source.height as f64, source.width as f64);
    let shrink = (max_pixels as f64 / (height * width)).sqrt().min(1.0);
    // A square root rounded down must not push a side below a multiple that it just reaches.
    let side = |side: f64| ((side * shrink / multiple as f64 + 1e-9).floor() as usize).max(1) * multiple;
    let (height, width) = (side(height), side(width));
    let bounded = |side: usize, other: usize| side.min((max_pixels / other / multiple).max(1) * multiple);
    Size { height: bounded(height, width.min(height)), width: bounded(width, width.min(height)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_multiples_within_the_bound() {
        let table = [
            ((512, 512), (512, 512)),
            ((46, 33), (40, 32)),
            ((3000, 4000), (536, 720)),
            ((4000, 4000), (624, 624)),
            ((5, 7), (8, 8)),
            ((1, 100_000), (8, 49_152)),
            ((100_000, 3), (49_152, 8)),
        ];
        for ((height, width), expected) in table {
            let size = working_size(Size { height, width }, 8, 768 * 512);
            assert_eq!((size.height, size.width), expected, "{height}x{width}");
        }
    }
}
