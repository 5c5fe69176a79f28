//! A hash that stays nearly the same where people see the same picture.

use std::f64::consts::PI;
use std::sync::LazyLock;

use crate::Rgb8;

/// Edge of the small picture that is transformed.
const SMALL: usize = 32;

/// Frequencies of each direction that are kept.
const KEPT: usize = 8;

/// Weights of red, green and blue in the luma of ITU-R BT.601, in thousandths.
const LUMA: [u64; 3] = [299, 587, 114];

/// Coefficients smaller than this (in steps of 8-bit luma) are rounding errors, and count as 0.
const NOISE: f64 = 1e-6;

/// The first bases of the cosine transform without the constant one: `cos(π·f·(2x+1)/64)` for f = 1..=8.
static BASES: LazyLock<[[f64; SMALL]; KEPT]> = LazyLock::new(|| {
    let value = |frequency: usize, x: usize| {
        let turns = (frequency * (2 * x + 1)) as f64 / (2 * SMALL) as f64;
        (PI * turns).cos()
    };
    std::array::from_fn(|frequency| std::array::from_fn(|x| value(frequency + 1, x)))
});

/// The 64-bit perceptual hash of a picture, by the discrete cosine transform: `pHash` of Christoph Zauner, "Implementation and
/// Benchmarking of Perceptual Image Hash Functions" (2010), section 3.2.1.
///
/// 1. Luma of ITU-R BT.601 of the values as they are stored, averaged over the areas of a raster of 32 x 32, whatever the
///    picture's shape.
/// 2. The two-dimensional cosine transform (DCT-II); of it the frequencies 1 to 8 of both directions, without those that are
///    constant in one of them.
/// 3. Bit `8·(v − 1) + (h − 1)`, from the lowest, of the vertical frequency `v` and the horizontal frequency `h` is 1 where its
///    coefficient is greater than the median of the 64, which is the mean of the middle two.
///
/// Encoding a picture anew, scaling it or making it somewhat brighter changes a few bits; of different pictures about 32
/// differ. A picture of a single colour has the hash 0. Pictures are compared by [`hash_distance`].
///
/// It sees no colour, and little of small changes: edits of one picture that differ in these alone have near hashes.
///
/// Journals hold such hashes: whoever changes what is computed changes
/// [`PerceptualHash::REVISION`](editscale_core::PerceptualHash::REVISION).
pub fn perceptual_hash(picture: &Rgb8) -> u64 {
    bits(&coefficients(&reduced(picture)))
}

/// How many of 64 bits differ between two perceptual hashes: 0 for the same picture, about 32 for pictures that have nothing
/// in common. Up to 10 is the usual bound for near duplicates.
pub fn hash_distance(one: u64, other: u64) -> u32 {
    (one ^ other).count_ones()
}

/// Mean luma, 0 to 255, of each area of the raster, row by row.
fn reduced(picture: &Rgb8) -> [[f64; SMALL]; SMALL] {
    let mut sums = [[0.0; SMALL]; SMALL];
    let (width, height) = (picture.width.max(1), picture.height.max(1));
    let mut running = Vec::with_capacity(width + 1);
    for (y, row) in picture.data.chunks_exact(width * 3).enumerate() {
        let areas = areas_of_row(row, &mut running);
        // The areas that this row has a share in.
        let (first, last) = (y * SMALL / height, ((y + 1) * SMALL).div_ceil(height));
        for (below, line) in sums.iter_mut().enumerate().take(last).skip(first) {
            let share = overlap((below, SMALL), (y, height));
            line.iter_mut().zip(&areas).for_each(|(sum, area)| *sum += share * area);
        }
    }
    sums.map(|line| line.map(|sum| sum / 1000.0))
}

/// How much of an area lies in a row, as a share of the area: each the number `.0` of `.1` that the edge is cut into.
fn overlap((area, areas): (usize, usize), (row, rows): (usize, usize)) -> f64 {
    let from = (area * rows).max(row * areas);
    let to = ((area + 1) * rows).min((row + 1) * areas);
    to.saturating_sub(from) as f64 / rows as f64
}

/// Mean luma, in thousandths, of each area of one row of pixels.
fn areas_of_row(row: &[u8], running: &mut Vec<u64>) -> [f64; SMALL] {
    let luma = |pixel: &[u8]| pixel.iter().zip(LUMA).map(|(value, weight)| u64::from(*value) * weight).sum::<u64>();
    running.clear();
    running.push(0);
    let mut sum = 0;
    for pixel in row.chunks_exact(3) {
        sum += luma(pixel);
        running.push(sum);
    }
    let width = running.len() - 1;
    // The luma left of an edge of the raster, which may lie within a pixel.
    let left_of = |edge: usize| {
        let (whole, rest) = (edge * width / SMALL, edge * width % SMALL);
        let before = running.get(whole).copied().unwrap_or(sum);
        let upto = running.get(whole + 1).copied().unwrap_or(sum);
        before as f64 + (upto - before) as f64 * rest as f64 / SMALL as f64
    };
    std::array::from_fn(|area| (left_of(area + 1) - left_of(area)) * SMALL as f64 / width as f64)
}

/// Coefficients of the kept frequencies: rows of one vertical frequency each.
fn coefficients(small: &[[f64; SMALL]; SMALL]) -> [f64; KEPT * KEPT] {
    let dot = |one: &[f64; SMALL], other: &[f64; SMALL]| one.iter().zip(other).map(|(a, b)| a * b).sum::<f64>();
    let across: [[f64; KEPT]; SMALL] = small.map(|line| std::array::from_fn(|h| dot(&line, &BASES[h])));
    std::array::from_fn(|place| {
        let (v, h) = (place / KEPT, place % KEPT);
        let column: [f64; SMALL] = std::array::from_fn(|y| across[y][h]);
        let value = dot(&column, &BASES[v]);
        if value.abs() < NOISE { 0.0 } else { value }
    })
}

fn bits(coefficients: &[f64; KEPT * KEPT]) -> u64 {
    let mut sorted = *coefficients;
    sorted.sort_by(f64::total_cmp);
    let middle = KEPT * KEPT / 2;
    let median = f64::midpoint(sorted[middle - 1], sorted[middle]);
    let bit = |(place, value): (usize, &f64)| u64::from(*value > median) << place;
    coefficients.iter().enumerate().map(bit).fold(0, |all, bit| all | bit)
}
