//! A tensor's numbers as they are stored.

use candle_core::{DType, Device, Result, Tensor};
use half::{bf16, f16};
use rayon::prelude::*;

use crate::weights::Storage;

/// The numbers of a tensor that is stored in a type of floats.
pub(super) struct Numbers {
    pub(super) bytes: Vec<u8>,
    /// F32, F16 or BF16.
    pub(super) dtype: DType,
}

impl Numbers {
    /// The flat index of the first one that is not finite.
    pub(super) fn first_not_finite(&self) -> Option<usize> {
        const CHUNK: usize = 1 << 20;
        let (size, is_finite): (usize, fn(&[u8]) -> bool) = match self.dtype {
            DType::F32 => (4, |value| value.try_into().is_ok_and(|value| f32::from_le_bytes(value).is_finite())),
            DType::F16 => (2, |value| value.try_into().is_ok_and(|value| f16::from_le_bytes(value).is_finite())),
            _ => (2, |value| value.try_into().is_ok_and(|value| bf16::from_le_bytes(value).is_finite())),
        };
        let find = |(chunk, bytes): (usize, &[u8])| {
            bytes.chunks_exact(size).position(|value| !is_finite(value)).map(|at| chunk * (CHUNK / size) + at)
        };
        self.bytes.par_chunks(CHUNK).enumerate().find_map_first(find)
    }

    /// A tensor of them on a device.
    pub(super) fn place(&self, shape: &[usize], kept: Storage, device: &Device) -> Result<Tensor> {
        // Converted before it is moved: a card may not know the stored type.
        let tensor = Tensor::from_raw_buffer(&self.bytes, self.dtype, shape, &Device::Cpu)?;
        tensor.to_dtype(kept.of(self.dtype))?.to_device(device)
    }
}
