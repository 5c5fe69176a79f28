//! The file of an adapter.

use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};

use crate::files;
use crate::load::LoadError;
use crate::weights::{Checkpoint, Storage, WeightError};

/// What diffusers and PEFT call the file in a folder.
const IN_FOLDERS: [&str; 2] = ["pytorch_lora_weights.safetensors", "adapter_model.safetensors"];

/// An adapter's file, opened.
#[derive(Debug)]
pub(super) struct AdapterFile {
    pub(super) path: PathBuf,
    checkpoint: Checkpoint,
    /// Of its bytes when it was opened.
    digest: blake3::Hash,
}

impl AdapterFile {
    /// Opens a file, or the one in a folder.
    pub(super) fn open(path: &Path) -> Result<Self, LoadError> {
        let path = if path.is_dir() { in_folder(path)? } else { path.to_owned() };
        let digest = digest(&path)?;
        let checkpoint = Checkpoint::open_file(&path, str::to_owned)?;
        Ok(Self { path, checkpoint, digest })
    }

    /// The stored names of all tensors.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.checkpoint.facts().map(|(name, _)| name)
    }

    /// What the header says under a key, beside the tensors.
    pub(super) fn note(&self, key: &str) -> Option<&str> {
        self.checkpoint.note(key)
    }

    /// The dimensions of a tensor; none where it is not there.
    pub(super) fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.checkpoint.fact(name).map(|fact| fact.shape)
    }

    /// A tensor of finite numbers in single precision, on the processor.
    pub(super) fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, WeightError> {
        self.checkpoint.tensor(name, shape, Storage::As(candle_core::DType::F32), &Device::Cpu)
    }

    /// The digest of its bytes, where they are still those that were opened.
    pub(super) fn unchanged_digest(&self) -> Result<blake3::Hash, LoadError> {
        if digest(&self.path)? == self.digest {
            return Ok(self.digest);
        }
        Err(LoadError::content(&self.path, "was written while it was read: write another file and move it here"))
    }
}

fn in_folder(folder: &Path) -> Result<PathBuf, LoadError> {
    let found = IN_FOLDERS.iter().map(|name| folder.join(name)).find(|file| file.is_file());
    let expected = IN_FOLDERS.join("` or `");
    found.ok_or_else(|| LoadError::content(folder, format!("has no adapter: expected `{expected}` in it")))
}

fn digest(path: &Path) -> Result<blake3::Hash, LoadError> {
    let read = |source| LoadError::Read { file: path.to_owned(), source };
    let (file, _) = files::open(path).map_err(read)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file).map_err(read)?;
    Ok(hasher.finalize())
}
