//! Normalisation of every pixel over its channels.

use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, bail};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::layers::Scope;
use crate::layers::activation::silu;
use crate::layers::cpu::{is_plain, plain, vectorised};
use crate::weights::WeightError;

/// The shortest that a pixel's vector of channels is taken to be.
const LEAST: f32 = 1e-12;

/// Every pixel's vector of channels to a length of √channels, times a weight a channel: diffusers' `QwenImageRMS_norm`. There
/// is nothing added to the length, unlike in root-mean-square norms elsewhere. All is computed in single precision.
#[derive(Debug, Clone)]
pub(super) struct PixelNorm {
    /// [channels], in single precision, with √channels in it.
    weight: Tensor,
    channels: usize,
}

impl PixelNorm {
    /// Loads `gamma`, whose channels may be followed by sides of 1.
    pub(super) fn load(scope: &Scope<'_>, channels: usize) -> std::result::Result<Self, WeightError> {
        let flat = |shape: &Vec<usize>| shape.first() == Some(&channels) && shape.iter().skip(1).all(|side| *side == 1);
        let shape = scope.shape("gamma").filter(flat).unwrap_or_else(|| vec![channels, 1, 1, 1]);
        let gamma = scope.in_type("gamma", &shape, DType::F32)?;
        let weight = gamma.flatten_all().and_then(|gamma| gamma * (channels as f64).sqrt());
        let weight = weight.map_err(|error| scope.device_error("gamma", error))?;
        Ok(Self { weight, channels })
    }

    /// Normalises [batch, channels, height, width].
    pub(super) fn forward(&self, pictures: &Tensor) -> Result<Tensor> {
        self.apply(pictures, false)
    }

    /// The same, followed by the sigmoid-weighted linear unit, `x · sigmoid(x)`.
    pub(super) fn forward_silu(&self, pictures: &Tensor) -> Result<Tensor> {
        self.apply(pictures, true)
    }

    fn apply(&self, pictures: &Tensor, activates: bool) -> Result<Tensor> {
        let (_, channels, _, _) = pictures.dims4()?;
        if channels != self.channels || pictures.elem_count() == 0 {
            bail!("norm: pictures {:?} are empty or not of {} channels", pictures.dims(), self.channels);
        }
        if is_plain(pictures) {
            return pictures.contiguous()?.apply_op2_no_bwd(&self.weight, &Op { activates });
        }
        let normed = self.composite(pictures)?;
        if activates { normed.silu() } else { Ok(normed) }
    }

    fn composite(&self, pictures: &Tensor) -> Result<Tensor> {
        let wide = pictures.to_dtype(DType::F32)?;
        let length = wide.sqr()?.sum_keepdim(1)?.sqrt()?.maximum(f64::from(LEAST))?;
        let weight = self.weight.reshape((1, self.channels, 1, 1))?;
        wide.broadcast_div(&length)?.broadcast_mul(&weight)?.to_dtype(pictures.dtype())
    }
}

struct Op {
    activates: bool,
}

impl CustomOp2 for Op {
    fn name(&self) -> &'static str {
        "pixel-norm"
    }

    fn cpu_fwd(
        &self,
        pictures: &CpuStorage,
        l1: &Layout,
        weight: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (pictures, weight) = (plain(pictures, l1)?, plain(weight, l2)?);
        let (_, channels, height, width) = l1.shape().dims4()?;
        let pixels = height * width;
        let mut out = vec![0.0; pictures.len()];
        for (out, picture) in out.chunks_exact_mut(channels * pixels).zip(pictures.chunks_exact(channels * pixels)) {
            let factors = factors(picture, pixels);
            let planes = out.par_chunks_exact_mut(pixels).zip(picture.par_chunks_exact(pixels)).zip(weight);
            planes.for_each(|((out, values), &weight)| {
                let (factors, activates) = (factors.as_slice(), self.activates);
                vectorised(Plane { out, values, factors, weight, activates });
            });
        }
        Ok((CpuStorage::F32(out), l1.shape().clone()))
    }
}

/// A channel of a picture.
struct Plane<'a> {
    out: &'a mut [f32],
    values: &'a [f32],
    /// Of each pixel.
    factors: &'a [f32],
    weight: f32,
    activates: bool,
}

impl WithSimd for Plane<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let scaled = self.values.iter().zip(self.factors).map(|(&value, &factor)| value * factor * self.weight);
        let pairs = self.out.iter_mut().zip(scaled);
        if self.activates {
            pairs.for_each(|(out, value)| *out = silu(value));
        } else {
            pairs.for_each(|(out, value)| *out = value);
        }
    }
}

/// What each pixel of a picture of planes is multiplied by to have length 1.
fn factors(picture: &[f32], pixels: usize) -> Vec<f32> {
    const TASK: usize = 4096;
    let mut factors = vec![0.0_f32; pixels];
    factors.par_chunks_mut(TASK).enumerate().for_each(|(at, sums)| {
        for plane in picture.chunks_exact(pixels) {
            let part = &plane[at * TASK..][..sums.len()];
            sums.iter_mut().zip(part).for_each(|(sum, value)| *sum += value * value);
        }
        sums.iter_mut().for_each(|sum| *sum = 1.0 / sum.sqrt().max(LEAST));
    });
    factors
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn both_paths_are_the_same() -> Result<()> {
        for (batch, channels, height, width) in [(1, 1, 1, 1), (2, 8, 5, 3), (1, 3, 70, 67)] {
            let pictures = Tensor::randn(0.3_f32, 2.0, (batch, channels, height, width), &Device::Cpu)?;
            let norm = PixelNorm { weight: Tensor::randn(1.0_f32, 0.2, channels, &Device::Cpu)?, channels };
            for (fast, right) in [
                (norm.forward(&pictures)?, norm.composite(&pictures)?),
                (norm.forward_silu(&pictures)?, norm.composite(&pictures)?.silu()?),
            ] {
                let off = (fast - right)?.abs()?.max_all()?.to_scalar::<f32>()?;
                assert!(off < 1e-5, "{off}");
            }
            let zeros = pictures.zeros_like()?;
            assert_eq!(norm.forward(&zeros)?.abs()?.max_all()?.to_scalar::<f32>()?, 0.0);
            assert!(norm.forward(&Tensor::zeros((1, channels + 1, 2, 2), DType::F32, &Device::Cpu)?).is_err());
        }
        Ok(())
    }
}
