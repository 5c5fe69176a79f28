//! The size that a picture is worked on in.

use crate::pictures::Size;

/// The size of a picture's shape with about `level` · `level` pixels: the longer side is rounded up, the shorter one follows, and
/// both are cut to a multiple (`input_process_image` of the authors' `inference.py`). Of a strip that is narrower than a multiple,
/// which the reference refuses, the length is cut.
pub(super) fn worked_size(picture: Size, level: usize, multiple: usize) -> Size {
    let (width, height) = (picture.width as f64, picture.height as f64);
    let (ratio, pixels) = (width / height, (level * level) as f64);
    let (width, height) = if width > height {
        let width = (pixels * ratio).sqrt().ceil();
        (width, (width / ratio).ceil())
    } else {
        let height = (pixels / ratio).sqrt().ceil();
        ((height * ratio).ceil(), height)
    };
    let (width, height) = (width as usize, height as usize);
    let most = level * level / multiple.max(1);
    let bounded = |side: usize, other: usize| if other < multiple { side.min(most) } else { side };
    Size { width: cut(bounded(width, height), multiple), height: cut(bounded(height, width), multiple) }
}

fn cut(side: usize, multiple: usize) -> usize {
    (side / multiple).max(1) * multiple
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of the authors' function, and of the specification for the first two.
    #[test]
    fn sizes_are_those_of_the_authors() {
        for (level, picture, expected) in [
            (1024, (1920, 1080), (1360, 768)),
            (1024, (4032, 3024), (1168, 880)),
            (1024, (1024, 1024), (1024, 1024)),
            (1024, (1080, 1920), (768, 1360)),
            (1024, (333, 512), (816, 1264)),
            (512, (1920, 1080), (672, 384)),
            (512, (640, 480), (592, 432)),
            (768, (1000, 999), (768, 768)),
            (1024, (100_000, 1), (65_536, 16)),
        ] {
            let found = worked_size(Size { width: picture.0, height: picture.1 }, level, 16);
            assert_eq!((found.width, found.height), expected, "{picture:?} at {level}");
        }
    }
}
