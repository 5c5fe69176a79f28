//! Work on planes of one value a pixel: smoothing, with edges kept or not.

use editscale_picture::{Pixels, oklab_from_linear};
use rayon::prelude::*;

/// OKLab lightness of every pixel.
pub(crate) fn lightness_plane(pixels: &Pixels) -> Vec<f32> {
    pixels.rgb().par_iter().map(|rgb| oklab_from_linear(*rgb)[0]).collect()
}

/// A row with its ends continued, so that none of the places around a pixel has to be looked at for lying outside.
fn continued(row: &[f32], before: usize, after: usize) -> Vec<f32> {
    let end = |value: Option<&f32>, count| std::iter::repeat_n(value.copied().unwrap_or_default(), count);
    end(row.first(), before).chain(row.iter().copied()).chain(end(row.last(), after)).collect()
}

/// Means over boxes of `2 radius + 1` along each row; the rows' ends are continued.
fn box_rows(plane: &[f32], width: usize, radius: usize) -> Vec<f32> {
    let mut out = vec![0.0; plane.len()];
    let scale = 1.0 / (2 * radius + 1) as f32;
    out.par_chunks_mut(width).zip(plane.par_chunks(width)).for_each(|(out, row)| {
        let row = continued(row, radius, radius + 1);
        let (first, coming) = row.split_at(2 * radius + 1);
        let mut sum: f32 = first.iter().sum();
        for (out, (come, go)) in out.iter_mut().zip(coming.iter().zip(&row)) {
            *out = sum * scale;
            sum += come - go;
        }
    });
    out
}

/// Means over boxes along each column, in strips of columns that fit the cache.
fn box_columns(plane: &[f32], width: usize, radius: usize) -> Vec<f32> {
    const STRIP: usize = 64;
    let height = plane.len() / width;
    let scale = 1.0 / (2 * radius + 1) as f32;
    let strips: Vec<Vec<f32>> = (0..width.div_ceil(STRIP))
        .into_par_iter()
        .map(|strip| {
            let left = strip * STRIP;
            let across = STRIP.min(width - left);
            let row = |y: isize| {
                let start = y.clamp(0, height as isize - 1) as usize * width + left;
                &plane[start..start + across]
            };
            let reach = radius as isize;
            let mut sums = vec![0.0_f32; across];
            for y in -reach..=reach {
                sums.iter_mut().zip(row(y)).for_each(|(sum, value)| *sum += value);
            }
            let mut out = Vec::with_capacity(across * height);
            for y in 0..height as isize {
                out.extend(sums.iter().map(|sum| sum * scale));
                for ((sum, come), go) in sums.iter_mut().zip(row(y + reach + 1)).zip(row(y - reach)) {
                    *sum += come - go;
                }
            }
            out
        })
        .collect();
    let mut out = vec![0.0; plane.len()];
    out.par_chunks_mut(width).enumerate().for_each(|(y, out)| {
        for (strip, values) in strips.iter().enumerate() {
            let left = strip * STRIP;
            let across = STRIP.min(width - left);
            out[left..left + across].copy_from_slice(&values[y * across..(y + 1) * across]);
        }
    });
    out
}

/// Means over square boxes of `2 radius + 1`.
pub(crate) fn box_mean(plane: &[f32], width: usize, radius: usize) -> Vec<f32> {
    if radius == 0 {
        return plane.to_vec();
    }
    box_columns(&box_rows(plane, width, radius), width, radius)
}

/// A Gaussian of standard deviation `sigma` pixels: exact taps where it is narrow, three boxes of the same variance where it is
/// wide (Wells 1986).
pub(crate) fn gaussian(plane: &[f32], width: usize, sigma: f32) -> Vec<f32> {
    if sigma < 0.2 {
        return plane.to_vec();
    }
    if sigma < 2.5 {
        return narrow_gaussian(plane, width, sigma);
    }
    // Three boxes of width w have variance (w² − 1)/4; the radii are chosen so that the sum comes nearest.
    let ideal = (4.0 * sigma * sigma + 1.0).sqrt();
    let low = ((ideal - 1.0) / 2.0).floor();
    let variance = |radius: f32| ((2.0 * radius + 1.0).powi(2) - 1.0) / 12.0;
    let missing = sigma * sigma - 3.0 * variance(low);
    let wider = (missing / (variance(low + 1.0) - variance(low))).round().clamp(0.0, 3.0) as usize;
    let mut smooth = plane.to_vec();
    for pass in 0..3 {
        smooth = box_mean(&smooth, width, low as usize + usize::from(pass < wider));
    }
    smooth
}

fn narrow_gaussian(plane: &[f32], width: usize, sigma: f32) -> Vec<f32> {
    let reach = (3.0 * sigma).ceil() as isize;
    let taps: Vec<f32> = (-reach..=reach).map(|x| (-0.5 * (x as f32 / sigma).powi(2)).exp()).collect();
    let sum: f32 = taps.iter().sum();
    let taps: Vec<f32> = taps.into_iter().map(|tap| tap / sum).collect();
    let height = (plane.len() / width) as isize;
    let mut across = vec![0.0; plane.len()];
    across.par_chunks_mut(width).zip(plane.par_chunks(width)).for_each(|(out, row)| {
        let row = continued(row, reach as usize, reach as usize);
        add_weighted(out, &taps, |tap| &row[tap..]);
    });
    let mut out = vec![0.0; plane.len()];
    out.par_chunks_mut(width).enumerate().for_each(|(y, out)| {
        add_weighted(out, &taps, |tap| {
            let row = (y as isize + tap as isize - reach).clamp(0, height - 1) as usize;
            &across[row * width..]
        });
    });
    out
}

/// Adds to each place of `out` that of the row of each tap, times the tap's weight.
fn add_weighted<'a>(out: &mut [f32], taps: &[f32], row: impl Fn(usize) -> &'a [f32]) {
    for (tap, weight) in taps.iter().enumerate() {
        out.iter_mut().zip(row(tap)).for_each(|(out, value)| *out += weight * value);
    }
}

/// A plane at a smaller size: means of blocks of `factor × factor`. Also its width.
fn block_means(plane: &[f32], width: usize, factor: usize) -> (Vec<f32>, usize) {
    let height = plane.len() / width;
    let (across, down) = (width.div_ceil(factor), height.div_ceil(factor));
    let mut out = vec![0.0; across * down];
    out.par_chunks_mut(across).enumerate().for_each(|(y, out)| {
        for (x, out) in out.iter_mut().enumerate() {
            let (mut sum, mut count) = (0.0, 0.0);
            for row in (y * factor)..((y + 1) * factor).min(height) {
                let start = row * width + x * factor;
                let end = row * width + ((x + 1) * factor).min(width);
                sum += plane[start..end].iter().sum::<f32>();
                count += (end - start) as f32;
            }
            *out = sum / count;
        }
    });
    (out, across)
}

/// The linear model `output ≈ slope · guide + offset` of a guided filter at every pixel of a small plane.
struct Model {
    slope: Vec<f32>,
    offset: Vec<f32>,
    width: usize,
    factor: usize,
}

/// A guided filter (He, Sun and Tang, "Guided image filtering", 2013): smooths where its guide is smooth, and follows the guide's edges.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GuidedFilter {
    /// Pixels across, of guide and input.
    pub(crate) width: usize,
    /// Pixels over which is smoothed.
    pub(crate) radius: usize,
    /// Edges are steps in the guide that are large against the square root of this.
    pub(crate) epsilon: f32,
}

impl GuidedFilter {
    /// The input, smoothed.
    pub(crate) fn smooth(&self, guide: &[f32], input: &[f32]) -> Vec<f32> {
        self.fit(guide, input).output(guide, self.width)
    }

    /// Fits the model on reduced planes (He and Sun, "Fast guided filter", arXiv:1505.00996). A quarter of the radius still samples
    /// every box finely; below that nothing is to be saved.
    fn fit(&self, guide: &[f32], input: &[f32]) -> Model {
        let factor = (self.radius / 4).clamp(1, 8);
        let (small_guide, across) = block_means(guide, self.width, factor);
        let (small_input, _) = block_means(input, self.width, factor);
        let radius = (self.radius / factor).max(1);
        let product = |one: &[f32], other: &[f32]| one.par_iter().zip(other).map(|(a, b)| a * b).collect::<Vec<f32>>();
        let mean_guide = box_mean(&small_guide, across, radius);
        let mean_input = box_mean(&small_input, across, radius);
        let mean_cross = box_mean(&product(&small_guide, &small_input), across, radius);
        let mean_square = box_mean(&product(&small_guide, &small_guide), across, radius);
        let slope: Vec<f32> = (0..small_guide.len())
            .into_par_iter()
            .map(|index| {
                let variance = mean_square[index] - mean_guide[index] * mean_guide[index];
                (mean_cross[index] - mean_guide[index] * mean_input[index]) / (variance.max(0.0) + self.epsilon)
            })
            .collect();
        let offset: Vec<f32> =
            (0..slope.len()).map(|index| mean_input[index] - slope[index] * mean_guide[index]).collect();
        let slope = box_mean(&slope, across, radius);
        let offset = box_mean(&offset, across, radius);
        Model { slope, offset, width: across, factor }
    }
}

impl Model {
    /// The output at full size, for the full-size guide.
    fn output(&self, guide: &[f32], width: usize) -> Vec<f32> {
        let rows = self.slope.len() / self.width;
        let mut out = vec![0.0; guide.len()];
        out.par_chunks_mut(width).enumerate().for_each(|(y, out)| {
            let (top, bottom, down) = between(y, self.factor, rows);
            for (x, out) in out.iter_mut().enumerate() {
                let (left, right, across) = between(x, self.factor, self.width);
                let at = |plane: &[f32]| {
                    let row = |y: usize| {
                        let (one, other) = (plane[y * self.width + left], plane[y * self.width + right]);
                        one + (other - one) * across
                    };
                    row(top) + (row(bottom) - row(top)) * down
                };
                *out = at(&self.slope) * guide[y * width + x] + at(&self.offset);
            }
        });
        out
    }
}

/// The two small-plane places around a full-size place, and how far it lies towards the second.
fn between(place: usize, factor: usize, count: usize) -> (usize, usize, f32) {
    let exact = ((place as f32 + 0.5) / factor as f32 - 0.5).max(0.0);
    let low = (exact as usize).min(count - 1);
    (low, (low + 1).min(count - 1), exact - low as f32)
}

/// The large-scale lightness of a picture: smooth inside areas, sharp at their borders.
pub(crate) fn base_of(lightness: &[f32], width: u32, height: u32) -> Vec<f32> {
    let radius = (width.max(height) as usize / 40).max(2);
    GuidedFilter { width: width as usize, radius, epsilon: 0.01 }.smooth(lightness, lightness)
}

/// The standard deviation of a plane's noise: the median absolute value of its finest diagonal Haar coefficients over 0.6745
/// (Donoho and Johnstone 1994). Those of a 2 × 2 block have the noise's own deviation.
pub(crate) fn noise_level(plane: &[f32], width: usize) -> f32 {
    let height = plane.len() / width;
    if width < 4 || height < 4 {
        return 0.0;
    }
    let mut coefficients: Vec<f32> = (0..height / 2)
        .into_par_iter()
        .flat_map_iter(|row| {
            let (top, bottom) = (2 * row * width, (2 * row + 1) * width);
            (0..width / 2).map(move |column| (top + 2 * column, bottom + 2 * column))
        })
        .map(|(top, bottom)| (0.5 * (plane[top] - plane[top + 1] - plane[bottom] + plane[bottom + 1])).abs())
        .collect();
    let middle = coefficients.len() / 2;
    let (_, median, _) = coefficients.select_nth_unstable_by(middle, f32::total_cmp);
    *median / 0.6745
}
