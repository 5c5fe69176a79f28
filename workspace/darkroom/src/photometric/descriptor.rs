//! What an edit did to a picture, as a point: edits that look alike lie in one direction.

use super::view::{SourceView, View};

/// Cells along each edge of the picture, whatever its shape.
const CELLS: usize = 4;

/// What an edit that changes nothing has in common with every other, in units of OKLab. Points of two edits whose cells differ
/// by d in the root of the mean square have a cosine of about `1 − d²/(2 · UNCHANGED²)` where both changed little: 0.98 at a
/// difference of 0.02, about what is just seen.
const UNCHANGED: f32 = 0.1;

/// The change of the mean and of the spread of each OKLab channel in each of 4×4 cells, and a last number that is the same for
/// all: 97 numbers. Without the last, a weak and a strong edit of one kind would lie in one direction.
pub(super) fn descriptor(source: &SourceView, edited: &View) -> Vec<f32> {
    let (before, after) = (cells(&source.view), cells(edited));
    let scale = 1.0 / CELLS as f32;
    let change = |(before, after): (&f32, &f32)| (after - before) * scale;
    before.iter().zip(&after).map(change).chain([UNCHANGED]).collect()
}

/// Mean and standard deviation of each channel in each cell, row by row.
fn cells(view: &View) -> Vec<f32> {
    let mut sums = vec![[[0.0f64; 2]; 3]; CELLS * CELLS];
    let mut counts = vec![0.0f64; CELLS * CELLS];
    for (place, lab) in view.lab.iter().enumerate() {
        let (x, y) = (place % view.width, place / view.width);
        let cell = y * CELLS / view.height * CELLS + x * CELLS / view.width;
        counts[cell] += 1.0;
        for (sums, value) in sums[cell].iter_mut().zip(lab) {
            sums[0] += f64::from(*value);
            sums[1] += f64::from(*value).powi(2);
        }
    }
    let figures = |(channels, count): (&[[f64; 2]; 3], &f64)| {
        // A picture of fewer pixels than cells leaves some empty: nothing is there, and nothing changes.
        let count = count.max(1.0);
        channels.map(|[sum, squares]| {
            let mean = sum / count;
            [mean as f32, (squares / count - mean * mean).max(0.0).sqrt() as f32]
        })
    };
    sums.iter().zip(&counts).flat_map(figures).flatten().collect()
}

#[cfg(test)]
mod tests {
    use editscale_picture::Pixels;

    use super::*;

    fn cosine(a: &[f32], b: &[f32]) -> f32 {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    }

    /// A ramp, its channels taken to a power.
    fn picture(powers: [f32; 3]) -> Pixels {
        let value = |place: u32| 0.05 + 0.9 * (place % 64) as f32 / 64.0 * ((place / 64) as f32 / 48.0);
        Pixels::new(64, 48, (0..64 * 48).map(|place| powers.map(|power| value(place).powf(power))).collect()).unwrap()
    }

    #[test]
    fn edits_of_one_kind_lie_near_each_other_and_a_stronger_one_further() {
        let source = SourceView::new(&picture([1.0; 3]));
        let point = |powers| descriptor(&source, &View::new(&picture(powers)));
        let (brighter, slightly) = (point([0.8; 3]), point([0.78; 3]));
        let (much, warmer, same) = (point([0.5; 3]), point([0.8, 1.0, 1.25]), point([1.0; 3]));
        assert_eq!(brighter.len(), 97);
        assert!(cosine(&brighter, &slightly) > 0.99, "{}", cosine(&brighter, &slightly));
        for other in [&much, &warmer, &same] {
            assert!(cosine(&brighter, other) < 0.98, "{}", cosine(&brighter, other));
        }
        assert!(same.iter().rev().skip(1).all(|value| *value == 0.0));
    }

    #[test]
    fn the_smallest_pictures_have_points_too() {
        let dot = Pixels::new(1, 1, vec![[0.5; 3]]).unwrap();
        let point = descriptor(&SourceView::new(&dot), &View::new(&dot));
        assert!(point.len() == 97 && point.iter().all(|value| value.is_finite()));
    }
}
