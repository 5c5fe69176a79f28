//! Where models compute, as users choose it.

use std::sync::{Mutex, PoisonError};

use candle_core::{DType, Device};
use thiserror::Error;

use crate::layers::Compute;
use crate::weights::Storage;

/// A choice of device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// The first card if this program can use one, else the processor.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// The first NVIDIA card.
    Cuda,
}

/// A choice of the type to compute in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DtypeChoice {
    /// Single precision on the processor, brain floats on a card.
    #[default]
    Auto,
    /// Single precision.
    F32,
    /// Brain floats; on cards only.
    Bf16,
    /// Half precision; on cards only.
    F16,
}

/// Why a choice cannot be had.
#[derive(Debug, Error)]
pub enum DeviceError {
    /// The program cannot use cards.
    #[error("device `cuda` cannot be used: this program was built without the feature `cuda`")]
    NotBuilt,
    /// There is no card, or no driver for it.
    #[error("device `cuda` cannot be used: {0}")]
    NoCard(String),
    /// The processor computes in single precision only.
    #[error("dtype `{0}` cannot be used on the processor: expected `f32` or `auto`")]
    NotOnProcessor(&'static str),
}

/// The way to compute that these choices ask for, with weights kept in the type of computing.
pub fn compute(device: DeviceChoice, dtype: DtypeChoice) -> Result<Compute, DeviceError> {
    let device = match device {
        DeviceChoice::Cpu => Device::Cpu,
        DeviceChoice::Cuda => card()?,
        DeviceChoice::Auto => card().unwrap_or(Device::Cpu),
    };
    let dtype = match (dtype, device.is_cpu()) {
        (DtypeChoice::Bf16, true) => return Err(DeviceError::NotOnProcessor("bf16")),
        (DtypeChoice::F16, true) => return Err(DeviceError::NotOnProcessor("f16")),
        (DtypeChoice::F32, _) | (DtypeChoice::Auto, true) => DType::F32,
        (DtypeChoice::Bf16 | DtypeChoice::Auto, false) => DType::BF16,
        (DtypeChoice::F16, false) => DType::F16,
    };
    Ok(Compute { device, dtype, kept: Storage::As(dtype) })
}

/// The first card, the same for all of the process: tensors of two handles of one card cannot meet in one computation, and models
/// share weights.
fn card() -> Result<Device, DeviceError> {
    static CARD: Mutex<Option<Device>> = Mutex::new(None);
    if !candle_core::utils::cuda_is_available() {
        return Err(DeviceError::NotBuilt);
    }
    let mut card = CARD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(card) = &*card {
        return Ok(card.clone());
    }
    let found = Device::new_cuda(0).map_err(|error| DeviceError::NoCard(error.to_string()))?;
    Ok(card.insert(found).clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_that_cannot_be_had_are_named() {
        let cpu = compute(DeviceChoice::Cpu, DtypeChoice::Auto).expect("the processor");
        assert_eq!((cpu.dtype, cpu.kept), (DType::F32, Storage::As(DType::F32)));
        if !cfg!(feature = "cuda") {
            let refused = compute(DeviceChoice::Cuda, DtypeChoice::Auto).map_err(|error| error.to_string());
            assert!(refused.is_err_and(|error| error.contains("feature `cuda`")));
        }
        for (dtype, word) in [(DtypeChoice::Bf16, "`bf16`"), (DtypeChoice::F16, "`f16`")] {
            let refused = compute(DeviceChoice::Cpu, dtype).map_err(|error| error.to_string());
            assert!(refused.is_err_and(|error| error.contains(word)));
        }
    }
}
