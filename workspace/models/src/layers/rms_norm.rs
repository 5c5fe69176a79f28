//! Root-mean-square normalisation of rows.

use candle_core::{Result, Tensor};

use crate::layers::{Scope, cpu};
use crate::weights::WeightError;

/// `x / sqrt(mean(x²) + ε) · w`, the mean in single precision.
#[derive(Debug, Clone)]
pub struct RmsNorm {
    weight: Tensor,
    epsilon: f64,
}

impl RmsNorm {
    /// Of rows of a width.
    pub fn load(scope: &Scope<'_>, width: usize, epsilon: f64) -> std::result::Result<Self, WeightError> {
        Ok(Self { weight: scope.small("weight", &[width])?, epsilon })
    }

    /// Normalises rows [rows, width].
    pub fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        cpu::rms_norm(rows, &self.weight, self.epsilon as f32)
    }
}
