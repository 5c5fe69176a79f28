//! Normalisation of rows.

use candle_core::{CpuStorage, CustomOp1, CustomOp3, D, DType, Layout, Result, Shape, Tensor, bail};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::layers::Scope;
use crate::layers::cpu::{TASK, is_plain, moments, plain, vectorised};
use crate::weights::WeightError;

/// Every row to mean 0 and variance 1, then a weight and a bias a column where there are such (Ba, Kiros and Hinton 2016,
/// "Layer normalization"). All is computed in single precision, and rounded once to the type of the activations.
#[derive(Debug, Clone)]
pub struct LayerNorm {
    /// Weight and bias, [width] each, in single precision.
    scale: Option<(Tensor, Tensor)>,
    width: usize,
    epsilon: f64,
}

impl LayerNorm {
    /// Loads `weight` and `bias`, of rows of a width. `epsilon` is added to variances.
    pub fn load(scope: &Scope<'_>, width: usize, epsilon: f64) -> std::result::Result<Self, WeightError> {
        let load = |name| scope.in_type(name, &[width], DType::F32);
        Ok(Self { scale: Some((load("weight")?, load("bias")?)), width, epsilon })
    }

    /// Without weight and bias.
    pub fn plain(width: usize, epsilon: f64) -> Self {
        Self { scale: None, width, epsilon }
    }

    /// Normalises rows [.., width].
    pub fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        if rows.dims().last() != Some(&self.width) || self.width == 0 {
            bail!("layer norm: rows {:?} do not have the width {}", rows.dims(), self.width);
        }
        let op = Op { width: self.width, epsilon: self.epsilon as f32 };
        match &self.scale {
            Some((weight, bias)) if is_plain(rows) => rows.contiguous()?.apply_op3_no_bwd(weight, bias, &op),
            None if is_plain(rows) => rows.contiguous()?.apply_op1_no_bwd(&op),
            _ => self.composite(rows),
        }
    }

    fn composite(&self, rows: &Tensor) -> Result<Tensor> {
        let wide = rows.to_dtype(DType::F32)?;
        let centred = wide.broadcast_sub(&wide.mean_keepdim(D::Minus1)?)?;
        let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
        let normed = centred.broadcast_div(&(variance + self.epsilon)?.sqrt()?)?;
        let scaled = match &self.scale {
            Some((weight, bias)) => normed.broadcast_mul(weight)?.broadcast_add(bias)?,
            None => normed,
        };
        scaled.to_dtype(rows.dtype())
    }
}

struct Op {
    width: usize,
    epsilon: f32,
}

impl Op {
    fn run(&self, rows: &[f32], scale: Option<(&[f32], &[f32])>, shape: &Shape) -> (CpuStorage, Shape) {
        let mut out = vec![0.0; rows.len()];
        let task = (TASK / self.width).max(1) * self.width;
        let tasks = out.par_chunks_mut(task).zip(rows.par_chunks(task));
        tasks.for_each(|(out, rows)| vectorised(Rows { out, rows, scale, op: self }));
        (CpuStorage::F32(out), shape.clone())
    }
}

impl CustomOp1 for Op {
    fn name(&self) -> &'static str {
        "layer-norm"
    }

    fn cpu_fwd(&self, rows: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok(self.run(plain(rows, layout)?, None, layout.shape()))
    }
}

impl CustomOp3 for Op {
    fn name(&self) -> &'static str {
        "layer-norm-scaled"
    }

    fn cpu_fwd(
        &self,
        rows: &CpuStorage,
        l1: &Layout,
        weight: &CpuStorage,
        l2: &Layout,
        bias: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok(self.run(plain(rows, l1)?, Some((plain(weight, l2)?, plain(bias, l3)?)), l1.shape()))
    }
}

struct Rows<'a> {
    out: &'a mut [f32],
    rows: &'a [f32],
    scale: Option<(&'a [f32], &'a [f32])>,
    op: &'a Op,
}

impl WithSimd for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let width = self.op.width;
        for (out, row) in self.out.chunks_exact_mut(width).zip(self.rows.chunks_exact(width)) {
            let (mean, variance) = moments(row);
            let factor = 1.0 / (variance + self.op.epsilon).sqrt();
            let normed = out.iter_mut().zip(row.iter().map(|&value| (value - mean) * factor));
            match self.scale {
                Some((weight, bias)) => {
                    for (((out, value), &weight), &bias) in normed.zip(weight).zip(bias) {
                        *out = value.mul_add(weight, bias);
                    }
                }
                None => normed.for_each(|(out, value)| *out = value),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn norm(width: usize) -> Result<LayerNorm> {
        let random = |mean| Tensor::randn(mean, 0.2_f32, width, &Device::Cpu);
        Ok(LayerNorm { scale: Some((random(1.0)?, random(0.0)?)), width, epsilon: 1e-5 })
    }

    fn off(norm: &LayerNorm, rows: &Tensor) -> Result<f32> {
        let (fast, plain) = (norm.forward(rows)?, norm.composite(rows)?);
        assert_eq!(fast.dims(), rows.dims());
        (fast - plain)?.abs()?.max_all()?.to_scalar()
    }

    #[test]
    fn rows_are_normalised_as_candle_does_it() -> Result<()> {
        for width in [1, 2, 15, 16, 37, 320, 5000] {
            let rows = Tensor::randn(0.5_f32, 2.0, (2, 35, width), &Device::Cpu)?;
            for norm in [norm(width)?, LayerNorm::plain(width, 1e-6)] {
                assert!(off(&norm, &rows)? < 1e-5, "width {width}: off by {}", off(&norm, &rows)?);
            }
        }
        Ok(())
    }

    #[test]
    fn a_large_mean_costs_no_accuracy() -> Result<()> {
        let rows = Tensor::randn(3000.0_f32, 1.0, (9, 10_000), &Device::Cpu)?;
        let wide = rows.to_dtype(DType::F64)?;
        let centred = wide.broadcast_sub(&wide.mean_keepdim(1)?)?;
        let right = centred.broadcast_div(&centred.sqr()?.mean_keepdim(1)?.sqrt()?)?;
        let ours = LayerNorm::plain(10_000, 0.0).forward(&rows)?.to_dtype(DType::F64)?;
        let off = (ours - right)?.abs()?.max_all()?.to_scalar::<f64>()?;
        // Half a unit in the last place of the mean, with a little to spare.
        assert!(off < 2e-4, "off by {off}");
        Ok(())
    }

    #[test]
    fn halves_are_normalised_in_single_precision() -> Result<()> {
        let rows = Tensor::randn(40.0_f32, 1.0, (5, 64), &Device::Cpu)?.to_dtype(DType::BF16)?;
        let norm = norm(64)?;
        let right = norm.forward(&rows.to_dtype(DType::F32)?)?;
        let ours = norm.forward(&rows)?;
        assert_eq!(ours.dtype(), DType::BF16);
        let off = (ours.to_dtype(DType::F32)? - right)?.abs()?.max_all()?.to_scalar::<f32>()?;
        assert!(off < 0.02, "off by {off}");
        Ok(())
    }

    #[test]
    fn rows_of_another_width_are_refused() -> Result<()> {
        assert!(LayerNorm::plain(8, 1e-5).forward(&Tensor::zeros((3, 7), DType::F32, &Device::Cpu)?).is_err());
        assert!(LayerNorm::plain(0, 1e-5).forward(&Tensor::zeros((3, 0), DType::F32, &Device::Cpu)?).is_err());
        Ok(())
    }
}
