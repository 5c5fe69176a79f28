//! The embedding of timesteps.

use candle_core::{Device, Result, Tensor};

use super::config::Config;
use crate::layers::{Linear, Scope};
use crate::weights::WeightError;

/// The longest period of the sinusoids, as in "Attention is all you need" (Vaswani et al., 2017).
const PERIOD: f32 = 10_000.0;

/// Timesteps as sinusoids, through two maps.
#[derive(Debug, Clone)]
pub(super) struct TimeEmbedding {
    first: Linear,
    second: Linear,
    width: usize,
    is_cosine_first: bool,
    shift: f32,
}

impl TimeEmbedding {
    pub(super) fn load(scope: &Scope<'_>, config: &Config) -> std::result::Result<Self, WeightError> {
        let (width, inner) = (config.widest(), config.time_width());
        Ok(Self {
            first: Linear::load(&scope.at("linear_1"), width, inner)?,
            second: Linear::load(&scope.at("linear_2"), inner, inner)?,
            width,
            is_cosine_first: config.flip_sin_to_cos,
            shift: config.freq_shift as f32,
        })
    }

    /// The embedded timesteps [timesteps, 4 · width], after the activation that every residual block applies to them.
    pub(super) fn forward(&self, timesteps: &[f32], like: &Tensor) -> Result<Tensor> {
        let waves = waves(timesteps, self.width, self.is_cosine_first, self.shift)?;
        let waves = waves.to_dtype(like.dtype())?.to_device(like.device())?;
        self.second.forward(&self.first.forward(&waves)?.silu()?)?.silu()
    }
}

/// Sines and cosines of timesteps in single precision, [timesteps, width]: at frequency i of n, `exp(−ln(10000) i / (n −
/// shift))`. diffusers' `get_timestep_embedding`.
fn waves(timesteps: &[f32], width: usize, is_cosine_first: bool, shift: f32) -> Result<Tensor> {
    let half = width / 2;
    let frequencies: Vec<f32> = (0..half).map(|at| (-PERIOD.ln() * at as f32 / (half as f32 - shift)).exp()).collect();
    let mut waves = Vec::with_capacity(timesteps.len() * width);
    for &timestep in timesteps {
        let angles = || frequencies.iter().map(move |frequency| timestep * frequency);
        if is_cosine_first {
            waves.extend(angles().map(f32::cos).chain(angles().map(f32::sin)));
        } else {
            waves.extend(angles().map(f32::sin).chain(angles().map(f32::cos)));
        }
        // An odd width ends with a zero.
        waves.extend(std::iter::repeat_n(0.0, width - 2 * half));
    }
    Tensor::from_vec(waves, (timesteps.len(), width), &Device::Cpu)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waves_are_those_of_the_formula() -> Result<()> {
        let right = |timestep: f64, at: f64| timestep * (-10_000.0_f64.ln() * at / 4.0).exp();
        for (is_cosine_first, width) in [(true, 8), (false, 9)] {
            let found = waves(&[0.0, 21.0, 950.5], width, is_cosine_first, 0.0)?.to_vec2::<f32>()?;
            for (row, timestep) in found.iter().zip([0.0, 21.0, 950.5]) {
                for at in 0..4 {
                    let angle = right(timestep, at as f64);
                    let (sine, cosine) = if is_cosine_first { (at + 4, at) } else { (at, at + 4) };
                    assert!((f64::from(row[sine]) - angle.sin()).abs() < 1e-4);
                    assert!((f64::from(row[cosine]) - angle.cos()).abs() < 1e-4);
                }
                assert!(row[8..].iter().all(|&value| value == 0.0));
            }
        }
        Ok(())
    }
}
