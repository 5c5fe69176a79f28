//! The matrix product inside a convolution: panels of weights times panels of pixels.
//!
//! As in Goto and van de Geijn (2008, "Anatomy of high-performance matrix multiplication"): a panel holds what one run of
//! the innermost loop reads, in the order in which it reads it, so that sums stay in registers and memory is read in one
//! stream. Every sum goes over the depth in order, in parts that depend on the convolution alone; so no output depends
//! on what else is computed beside it.

use pulp::Simd;

use super::geometry::Geometry;

/// Pixels of a panel.
pub(super) const PIXELS: usize = 16;

/// Output channels of a panel: with as many sums of two vectors each, 12 of the 16 vector registers of x86 hold sums.
pub(super) const OUTPUTS: usize = 6;

/// About how many weights deep a panel is: one of weights then stays in the nearest cache.
const DEPTH: usize = 384;

/// Sums of one panel of weights and one of pixels, [outputs, pixels].
pub(super) type Sums = [[f32; PIXELS]; OUTPUTS];

/// Weights in the order in which products read them, and the bias.
#[derive(Debug)]
pub(super) struct Weights {
    /// For every part of the depth all panels, of each [depth, OUTPUTS]; channels that are none have zeros.
    values: Vec<f32>,
    /// [outputs].
    pub(super) bias: Vec<f32>,
    /// Input channels of a part of the depth; the last part may have fewer.
    pub(super) channels: usize,
    panels: usize,
    taps: usize,
}

impl Weights {
    /// From weights [outputs, inputs, kernel, kernel] and a bias [outputs].
    pub(super) fn new(geometry: &Geometry, weight: &[f32], bias: Vec<f32>) -> Self {
        let Geometry { inputs, outputs, .. } = *geometry;
        let taps = geometry.taps();
        let parts = inputs.div_ceil((DEPTH / taps).max(1)).max(1);
        let channels = inputs.div_ceil(parts).max(1);
        let panels = outputs.div_ceil(OUTPUTS);
        let mut values = Vec::with_capacity(panels * OUTPUTS * inputs * taps);
        for start in (0..inputs).step_by(channels) {
            let part = start * taps..(start + channels).min(inputs) * taps;
            for panel in 0..panels {
                let rows: [Option<&[f32]>; OUTPUTS] =
                    std::array::from_fn(|lane| weight.chunks_exact(inputs * taps).nth(panel * OUTPUTS + lane));
                for at in part.clone() {
                    values.extend(rows.iter().map(|row| row.map_or(0.0, |row| row[at])));
                }
            }
        }
        Self { values, bias, channels, panels, taps }
    }

    /// How many panels there are.
    pub(super) fn panels(&self) -> usize {
        self.panels
    }

    /// A panel for `channels` input channels from `start` on, which are a part of the depth.
    pub(super) fn panel(&self, start: usize, channels: usize, panel: usize) -> &[f32] {
        let depth = channels * self.taps;
        let from = (start * self.taps * self.panels + panel * depth) * OUTPUTS;
        &self.values[from..from + depth * OUTPUTS]
    }
}

/// Multiplies pixels [depth, PIXELS] by weights [depth, OUTPUTS].
#[inline(always)]
pub(super) fn multiply<S: Simd>(simd: S, pixels: &[f32], weights: &[f32]) -> Sums {
    match PIXELS / S::F32_LANES {
        1 => multiply_as::<S, 1>(simd, pixels, weights),
        2 => multiply_as::<S, 2>(simd, pixels, weights),
        4 => multiply_as::<S, 4>(simd, pixels, weights),
        _ => multiply_one_by_one(pixels, weights),
    }
}

/// The same with panels of `VECTORS` vectors of pixels.
#[inline(always)]
fn multiply_as<S: Simd, const VECTORS: usize>(simd: S, pixels: &[f32], weights: &[f32]) -> Sums {
    let (pixels, _) = S::as_simd_f32s(pixels).0.as_chunks::<VECTORS>();
    let (weights, _) = weights.as_chunks::<OUTPUTS>();
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; OUTPUTS];
    for (pixels, weights) in pixels.iter().zip(weights) {
        for (sums, &weight) in sums.iter_mut().zip(weights) {
            let weight = simd.splat_f32s(weight);
            for (sum, &pixels) in sums.iter_mut().zip(pixels) {
                *sum = simd.mul_add_f32s(pixels, weight, *sum);
            }
        }
    }
    let mut out = [[0.0; PIXELS]; OUTPUTS];
    for (out, sums) in out.iter_mut().zip(&sums) {
        S::as_mut_simd_f32s(out).0.copy_from_slice(sums);
    }
    out
}

/// The same for processors without vectors.
#[inline(always)]
fn multiply_one_by_one(pixels: &[f32], weights: &[f32]) -> Sums {
    let mut sums = [[0.0_f32; PIXELS]; OUTPUTS];
    for (pixels, weights) in pixels.chunks_exact(PIXELS).zip(weights.chunks_exact(OUTPUTS)) {
        for (sums, &weight) in sums.iter_mut().zip(weights) {
            for (sum, &pixel) in sums.iter_mut().zip(pixels) {
                *sum = pixel.mul_add(weight, *sum);
            }
        }
    }
    sums
}
