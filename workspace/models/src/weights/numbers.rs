//! A tensor's numbers as they are stored.

use std::borrow::Cow;

use candle_core::{DType, Device, Result, Tensor};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use rayon::prelude::*;

use crate::weights::Storage;

/// The numbers of a tensor that is stored in a type of floats.
pub(super) struct Numbers {
    pub(super) bytes: Cow<'static, [u8]>,
    /// F32, F16 or BF16.
    pub(super) dtype: DType,
}

impl Numbers {
    /// The flat index of the first one that is not finite.
    pub(super) fn first_not_finite(&self) -> Option<usize> {
        match self.dtype {
            DType::F32 => self.first_without(|value| f32::from_le_bytes(value).is_finite()),
            DType::F16 => self.first_without(|value| f16::from_le_bytes(value).is_finite()),
            _ => self.first_without(|value| bf16::from_le_bytes(value).is_finite()),
        }
    }

    fn first_without<const SIZE: usize>(&self, is_finite: impl Fn([u8; SIZE]) -> bool + Sync) -> Option<usize> {
        const CHUNK: usize = 1 << 18;
        let (values, _) = self.bytes.as_chunks();
        let find = |(chunk, values): (usize, &[[u8; SIZE]])| {
            // All are looked at, since a loop that may end early is not compiled into one of vectors.
            if values.iter().fold(true, |all, value| all & is_finite(*value)) {
                return None;
            }
            values.iter().position(|value| !is_finite(*value)).map(|at| chunk * CHUNK + at)
        };
        values.par_chunks(CHUNK).enumerate().find_map_first(find)
    }

    /// A tensor of them on a device.
    pub(super) fn place(&self, shape: &[usize], kept: Storage, device: &Device) -> Result<Tensor> {
        let dtype = kept.of(self.dtype);
        if dtype == self.dtype {
            // To a card without another copy on the way.
            return Tensor::from_raw_buffer(&self.bytes, dtype, shape, device);
        }
        // Converted before it is moved: a card may not know the stored type.
        let tensor = match (self.dtype, dtype) {
            (DType::F16, DType::F32) => {
                Tensor::from_vec(widened(&self.bytes, f16::from_le_bytes), shape, &Device::Cpu)?
            }
            (DType::BF16, DType::F32) => {
                Tensor::from_vec(widened(&self.bytes, bf16::from_le_bytes), shape, &Device::Cpu)?
            }
            _ => Tensor::from_raw_buffer(&self.bytes, self.dtype, shape, &Device::Cpu)?.to_dtype(dtype)?,
        };
        tensor.to_device(device)
    }
}

/// Numbers of half the width in single precision: many at a time, where candle asks for each what the processor can do.
fn widened<T: Copy>(bytes: &[u8], value: fn([u8; 2]) -> T) -> Vec<f32>
where
    [T]: HalfFloatSliceExt,
{
    let (values, _) = bytes.as_chunks();
    values.iter().map(|bytes| value(*bytes)).collect::<Vec<T>>().to_f32_vec()
}
