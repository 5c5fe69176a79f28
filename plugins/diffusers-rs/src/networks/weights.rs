//! Weights from files into the crate's networks.

use std::collections::BTreeSet;

use candle_core::DType;
use editscale_models::load::LoadError;
use editscale_models::weights::{Checkpoint, Storage};
use tch::nn::VarStore;
use tch::{Device, Tensor};

use super::{guarded, tensor};

/// A tensor of a checkpoint in single precision, on a device.
pub(super) fn read(checkpoint: &Checkpoint, name: &str, shape: &[i64], device: Device) -> Result<Tensor, LoadError> {
    let sizes: Vec<usize> = shape.iter().map(|size| *size as usize).collect();
    let read = checkpoint.tensor(name, &sizes, Storage::As(DType::F32), &candle_core::Device::Cpu)?;
    let failed = |reason: String| LoadError::content(checkpoint.root(), format!("tensor `{name}`: {reason}"));
    let numbers: Vec<f32> =
        read.flatten_all().and_then(|flat| flat.to_vec1()).map_err(|error| failed(error.to_string()))?;
    guarded(|| Ok(tensor(&numbers, shape, device))).map_err(failed)
}

/// Gives every variable of a network its numbers. A tensor that no variable takes is refused: the network would be another
/// than the file's.
pub(super) fn fill(network: &mut VarStore, checkpoint: &Checkpoint) -> Result<(), LoadError> {
    let device = network.device();
    let mut taken = BTreeSet::new();
    for (name, mut variable) in network.variables() {
        let numbers = read(checkpoint, &name, &variable.size(), device)?;
        let copied = guarded(|| {
            variable.copy_(&numbers);
            Ok(())
        });
        copied.map_err(|reason| LoadError::content(checkpoint.root(), format!("tensor `{name}`: {reason}")))?;
        taken.insert(name);
    }
    if let Some((name, _)) = checkpoint.facts().find(|(name, _)| !taken.contains(*name)) {
        let reason = format!("holds tensor `{name}`, for which the crate `diffusers` has no place in its network");
        return Err(LoadError::content(checkpoint.root(), reason));
    }
    network.freeze();
    Ok(())
}
