//! Root-mean-square normalisation of rows.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::layers::Scope;
use crate::layers::cpu::{TASK, is_plain, plain, sum_of, vectorised};
use crate::weights::WeightError;

/// `x / sqrt(mean(x²) + ε) · w`, the mean in single precision.
#[derive(Debug, Clone)]
pub struct RmsNorm {
    /// [width], at least one.
    weight: Tensor,
    epsilon: f64,
}

impl RmsNorm {
    /// Loads `weight`, of rows of a width. `epsilon` is added to means.
    pub fn load(scope: &Scope<'_>, width: usize, epsilon: f64) -> std::result::Result<Self, WeightError> {
        if width == 0 {
            return Err(scope.wrong("a normalisation of rows of width 0: expected at least 1"));
        }
        Ok(Self { weight: scope.small("weight", &[width])?, epsilon })
    }

    /// From its weight, [width], at least one number.
    pub(crate) fn of(weight: Tensor, epsilon: f64) -> Self {
        Self { weight, epsilon }
    }

    /// Normalises rows [rows, width].
    pub fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        if rows.dims().last() != self.weight.dims().first() {
            bail!("rms norm: rows {:?} do not have the width {:?}", rows.dims(), self.weight.dims());
        }
        let (rows, epsilon) = (rows.contiguous()?, self.epsilon as f32);
        if is_plain(&rows) {
            return rows.apply_op2_no_bwd(&self.weight, &Op { epsilon });
        }
        candle_nn::ops::rms_norm(&rows, &self.weight, epsilon)
    }
}

struct Op {
    epsilon: f32,
}

impl CustomOp2 for Op {
    fn name(&self) -> &'static str {
        "rms-norm-rows"
    }

    fn cpu_fwd(&self, rows: &CpuStorage, l1: &Layout, weight: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, weight) = (plain(rows, l1)?, plain(weight, l2)?);
        let mut out = vec![0.0; rows.len()];
        let task = (TASK / weight.len()).max(1) * weight.len();
        let tasks = out.par_chunks_mut(task).zip(rows.par_chunks(task));
        tasks.for_each(|(out, rows)| vectorised(Rows { out, rows, weight, epsilon: self.epsilon }));
        Ok((CpuStorage::F32(out), l1.shape().clone()))
    }
}

struct Rows<'a> {
    out: &'a mut [f32],
    rows: &'a [f32],
    weight: &'a [f32],
    epsilon: f32,
}

impl WithSimd for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let width = self.weight.len();
        for (out, row) in self.out.chunks_exact_mut(width).zip(self.rows.chunks_exact(width)) {
            let scale = 1.0 / (sum_of(row, |value| value * value) / width as f32 + self.epsilon).sqrt();
            for ((out, &value), &weight) in out.iter_mut().zip(row).zip(self.weight) {
                *out = value * scale * weight;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn rows_are_normalised_as_candle_does_it() -> Result<()> {
        for width in [1, 3, 16, 37, 200] {
            let rows = Tensor::randn(0.0_f32, 1.0, (70, width), &Device::Cpu)?;
            let norm = RmsNorm { weight: Tensor::randn(1.0_f32, 0.1, width, &Device::Cpu)?, epsilon: 1e-6 };
            let right = candle_nn::ops::rms_norm_slow(&rows, &norm.weight, 1e-6)?;
            let off = (norm.forward(&rows)? - right)?.abs()?.max_all()?.to_scalar::<f32>()?;
            assert!(off < 2e-6, "width {width}: off by {off}");
            assert!(norm.forward(&Tensor::randn(0.0_f32, 1.0, (7, width + 1), &Device::Cpu)?).is_err());
        }
        Ok(())
    }
}
