//! What a picture is of: areas that differ in colour from the frame's border and cannot be reached from it without crossing an edge.
//!
//! Two cues are joined: the minimum barrier distance from the border (Zhang et al., "Minimum barrier salient object detection
//! at 80 FPS", ICCV 2015) and the distance in colour from the border's own colours, with a mild preference for the middle.

use editscale_picture::delta_e_ok;

use crate::planes::gaussian;

/// Likelihood of belonging to the main subject, 0..=1, one value a pixel.
pub(super) fn measure(lab: &[[f32; 3]], width: usize, height: usize) -> Vec<f32> {
    if width < 8 || height < 8 {
        return vec![0.5; lab.len()];
    }
    let mut joint = vec![0.0; lab.len()];
    for (channel, weight) in [(0, 1.0), (1, 2.0), (2, 2.0)] {
        let plane: Vec<f32> = lab.iter().map(|lab| lab[channel]).collect();
        let barrier = minimum_barrier(&plane, width, height);
        joint.iter_mut().zip(barrier).for_each(|(sum, value)| *sum += weight * value);
    }
    let border = border_contrast(lab, width, height);
    for (index, value) in joint.iter_mut().enumerate() {
        *value = value.clamp(0.0, 1.0) * 0.6 + border[index] * 0.8;
    }
    let mut joint = stretched(&gaussian(&joint, width, 3.0));
    for (index, value) in joint.iter_mut().enumerate() {
        let x = (index % width) as f32 / width as f32 - 0.5;
        let y = (index / width) as f32 / height as f32 - 0.5;
        *value *= (-1.6 * (x * x + y * y)).exp();
    }
    let joint = stretched(&joint);
    let threshold = otsu(&joint);
    // A soft decision about the threshold that parts the two groups best.
    joint.into_iter().map(|value| 1.0 / (1.0 + (-(value - threshold) * 14.0).exp())).collect()
}

/// For each pixel the least range of values on a path to the border, by raster scans there and back.
fn minimum_barrier(plane: &[f32], width: usize, height: usize) -> Vec<f32> {
    let is_border = |x: usize, y: usize| x == 0 || y == 0 || x == width - 1 || y == height - 1;
    let mut high = plane.to_vec();
    let mut low = plane.to_vec();
    let mut distance: Vec<f32> = (0..plane.len())
        .map(|index| if is_border(index % width, index / width) { 0.0 } else { f32::INFINITY })
        .collect();
    let mut relax = |index: usize, from: usize, distance: &mut Vec<f32>| {
        let (top, bottom) = (high[from].max(plane[index]), low[from].min(plane[index]));
        if top - bottom < distance[index] {
            distance[index] = top - bottom;
            high[index] = top;
            low[index] = bottom;
        }
    };
    for pass in 0..4 {
        if pass % 2 == 0 {
            for index in 0..plane.len() {
                let (x, y) = (index % width, index / width);
                if !is_border(x, y) {
                    relax(index, index - 1, &mut distance);
                    relax(index, index - width, &mut distance);
                }
            }
        } else {
            for index in (0..plane.len()).rev() {
                let (x, y) = (index % width, index / width);
                if !is_border(x, y) {
                    relax(index, index + 1, &mut distance);
                    relax(index, index + width, &mut distance);
                }
            }
        }
    }
    distance
}

/// Distance in colour from the nearest of the four sides' mean colours in units of their spread, 0..=1; the second nearest counts, so
/// that a subject that touches one side is still told from the others.
fn border_contrast(lab: &[[f32; 3]], width: usize, height: usize) -> Vec<f32> {
    let depth = (width.min(height) / 12).max(2);
    let sides: [Vec<usize>; 4] = [
        (0..lab.len()).filter(|index| index / width < depth).collect(),
        (0..lab.len()).filter(|index| index / width >= height - depth).collect(),
        (0..lab.len()).filter(|index| index % width < depth).collect(),
        (0..lab.len()).filter(|index| index % width >= width - depth).collect(),
    ];
    let models = sides.map(|side| model(lab, &side));
    lab.iter()
        .map(|colour| {
            let mut distances = models.map(|(mean, spread)| delta_e_ok(*colour, mean) / (spread + 0.04));
            distances.sort_by(f32::total_cmp);
            (distances[1] / 4.0).clamp(0.0, 1.0)
        })
        .collect()
}

/// Mean colour and the root mean square distance from it.
fn model(lab: &[[f32; 3]], places: &[usize]) -> ([f32; 3], f32) {
    let count = places.len().max(1) as f32;
    let mut mean = [0.0; 3];
    for place in places {
        (0..3).for_each(|channel| mean[channel] += lab[*place][channel] / count);
    }
    let spread = places.iter().map(|place| delta_e_ok(lab[*place], mean).powi(2)).sum::<f32>() / count;
    (mean, spread.sqrt())
}

/// Stretched so that the lowest and highest hundredth become 0 and 1.
fn stretched(plane: &[f32]) -> Vec<f32> {
    let mut values = plane.to_vec();
    let mut at = |share: f32| {
        let place = ((values.len() - 1) as f32 * share) as usize;
        *values.select_nth_unstable_by(place, f32::total_cmp).1
    };
    let (low, high) = (at(0.01), at(0.99));
    let range = (high - low).max(1e-6);
    plane.iter().map(|value| ((value - low) / range).clamp(0.0, 1.0)).collect()
}

/// The threshold in 0..=1 that leaves the least variance within the two groups (Otsu 1979).
fn otsu(plane: &[f32]) -> f32 {
    let mut bins = [0.0_f32; 64];
    for value in plane {
        bins[(value * 63.0) as usize] += 1.0;
    }
    let total: f32 = bins.iter().sum();
    let sum: f32 = bins.iter().enumerate().map(|(bin, count)| bin as f32 * count).sum();
    let (mut below, mut sum_below, mut best, mut at) = (0.0, 0.0, -1.0, 32);
    for (bin, count) in bins.iter().enumerate() {
        below += count;
        sum_below += bin as f32 * count;
        if below > 0.0 && below < total {
            let gap = sum_below / below - (sum - sum_below) / (total - below);
            let between = below * (total - below) * gap * gap;
            if between > best {
                (best, at) = (between, bin);
            }
        }
    }
    (at as f32 + 0.5) / 63.0
}
