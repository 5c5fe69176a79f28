//! What tests of networks share: their fixtures, copies with other configurations, and differences.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};

use crate::layers::Compute;
use crate::weights::Storage;

/// The folder of a network that `tests/parity` made.
pub(crate) fn folder(network: &str, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/layers").join(network).join(name)
}

/// The tensors of a file.
pub(crate) fn tensors(file: &Path) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(file, &Device::Cpu).unwrap()
}

/// Tokens [texts, tokens] as numbers.
pub(crate) fn ids(tensor: &Tensor) -> Vec<Vec<u32>> {
    tensor.to_dtype(DType::U32).and_then(|ids| ids.to_vec2()).unwrap()
}

/// The greatest difference as a share of the greatest magnitude.
pub(crate) fn off(found: &Tensor, right: &Tensor) -> f32 {
    assert_eq!(found.dims(), right.dims());
    let greatest = |tensor: &Tensor| tensor.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
    greatest(&(found.to_dtype(DType::F32).unwrap() - right).unwrap()) / greatest(right)
}

/// The same of all numbers together: the root of the mean square.
pub(crate) fn off_in_the_mean(found: &Tensor, right: &Tensor) -> f32 {
    let mean = |tensor: Tensor| tensor.sqr().unwrap().mean_all().unwrap().to_scalar::<f32>().unwrap().sqrt();
    mean((found.to_dtype(DType::F32).unwrap() - right).unwrap()) / mean(right.clone())
}

/// A copy of a network's folder with another configuration.
pub(crate) fn changed(folder: &Path, change: impl FnOnce(String) -> String) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let config = fs::read_to_string(folder.join("config.json")).unwrap();
    fs::write(copy.path().join("config.json"), change(config)).unwrap();
    copy
}

/// The same with a piece of its text replaced.
pub(crate) fn replaced(folder: &Path, from: &str, to: &str) -> tempfile::TempDir {
    changed(folder, |config| {
        assert!(config.contains(from), "{config}");
        config.replacen(from, to, 1)
    })
}

/// As on a card, where activations are brain floats: eight bits of each number are there.
pub(crate) fn brain_floats() -> Compute {
    Compute { device: Device::Cpu, dtype: DType::BF16, kept: Storage::As(DType::BF16) }
}
