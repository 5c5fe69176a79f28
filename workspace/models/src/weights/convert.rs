//! From `PyTorch`'s `.pth` to safetensors, without running what a pickle asks to run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use candle_core::pickle::PthTensors;
use candle_core::{DType, Tensor};
use safetensors::tensor::{Dtype, View};
use thiserror::Error;

use crate::files;
use crate::guard::quietly;
use crate::weights::saved;

/// Why a `.pth` file was not converted.
#[derive(Debug, Error)]
pub enum ConvertError {
    /// It is not what `torch.save` writes, or holds what is not a plain tensor.
    #[error("{}: cannot be read as a saved state: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the reader said.
        source: Box<candle_core::Error>,
    },
    /// There is nothing in it.
    #[error("{}: holds no tensors, neither at its top nor under `model` or `state_dict`", file.display())]
    Empty {
        /// The file.
        file: PathBuf,
    },
    /// A tensor has a type that safetensors files of models do not use.
    #[error("{}: tensor `{name}` has type {found}: expected F32, F16 or BF16", file.display())]
    Type {
        /// The file.
        file: PathBuf,
        /// The tensor.
        name: String,
        /// Its type.
        found: String,
    },
    /// A tensor cannot be read in full.
    #[error("{}: {reason}", file.display())]
    Broken {
        /// The file.
        file: PathBuf,
        /// Which tensor, and what was wrong.
        reason: String,
    },
    /// The result cannot be written.
    #[error("{}: cannot be written: {reason}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// What the system said.
        reason: String,
    },
}

/// What is said where the library panics.
const ODD: &str = "its description is not one that `torch.save` writes";

/// One tensor of the archive, read when it is written.
struct Saved<'a> {
    archive: &'a PthTensors,
    name: &'a str,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: usize,
    failed: &'a Mutex<Option<String>>,
}

impl View for Saved<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> std::borrow::Cow<'_, [u8]> {
        let read = || self.archive.get(self.name).and_then(|tensor| tensor.as_ref().map_or(Ok(Vec::new()), raw));
        let read = quietly(read).ok_or_else(|| ODD.to_owned());
        let read = read.and_then(|read| read.map_err(|error| error.to_string())).and_then(|bytes| {
            let found = bytes.len();
            if found == self.bytes { Ok(bytes) } else { Err(format!("expected {} bytes, found {found}", self.bytes)) }
        });
        // The trait has no way to fail: the first failure is kept, and the file thrown away.
        std::borrow::Cow::Owned(read.unwrap_or_else(|reason| {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            failed.get_or_insert(format!("tensor `{}`: {reason}", self.name));
            Vec::new()
        }))
    }

    fn data_len(&self) -> usize {
        self.bytes
    }
}

/// Converts what `torch.save` wrote into a safetensors file. The pickle inside is read as data: its instructions are
/// followed only as far as they describe tensors, and nothing that it names is imported or called.
///
/// A state under an outer `model` or `state_dict` is unwrapped. Tensors are copied one by one, so that memory holds one
/// at a time.
pub fn convert_pth(pth: &Path, safetensors: &Path) -> Result<(), ConvertError> {
    let (archive, length) = open(pth)?;
    let failed = Mutex::new(None);
    let mut tensors = BTreeMap::new();
    for (name, info) in archive.tensor_infos() {
        let shape = info.layout.dims().to_vec();
        let dtype = match info.dtype {
            DType::F32 => Dtype::F32,
            DType::F16 => Dtype::F16,
            DType::BF16 => Dtype::BF16,
            other => {
                let found = format!("{other:?}");
                return Err(ConvertError::Type { file: pth.to_owned(), name: name.clone(), found });
            }
        };
        let Some(bytes) = bytes_within(&shape, info.dtype.size_in_bytes(), length) else {
            let reason = format!("tensor `{name}` has shape {shape:?}, which takes more bytes than the file has");
            return Err(ConvertError::Broken { file: pth.to_owned(), reason });
        };
        tensors.insert(name.as_str(), Saved { archive: &archive, name, dtype, shape, bytes, failed: &failed });
    }
    let write = |reason: String| ConvertError::Write { file: safetensors.to_owned(), reason };
    let metadata = Some([("format".to_owned(), "pt".to_owned())].into());
    safetensors::serialize_to_file(tensors, metadata, safetensors).map_err(|error| write(error.to_string()))?;
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(reason) => {
            std::fs::remove_file(safetensors).ok();
            Err(ConvertError::Broken { file: pth.to_owned(), reason })
        }
        None => Ok(()),
    }
}

/// The bytes of a shape, where the file can hold them: `torch.save` does not compress. Memory is taken for what is
/// declared, and a program that asks for more than there is ends at once.
fn bytes_within(shape: &[usize], size: usize, length: u64) -> Option<usize> {
    let bytes = shape.iter().try_fold(size, |all, &edge| all.checked_mul(edge))?;
    (bytes as u64 <= length).then_some(bytes)
}

/// The state in a file, and how many bytes the file has. The state is the one under a name where there is such, since what
/// stands beside it is no part of a model.
fn open(pth: &Path) -> Result<(PthTensors, u64), ConvertError> {
    let failed = |source: candle_core::Error| ConvertError::Read { file: pth.to_owned(), source: source.into() };
    let broken = |reason: String| ConvertError::Broken { file: pth.to_owned(), reason };
    let (file, length) = files::open(pth).map_err(|error| failed(error.into()))?;
    saved::check(file).map_err(broken)?;
    let read = |key| quietly(|| PthTensors::new(pth, key)).ok_or_else(|| broken(ODD.to_owned()));
    for key in ["model", "state_dict"] {
        if let Ok(archive) = read(Some(key))?
            && !archive.tensor_infos().is_empty()
        {
            return Ok((archive, length));
        }
    }
    let archive = read(None)?.map_err(failed)?;
    if archive.tensor_infos().is_empty() {
        return Err(ConvertError::Empty { file: pth.to_owned() });
    }
    Ok((archive, length))
}

fn raw(tensor: &Tensor) -> candle_core::Result<Vec<u8>> {
    let flat = tensor.flatten_all()?;
    Ok(match flat.dtype() {
        DType::F32 => flat.to_vec1::<f32>()?.into_iter().flat_map(f32::to_le_bytes).collect(),
        DType::F16 => flat.to_vec1::<half::f16>()?.into_iter().flat_map(half::f16::to_le_bytes).collect(),
        DType::BF16 => flat.to_vec1::<half::bf16>()?.into_iter().flat_map(half::bf16::to_le_bytes).collect(),
        other => candle_core::bail!("type {other:?} is not converted"),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    #[test]
    fn what_the_library_would_end_the_program_at_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let (pth, to) = (folder.path().join("model.pth"), folder.path().join("model.safetensors"));
        let nested = [&b"\x80\x02)"[..], &b"\x85".repeat(2_000_000), b"."].concat();
        let without_arguments = b"\x80\x02}(X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n)Ru.".to_vec();
        for (pickle, expected) in [(nested, "at most 64 levels"), (without_arguments, ODD)] {
            let mut archive = ZipWriter::new(std::fs::File::create(&pth).expect("a file"));
            archive.start_file("archive/data.pkl", SimpleFileOptions::DEFAULT).expect("an entry");
            archive.write_all(&pickle).expect("an entry");
            archive.finish().expect("an archive");
            let found = convert_pth(&pth, &to).expect_err("no saved state").to_string();
            assert!(found.contains("model.pth") && found.contains(expected), "{found}");
        }
    }

    #[test]
    fn nothing_is_larger_than_its_file() {
        assert_eq!(bytes_within(&[3, 5], 2, 30), Some(30));
        assert_eq!(bytes_within(&[3, 5], 2, 29), None);
        assert_eq!(bytes_within(&[usize::MAX, 2], 4, u64::MAX), None);
        assert_eq!(bytes_within(&[], 4, 4), Some(4));
    }
}
