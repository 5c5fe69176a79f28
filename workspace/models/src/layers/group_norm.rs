//! Normalisation of pictures over groups of channels.

use candle_core::{CpuStorage, CustomOp3, D, DType, Layout, Result, Shape, Tensor, bail};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::layers::Scope;
use crate::layers::activation::silu;
use crate::layers::cpu::{is_plain, moments, plain, vectorised};
use crate::weights::WeightError;

/// Every group of channels of every picture to mean 0 and variance 1, then a weight and a bias a channel (Wu and He 2018,
/// "Group normalization"). All is computed in single precision, and rounded once to the type of the activations.
#[derive(Debug, Clone)]
pub struct GroupNorm {
    /// [channels], in single precision.
    weight: Tensor,
    /// [channels], in single precision.
    bias: Tensor,
    groups: usize,
    channels: usize,
    epsilon: f64,
}

impl GroupNorm {
    /// Loads `weight` and `bias`. `groups` must divide `channels`; `epsilon` is added to variances.
    pub fn load(
        scope: &Scope<'_>,
        groups: usize,
        channels: usize,
        epsilon: f64,
    ) -> std::result::Result<Self, WeightError> {
        if channels == 0 || !channels.is_multiple_of(groups) {
            return Err(
                scope.wrong(&format!("{groups} groups of {channels} channels: expected a divisor of the channels"))
            );
        }
        let load = |name| scope.in_type(name, &[channels], DType::F32);
        Ok(Self { weight: load("weight")?, bias: load("bias")?, groups, channels, epsilon })
    }

    /// Normalises [batch, channels, height, width].
    pub fn forward(&self, pictures: &Tensor) -> Result<Tensor> {
        self.check(pictures)?;
        if is_plain(pictures) { self.fast(pictures, false) } else { self.composite(pictures) }
    }

    /// The same, followed by the sigmoid-weighted linear unit, `x · sigmoid(x)`.
    pub fn forward_silu(&self, pictures: &Tensor) -> Result<Tensor> {
        self.check(pictures)?;
        if is_plain(pictures) { self.fast(pictures, true) } else { self.composite(pictures)?.silu() }
    }

    fn check(&self, pictures: &Tensor) -> Result<()> {
        let (_, channels, _, _) = pictures.dims4()?;
        if channels != self.channels || pictures.elem_count() == 0 {
            bail!("group norm: pictures {:?} are empty or not of {} channels", pictures.dims(), self.channels);
        }
        Ok(())
    }

    fn fast(&self, pictures: &Tensor, silu: bool) -> Result<Tensor> {
        let op = Op { groups: self.groups, epsilon: self.epsilon as f32, silu };
        pictures.contiguous()?.apply_op3_no_bwd(&self.weight, &self.bias, &op)
    }

    fn composite(&self, pictures: &Tensor) -> Result<Tensor> {
        let (batch, channels, _, _) = pictures.dims4()?;
        let groups = pictures.reshape((batch, self.groups, ()))?.to_dtype(DType::F32)?;
        let centred = groups.broadcast_sub(&groups.mean_keepdim(D::Minus1)?)?;
        let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
        let normed = centred.broadcast_div(&(variance + self.epsilon)?.sqrt()?)?.reshape(pictures.shape())?;
        let scaled = normed.broadcast_mul(&self.weight.reshape((1, channels, 1, 1))?)?;
        scaled.broadcast_add(&self.bias.reshape((1, channels, 1, 1))?)?.to_dtype(pictures.dtype())
    }
}

struct Op {
    groups: usize,
    epsilon: f32,
    silu: bool,
}

impl CustomOp3 for Op {
    fn name(&self) -> &'static str {
        "group-norm"
    }

    fn cpu_fwd(
        &self,
        pictures: &CpuStorage,
        l1: &Layout,
        weight: &CpuStorage,
        l2: &Layout,
        bias: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (pictures, weight, bias) = (plain(pictures, l1)?, plain(weight, l2)?, plain(bias, l3)?);
        let (_, channels, height, width) = l1.shape().dims4()?;
        let (plane, of_group) = (height * width, channels / self.groups);
        let mut out = vec![0.0; pictures.len()];
        let groups = out.par_chunks_mut(of_group * plane).zip(pictures.par_chunks(of_group * plane));
        groups.enumerate().for_each(|(at, (out, values))| {
            let first = at % self.groups * of_group;
            let (weight, bias) = (&weight[first..first + of_group], &bias[first..first + of_group]);
            let Self { epsilon, silu, .. } = *self;
            vectorised(Group { out, values, weight, bias, plane, epsilon, silu });
        });
        Ok((CpuStorage::F32(out), l1.shape().clone()))
    }
}

/// A group of channels of one picture.
struct Group<'a> {
    out: &'a mut [f32],
    values: &'a [f32],
    weight: &'a [f32],
    bias: &'a [f32],
    plane: usize,
    epsilon: f32,
    silu: bool,
}

impl WithSimd for Group<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let (mean, variance) = moments(self.values);
        let factor = 1.0 / (variance + self.epsilon).sqrt();
        let planes = self.out.chunks_exact_mut(self.plane).zip(self.values.chunks_exact(self.plane));
        for ((out, values), (&weight, &bias)) in planes.zip(self.weight.iter().zip(self.bias)) {
            let weight = weight * factor;
            let scaled = out.iter_mut().zip(values.iter().map(|&value| (value - mean).mul_add(weight, bias)));
            if self.silu {
                scaled.for_each(|(out, value)| *out = silu(value));
            } else {
                scaled.for_each(|(out, value)| *out = value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::layers::Compute;
    use crate::weights::Checkpoint;

    fn norm(groups: usize, channels: usize) -> Result<GroupNorm> {
        let random = |mean| Tensor::randn(mean, 0.3_f32, channels, &Device::Cpu);
        Ok(GroupNorm { weight: random(1.0)?, bias: random(0.0)?, groups, channels, epsilon: 1e-5 })
    }

    fn off(a: &Tensor, b: &Tensor) -> Result<f32> {
        assert_eq!(a.dims(), b.dims());
        (a - b)?.abs()?.max_all()?.to_scalar()
    }

    #[test]
    fn groups_are_normalised_as_candle_does_it() -> Result<()> {
        let shapes = [(1, 1, 1, 1), (2, 6, 1, 1), (3, 12, 5, 7), (1, 32, 16, 16), (2, 6, 70, 90)];
        for (shape, groups) in shapes.into_iter().flat_map(|shape| [1, 2, 3, 6].map(|groups| (shape, groups))) {
            if shape.1 % groups != 0 {
                continue;
            }
            let norm = norm(groups, shape.1)?;
            let pictures = Tensor::randn(0.7_f32, 2.0, shape, &Device::Cpu)?;
            let plain = norm.composite(&pictures)?;
            assert!(off(&norm.forward(&pictures)?, &plain)? < 1e-5, "{shape:?} in {groups}");
            assert!(off(&norm.forward_silu(&pictures)?, &plain.silu()?)? < 1e-5, "{shape:?} in {groups}, silu");
        }
        Ok(())
    }

    #[test]
    fn a_large_mean_costs_no_accuracy() -> Result<()> {
        let pictures = Tensor::randn(500.0_f32, 1.0, (1, 4, 128, 128), &Device::Cpu)?;
        let ours = GroupNorm { epsilon: 0.0, ..norm(1, 4)? };
        let wide = pictures.to_dtype(DType::F64)?;
        let centred = wide.broadcast_sub(&wide.mean_all()?)?;
        let right = centred.broadcast_div(&centred.sqr()?.mean_all()?.sqrt()?)?.to_dtype(DType::F32)?;
        let right = right.broadcast_mul(&ours.weight.reshape((1, 4, 1, 1))?)?;
        let right = right.broadcast_add(&ours.bias.reshape((1, 4, 1, 1))?)?;
        let off = off(&ours.forward(&pictures)?, &right)?;
        // Half a unit in the last place of the mean, with a little to spare.
        assert!(off < 6e-5, "off by {off}");
        Ok(())
    }

    #[test]
    fn a_picture_comes_out_the_same_in_any_batch() -> Result<()> {
        let (norm, pictures) = (norm(3, 12)?, Tensor::randn(0.0_f32, 1.0, (5, 12, 9, 11), &Device::Cpu)?);
        let together = norm.forward_silu(&pictures)?;
        for at in 0..5 {
            assert_eq!(off(&norm.forward_silu(&pictures.narrow(0, at, 1)?)?, &together.narrow(0, at, 1)?)?, 0.0);
        }
        Ok(())
    }

    #[test]
    fn what_does_not_fit_is_refused() -> Result<()> {
        let norm = norm(2, 4)?;
        for shape in [&[1, 6, 2, 2][..], &[1, 2, 2, 2], &[4, 2, 2], &[0, 4, 2, 2], &[1, 4, 0, 2]] {
            assert!(norm.forward(&Tensor::zeros(shape, DType::F32, &Device::Cpu)?).is_err(), "{shape:?}");
        }
        let folder = tempfile::tempdir()?;
        let tensors = ["weight", "bias"].map(|name| (name, norm.weight.clone()));
        candle_core::safetensors::save(&tensors.into_iter().collect(), folder.path().join("model.safetensors"))?;
        let checkpoint = Checkpoint::open(folder.path(), str::to_owned).map_err(candle_core::Error::wrap)?;
        let compute = Compute::cpu();
        let scope = Scope::root(&checkpoint, &compute);
        assert!(GroupNorm::load(&scope, 2, 4, 1e-5).is_ok());
        for groups in [0, 3, 8] {
            assert!(GroupNorm::load(&scope, groups, 4, 1e-5).is_err(), "{groups}");
        }
        assert!(GroupNorm::load(&scope, 2, 6, 1e-5).is_err());
        Ok(())
    }
}
