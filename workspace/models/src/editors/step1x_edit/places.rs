//! Where the text's tokens lie for the denoiser of v1.2: words before the pictures, cells of the seen picture on it.

use std::ops::Range;

use crate::pictures::Size;

/// The picture among a prompt's kept tokens, as the encoder sees it and as the denoiser does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SeenPicture {
    /// Its tokens.
    pub(super) tokens: Range<usize>,
    /// How many cells lie beside each other.
    pub(super) columns: usize,
    /// Its size for the encoder, multiples of 28.
    pub(super) seen: Size,
    /// Its size for the denoiser, multiples of 16.
    pub(super) worked: Size,
}

/// The places (picture, row, column) of kept tokens, of which `moments` are the encoder's first positions. The last is −1
/// and all are below 0; words lie at row and column 0, and a cell of the picture at its centre, in tokens of the denoiser
/// (`pipeline_step1x_edit_v1p2.py`, `set_vision_tokens_position_ids`).
pub(super) fn text_places(moments: &[u32], picture: &SeenPicture) -> Vec<[f32; 3]> {
    let next = moments.iter().max().map_or(0.0, |most| f64::from(*most) + 1.0);
    let place = |(at, moment): (usize, &u32)| {
        let (row, column) = match at.checked_sub(picture.tokens.start) {
            Some(cell) if picture.tokens.contains(&at) => (
                along(cell / picture.columns, picture.seen.height, picture.worked.height),
                along(cell % picture.columns, picture.seen.width, picture.worked.width),
            ),
            _ => (0.0, 0.0),
        };
        [(f64::from(*moment) - next) as f32, row as f32, column as f32]
    };
    moments.iter().enumerate().map(place).collect()
}

/// A cell's centre is at pixel 28 i + 13.5 of what the encoder sees; corners of both pictures lie on each other, and the
/// denoiser's first token is taken to be at pixel 11 of its picture.
fn along(cell: usize, seen: usize, worked: usize) -> f64 {
    let stretch = (worked.max(2) - 1) as f64 / (seen.max(2) - 1) as f64;
    ((28.0 * cell as f64 + 13.5) * stretch - 11.0) / 16.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_lie_on_the_picture_and_words_before_it() {
        let size = |height: usize, width: usize| Size { height, width };
        let picture = SeenPicture { tokens: 2..8, columns: 3, seen: size(56, 84), worked: size(64, 96) };
        let moments = [5, 6, 7, 7, 7, 7, 7, 7, 10, 11];
        let places = text_places(&moments, &picture);
        assert_eq!(places[0], [-7.0, 0.0, 0.0]);
        assert_eq!(places[9], [-1.0, 0.0, 0.0]);
        let (down, across) = (63.0 / 55.0, 95.0 / 83.0);
        let expected = [-5.0, (41.5 * down - 11.0) / 16.0, (69.5 * across - 11.0) / 16.0];
        assert!(
            places[7]
                .iter()
                .zip(expected)
                .all(|(found, expected): (&f32, f64)| (f64::from(*found) - expected).abs() < 1e-6)
        );
    }
}
