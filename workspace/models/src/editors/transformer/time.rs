//! Noise levels and strengths of guidance as sinusoids.

use candle_core::{DType, Result, Tensor};
use half::{bf16, f16};

use crate::layers::Compute;

/// Width of sinusoidal embeddings.
pub(in crate::editors) const SINUSOIDS: usize = 256;

/// The longest period of the sinusoids.
const MOST_PERIOD: f32 = 10_000.0;

/// Inputs from 0 to 1 are multiplied by this.
const TIMES: f32 = 1000.0;

/// Cosines, then sines, of a thousand times the values at falling frequencies: [values, 256] in the type of computing.
pub(in crate::editors) fn sinusoids(values: &[f32], compute: &Compute) -> Result<Tensor> {
    let half = SINUSOIDS / 2;
    // The exponent in single precision, as in the reference; its exponential rounded once.
    let frequency = |i: usize| f64::from(-MOST_PERIOD.ln() * i as f32 / half as f32).exp() as f32;
    let frequencies: Vec<f32> = (0..half).map(frequency).collect();
    let mut all = Vec::with_capacity(values.len() * SINUSOIDS);
    for value in values {
        // In the type of the activations, as the reference takes it.
        let scaled = rounded(rounded(*value, compute.dtype) * TIMES, compute.dtype);
        all.extend(frequencies.iter().map(|frequency| (scaled * frequency).cos()));
        all.extend(frequencies.iter().map(|frequency| (scaled * frequency).sin()));
    }
    Tensor::from_vec(all, (values.len(), SINUSOIDS), &compute.device)?.to_dtype(compute.dtype)
}

fn rounded(value: f32, dtype: DType) -> f32 {
    match dtype {
        DType::BF16 => bf16::from_f32(value).to_f32(),
        DType::F16 => f16::from_f32(value).to_f32(),
        _ => value,
    }
}
