//! Floats of eight bits, as files of diffusion models store weights, and what they are to be multiplied by.
//!
//! E4M3 has no infinities, E5M2 is the upper half of a half-precision number (Micikevicius et al., 2022, "FP8 Formats for Deep
//! Learning"; `float8_e4m3fn` and `float8_e5m2` of PyTorch). Files either cast weights, or scale them first and keep a factor
//! beside each, under the names of `ComfyUI` (`comfy/ops.py`, `comfy/utils.py`).

use std::collections::BTreeMap;

use half::f16;
use rayon::prelude::*;
use safetensors::Dtype;

/// What the factor of `LAYER.weight` is called, behind `LAYER.`.
const FACTORS: [&str; 2] = ["scale_weight", "weight_scale"];

/// What else may stand beside such a weight: factors of activations, which are not rounded here, and the name of the format.
const BESIDE: [&str; 3] = ["scale_input", "input_scale", "comfy_quant"];

/// A tensor whose name ends like this says that there are factors.
const MARKER: &str = "scaled_fp8";

/// How many numbers a thread widens at a time.
const CHUNK: usize = 1 << 18;

/// A type of eight bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Narrow {
    /// Four bits of exponent, three of fraction.
    E4M3,
    /// Five bits of exponent, two of fraction.
    E5M2,
}

impl Narrow {
    /// The one that a file names; none for types that are wider, and for those of other number systems.
    pub(super) fn of(dtype: Dtype) -> Option<Self> {
        match dtype {
            Dtype::F8_E4M3 => Some(Self::E4M3),
            Dtype::F8_E5M2 => Some(Self::E5M2),
            _ => None,
        }
    }

    /// The number that a byte stands for.
    fn value(self, byte: u8) -> f32 {
        if self == Self::E5M2 {
            return f16::from_bits(u16::from(byte) << 8).to_f32();
        }
        let (exponent, fraction) = (i32::from((byte >> 3) & 15), f32::from(byte & 7));
        let magnitude = match (exponent, byte & 7) {
            (15, 7) => f32::NAN,
            // Below the least exponent there is no leading one.
            (0, _) => fraction / 512.0,
            _ => (8.0 + fraction) * 2.0_f32.powi(exponent - 10),
        };
        if byte & 0x80 == 0 { magnitude } else { -magnitude }
    }

    /// The bytes of the same numbers in single precision, those of a row times the row's factor. One factor is for all rows.
    pub(super) fn widened(self, bytes: &[u8], factors: &[f32]) -> Vec<u8> {
        let table: Vec<f32> = (0..=u8::MAX).map(|byte| self.value(byte)).collect();
        let width = bytes.len().checked_div(factors.len()).unwrap_or_default().max(1);
        let factor = |at: usize| factors.get(at / width).copied().unwrap_or(1.0);
        let mut wide = vec![0; 4 * bytes.len()];
        let chunks = wide.par_chunks_mut(4 * CHUNK).zip(bytes.par_chunks(CHUNK)).enumerate();
        chunks.for_each(|(chunk, (wide, bytes))| {
            let (numbers, _) = wide.as_chunks_mut();
            for (at, (number, byte)) in numbers.iter_mut().zip(bytes).enumerate() {
                *number = (table[usize::from(*byte)] * factor(chunk * CHUNK + at)).to_le_bytes();
            }
        });
        wide
    }
}

/// Takes what stands beside weights of eight bits out of a checkpoint's tensors, and answers the factors by the weights' names.
pub(super) fn take_factors<T>(tensors: &mut BTreeMap<String, T>, dtype: impl Fn(&T) -> Dtype) -> BTreeMap<String, T> {
    let is_narrow = |stored: &T| Narrow::of(dtype(stored)).is_some();
    let weights: Vec<String> = tensors.iter().filter(|(_, it)| is_narrow(it)).map(|(name, _)| name.clone()).collect();
    let mut factors = BTreeMap::new();
    if !weights.is_empty() {
        tensors.retain(|name, _| name.rsplit('.').next() != Some(MARKER));
    }
    for weight in weights {
        let Some(layer) = weight.strip_suffix("weight").map(str::to_owned) else { continue };
        if let Some(factor) = FACTORS.iter().find_map(|name| tensors.remove(&format!("{layer}{name}"))) {
            factors.insert(weight, factor);
        }
        for name in BESIDE {
            tensors.remove(&format!("{layer}{name}"));
        }
    }
    factors
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Tensor};

    use super::*;

    /// Every byte, against candle's own types where they have one.
    #[test]
    fn bytes_stand_for_the_numbers_of_their_types() {
        let all: Vec<u8> = (0..=u8::MAX).collect();
        let theirs = Tensor::from_raw_buffer(&all, DType::F8E4M3, &[256], &Device::Cpu).unwrap();
        let theirs: Vec<f32> = theirs.to_dtype(DType::F32).unwrap().to_vec1().unwrap();
        for (byte, right) in all.into_iter().zip(theirs) {
            let found = Narrow::E4M3.value(byte);
            assert!(found == right || (found.is_nan() && right.is_nan()), "{byte:#x}: {found} and {right}");
        }
        assert_eq!([0x7e, 0x01, 0x38, 0xc0].map(|byte| Narrow::E4M3.value(byte)), [448.0, 1.0 / 512.0, 1.0, -2.0]);
        assert_eq!(
            [0x7b, 0x01, 0x3c, 0xc0].map(|byte| Narrow::E5M2.value(byte)),
            [57_344.0, 1.0 / 65_536.0, 1.0, -2.0]
        );
        assert!(Narrow::E5M2.value(0x7c).is_infinite() && Narrow::E4M3.value(0xff).is_nan());
    }

    #[test]
    fn rows_have_their_factors() {
        let wide = |factors: &[f32]| {
            let bytes = Narrow::E4M3.widened(&[0x38, 0x40, 0x38, 0xb8], factors);
            bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect::<Vec<_>>()
        };
        assert_eq!(wide(&[]), [1.0, 2.0, 1.0, -1.0]);
        assert_eq!(wide(&[0.5]), [0.5, 1.0, 0.5, -0.5]);
        assert_eq!(wide(&[0.5, 3.0]), [0.5, 1.0, 3.0, -3.0]);
    }
}
