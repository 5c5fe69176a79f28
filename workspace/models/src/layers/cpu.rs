//! What loops of the processor are made of: they run on all cores and as vectors. Elsewhere candle's own operations are used.

use candle_core::{CpuStorage, DType, Layout, Result, Tensor, bail};
use pulp::{Arch, WithSimd};

/// How many numbers one task takes: small enough to share out, large enough to be worth it.
pub(crate) const TASK: usize = 1 << 15;

/// Whether the fast path applies: single precision on the processor.
pub(crate) fn is_plain(tensor: &Tensor) -> bool {
    tensor.device().is_cpu() && tensor.dtype() == DType::F32
}

/// Runs a loop that was compiled for the vectors of this processor: its `with_simd` is to be inlined, and to hold nothing
/// but the loop.
///
/// A type of its own rather than a closure: compilers are free to call a closure instead of inlining it, and do so in some
/// versions; what is called is compiled for the oldest of processors, many times slower.
pub(crate) fn vectorised<K: WithSimd>(kernel: K) -> K::Output {
    Arch::new().dispatch(kernel)
}

/// The numbers of a contiguous tensor in single precision.
pub(crate) fn plain<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (layout.contiguous_offsets(), storage) {
        (Some((from, to)), CpuStorage::F32(values)) => Ok(&values[from..to]),
        (None, _) => bail!("expected a contiguous tensor"),
        _ => bail!("expected single precision"),
    }
}

/// The same, to be changed in place.
pub(crate) fn plain_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (layout.contiguous_offsets(), storage) {
        (Some((from, to)), CpuStorage::F32(values)) => Ok(&mut values[from..to]),
        (None, _) => bail!("expected a contiguous tensor"),
        _ => bail!("expected single precision"),
    }
}

/// Sums of a fixed number of lanes, so that the compiler may use vectors: plain sums fix an order that forbids it.
#[inline(always)]
pub(crate) fn sum_of(values: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    const LANES: usize = 16;
    let mut lanes = [0.0_f32; LANES];
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane += of(value);
        }
    }
    lanes.iter().sum::<f32>() + rest.iter().map(|&value| of(value)).sum::<f32>()
}

/// Mean and variance of values; of none, what is not a number.
///
/// Parts that fit into the nearest cache are summed around their own rounded mean, and put together in double precision
/// (Chan and others 1983, "Algorithms for computing the sample variance"): one pass over memory, and neither long
/// rows nor large means cost accuracy.
#[inline(always)]
pub(super) fn moments(values: &[f32]) -> (f32, f32) {
    const PART: usize = 4096;
    let (mut count, mut mean, mut spread) = (0.0_f64, 0.0_f64, 0.0_f64);
    for part in values.chunks(PART) {
        let own_count = part.len() as f64;
        let centre = sum_of(part, |value| value) / part.len() as f32;
        let (off, squares) = sums_around(part, centre);
        let own_mean = f64::from(centre) + off / own_count;
        let own_spread = squares - off * off / own_count;
        let (total, step) = (count + own_count, own_mean - mean);
        mean += step * own_count / total;
        spread += own_spread + step * step * count * own_count / total;
        count = total;
    }
    (mean as f32, (spread / count).max(0.0) as f32)
}

/// Sums of differences from a centre and of their squares.
#[inline(always)]
fn sums_around(values: &[f32], centre: f32) -> (f64, f64) {
    const LANES: usize = 32;
    let (mut first, mut second) = ([0.0_f32; LANES], [0.0_f32; LANES]);
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for ((first, second), &value) in first.iter_mut().zip(&mut second).zip(chunk) {
            let off = value - centre;
            *first += off;
            *second += off * off;
        }
    }
    for ((first, second), &value) in first.iter_mut().zip(&mut second).zip(rest) {
        let off = value - centre;
        *first += off;
        *second += off * off;
    }
    let total = |lanes: &[f32; LANES]| lanes.iter().map(|&lane| f64::from(lane)).sum();
    (total(&first), total(&second))
}

/// The greatest of values, negative infinity for none.
#[inline(always)]
pub(crate) fn greatest(values: &[f32]) -> f32 {
    const LANES: usize = 16;
    let larger = |a: f32, b: f32| if a > b { a } else { b };
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, value);
        }
    }
    lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |most, &value| larger(most, value))
}

/// The exponential function to about one unit in the last place, in a form that compilers turn into vectors: below
/// −87.3 it is 0, above 88 it is that of 88.
///
/// Range reduction and polynomial are those of the Cephes library's `expf`.
#[inline(always)]
pub(crate) fn exp(value: f32) -> f32 {
    const SHIFT: f32 = 12_582_912.0; // 1.5 · 2^23: adding it rounds to a whole number
    const LEAST: f32 = -87.336_54;
    const MOST: f32 = 88.0;
    let x = if value < LEAST { LEAST } else { value };
    let x = if x > MOST { MOST } else { x };
    let shifted = x.mul_add(std::f32::consts::LOG2_E, SHIFT);
    let whole = shifted - SHIFT;
    let rest = whole.mul_add(-0.693_359_4, x);
    let rest = whole.mul_add(2.121_944_4e-4, rest);
    let series = rest.mul_add(1.987_569_1e-4, 1.398_199_9e-3);
    let series = rest.mul_add(series, 8.333_452e-3);
    let series = rest.mul_add(series, 4.166_579_6e-2);
    let series = rest.mul_add(series, 1.666_666_5e-1);
    let series = rest.mul_add(series, 0.5);
    let value_of_rest = (rest * rest).mul_add(series, rest) + 1.0;
    let power = f32::from_bits((shifted.to_bits().wrapping_sub(SHIFT.to_bits()).wrapping_add(127)) << 23);
    let result = value_of_rest * power;
    if value < LEAST { 0.0 } else { result }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_right_to_the_last_places() {
        for step in -870_000..=880_000 {
            let x = step as f32 / 10_000.0;
            let right = f64::from(x).exp();
            let error = (f64::from(exp(x)) - right).abs() / right;
            assert!(error < 2.5e-7, "exp({x}) is off by {error}");
        }
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(0.0), 1.0);
    }
}
