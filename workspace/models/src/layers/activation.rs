//! Activation functions, by the names that configurations call them.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::layers::cpu::{TASK, exp, is_plain, plain, vectorised};

/// A function of single numbers, applied to every element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `x · Φ(x)`, with the standard normal distribution Φ (Hendrycks and Gimpel 2016, "Gaussian error linear units").
    Gelu,
    /// The same with Φ by a hyperbolic tangent, `x / 2 · (1 + tanh(sqrt(2 / π) (x + 0.044715 x³)))`.
    GeluTanh,
    /// The same with Φ by a logistic function, `x · sigmoid(1.702 x)`.
    QuickGelu,
    /// `x · sigmoid(x)`.
    Silu,
    /// `max(x, 0)`.
    Relu,
}

impl Activation {
    /// The names by which the transformers library calls these functions.
    pub const NAMES: [(&str, Self); 7] = [
        ("gelu", Self::Gelu),
        ("gelu_new", Self::GeluTanh),
        ("gelu_pytorch_tanh", Self::GeluTanh),
        ("quick_gelu", Self::QuickGelu),
        ("silu", Self::Silu),
        ("swish", Self::Silu),
        ("relu", Self::Relu),
    ];

    /// The function of a name. The error says what is expected in its place.
    pub fn from_name(name: &str) -> std::result::Result<Self, String> {
        let found = Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, function)| *function);
        found.ok_or_else(|| format!("expected one of {}", Self::NAMES.map(|(known, _)| known).join(", ")))
    }

    /// Applies it to every element of a tensor of floats.
    pub fn apply(self, tensor: &Tensor) -> Result<Tensor> {
        if is_plain(tensor) {
            return tensor.contiguous()?.apply_op1_no_bwd(&self);
        }
        match self {
            Self::Gelu => tensor.gelu_erf(),
            Self::GeluTanh => tensor.gelu(),
            Self::QuickGelu => tensor * candle_nn::ops::sigmoid(&(tensor * QUICK)?)?,
            Self::Silu => tensor.silu(),
            Self::Relu => tensor.relu(),
        }
    }
}

/// What the quick version multiplies by within.
const QUICK: f64 = 1.702;

impl CustomOp1 for Activation {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn cpu_fwd(&self, values: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let values = plain(values, layout)?;
        let mut out = vec![0.0; values.len()];
        out.par_chunks_mut(TASK).zip(values.par_chunks(TASK)).for_each(|(out, values)| match self {
            Self::Gelu => vectorised(Loop { out, values, of: GeluOf }),
            Self::GeluTanh => vectorised(Loop { out, values, of: GeluTanhOf }),
            Self::QuickGelu => vectorised(Loop { out, values, of: QuickGeluOf }),
            Self::Silu => vectorised(Loop { out, values, of: SiluOf }),
            Self::Relu => vectorised(Loop { out, values, of: ReluOf }),
        });
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }
}

struct Loop<'a, F> {
    out: &'a mut [f32],
    values: &'a [f32],
    of: F,
}

impl<F: Function> WithSimd for Loop<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (out, &value) in self.out.iter_mut().zip(self.values) {
            *out = self.of.at(value);
        }
    }
}

/// A function in a form that compilers turn into vectors: a type of its own, for the reason that `vectorised` gives.
trait Function {
    fn at(&self, x: f32) -> f32;
}

struct GeluOf;

impl Function for GeluOf {
    #[inline(always)]
    fn at(&self, x: f32) -> f32 {
        x * normal(x)
    }
}

struct GeluTanhOf;

impl Function for GeluTanhOf {
    #[inline(always)]
    fn at(&self, x: f32) -> f32 {
        gelu_tanh(x)
    }
}

/// See [`Activation::GeluTanh`].
#[inline(always)]
pub(crate) fn gelu_tanh(x: f32) -> f32 {
    // (1 + tanh(y)) / 2 is sigmoid(2 y).
    const TWICE: f32 = 1.595_769_2; // 2 · sqrt(2 / π)
    x * sigmoid(TWICE * x * (x * x).mul_add(0.044_715, 1.0))
}

struct QuickGeluOf;

impl Function for QuickGeluOf {
    #[inline(always)]
    fn at(&self, x: f32) -> f32 {
        x * sigmoid(QUICK as f32 * x)
    }
}

struct SiluOf;

impl Function for SiluOf {
    #[inline(always)]
    fn at(&self, x: f32) -> f32 {
        silu(x)
    }
}

struct ReluOf;

impl Function for ReluOf {
    #[inline(always)]
    fn at(&self, x: f32) -> f32 {
        // Not `max`, which turns what is not a number into 0.
        if x < 0.0 { 0.0 } else { x }
    }
}

/// `1 / (1 + exp(−x))`.
#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// `x · sigmoid(x)`.
#[inline(always)]
pub(super) fn silu(x: f32) -> f32 {
    x / (1.0 + exp(-x))
}

/// The standard normal distribution Φ to about 2e-7, and far below zero to about as much of its value.
///
/// `Φ(−x) = exp(−x² / 2) · t · series(t)` with `t = 1 / (1 + x / sqrt(8))`, a form of Abramowitz and Stegun (1964, 7.1.26).
/// The coefficients were fitted for this file, to the least relative error over `0 <= x <= 13.4`.
#[inline(always)]
fn normal(x: f32) -> f32 {
    let size = x.abs();
    let t = 1.0 / size.mul_add(0.353_553_38, 1.0);
    let series = t.mul_add(-0.029_445_328, 0.141_850_68);
    let series = t.mul_add(series, -0.242_691_22);
    let series = t.mul_add(series, 0.137_988_33);
    let series = t.mul_add(series, -0.012_588_313);
    let series = t.mul_add(series, 0.101_034_686);
    let series = t.mul_add(series, 0.121_630_564);
    let series = t.mul_add(series, 0.141_176_73);
    let series = t.mul_add(series, 0.141_043_84);
    let tail = series * t * exp(-0.5 * x * x);
    if x < 0.0 { tail } else { 1.0 - tail }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    const ALL: [Activation; 5] =
        [Activation::Gelu, Activation::GeluTanh, Activation::QuickGelu, Activation::Silu, Activation::Relu];

    /// The error function in double precision: its series near 0, the continued fraction of its complement elsewhere.
    fn right_erf(x: f64) -> f64 {
        let size = x.abs();
        if size < 2.5 {
            let mut term = x;
            let mut sum = x;
            for at in 1..80 {
                term *= -x * x / f64::from(at);
                sum += term / f64::from(2 * at + 1);
            }
            return sum * std::f64::consts::FRAC_2_SQRT_PI;
        }
        let fraction = (1..120).rev().fold(size, |below, at| size + f64::from(at) / 2.0 / below);
        let complement = (-size * size).exp() / fraction / std::f64::consts::PI.sqrt();
        (1.0 - complement).copysign(x)
    }

    fn right(activation: Activation, x: f64) -> f64 {
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        match activation {
            Activation::Gelu => x / 2.0 * (1.0 + right_erf(x / 2.0_f64.sqrt())),
            Activation::GeluTanh => {
                x / 2.0 * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh())
            }
            Activation::QuickGelu => x * sigmoid(1.702 * x),
            Activation::Silu => x * sigmoid(x),
            Activation::Relu => x.max(0.0),
        }
    }

    #[test]
    fn the_error_function_of_these_tests_is_right() {
        assert!((right_erf(1.0) - 0.842_700_792_949_714_9).abs() < 1e-15);
        assert!((right_erf(3.0) - 0.999_977_909_503_001_4).abs() < 1e-15);
    }

    #[test]
    fn every_function_is_its_formula() -> Result<()> {
        let points: Vec<f32> = (-120_000..=120_000).map(|step| step as f32 / 4_000.0).collect();
        let tensor = Tensor::new(points.as_slice(), &Device::Cpu)?;
        for activation in ALL {
            for (x, y) in points.iter().zip(activation.apply(&tensor)?.to_vec1::<f32>()?) {
                let off = (f64::from(y) - right(activation, f64::from(*x))).abs();
                assert!(off < 2e-7 * f64::from(x.abs()).max(1.0), "{activation:?}({x}) is off by {off}");
            }
        }
        Ok(())
    }

    #[test]
    fn candles_functions_are_the_same() -> Result<()> {
        let tensor = Tensor::randn(0.0_f32, 3.0, (37, 5), &Device::Cpu)?.t()?;
        for activation in ALL {
            let wide = activation.apply(&tensor.to_dtype(DType::F64)?)?.to_dtype(DType::F32)?;
            let off = (wide - activation.apply(&tensor)?)?.abs()?.max_all()?.to_scalar::<f32>()?;
            assert!(off < 2e-6, "{activation:?} is off by {off}");
        }
        Ok(())
    }

    #[test]
    fn what_is_no_number_stays_none() -> Result<()> {
        let tensor = Tensor::new(&[f32::NAN], &Device::Cpu)?;
        for activation in ALL {
            assert!(activation.apply(&tensor)?.to_vec1::<f32>()?[0].is_nan(), "{activation:?}");
        }
        Ok(())
    }

    #[test]
    fn names_are_those_of_configurations() {
        assert_eq!(Activation::from_name("gelu"), Ok(Activation::Gelu));
        assert_eq!(Activation::from_name("gelu_new"), Activation::from_name("gelu_pytorch_tanh"));
        assert_eq!(Activation::from_name("swish"), Ok(Activation::Silu));
        assert!(Activation::from_name("GELU").is_err_and(|expected| expected.contains("quick_gelu, silu, swish")));
    }
}
