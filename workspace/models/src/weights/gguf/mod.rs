//! GGUF files: their header, checked, and their tensors.
//!
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>. Only what tensors need is read: metadata are
//! stepped over, except for the alignment. Whatever the file declares is checked against its length first.

mod header;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{DType, Device, Tensor};
use half::f16;

use crate::files;
use crate::weights::gguf::header::Header;
use crate::weights::numbers::Numbers;
use crate::weights::{Storage, WeightError};

/// An open GGUF file whose header fits its length.
#[derive(Debug)]
pub struct GgufFile {
    path: PathBuf,
    file: Mutex<File>,
    tensors: BTreeMap<String, GgufTensor>,
}

/// What the header says of one tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GgufTensor {
    /// Its dimensions, rows first.
    pub shape: Vec<usize>,
    /// The type it is stored in.
    pub stored: GgmlDType,
    /// Where its bytes begin in the file.
    start: u64,
    /// How many bytes it has.
    bytes: usize,
}

/// A tensor as it is used: numbers, or quantised blocks.
#[derive(Debug, Clone)]
pub enum GgufWeight {
    /// Stored as F32, F16 or BF16.
    Dense(Tensor),
    /// Stored as blocks of a few bits a number.
    Quantised(std::sync::Arc<QTensor>),
}

impl GgufFile {
    /// Opens a file and reads its header. `rename` maps a stored name to the one that the model uses.
    pub fn open(path: &Path, rename: fn(&str) -> String) -> Result<Self, WeightError> {
        let read = |source| WeightError::Read { file: path.to_owned(), source };
        let format = |reason: String| WeightError::Format { file: path.to_owned(), reason };
        let (file, length) = files::open(path).map_err(read)?;
        let found = Header::new(BufReader::new(&file), length).tensors().map_err(format)?;
        let mut tensors = BTreeMap::new();
        for (name, tensor) in found {
            if tensors.insert(rename(&name), tensor).is_some() {
                return Err(format(format!("holds tensor `{name}` twice, under this or another name")));
            }
        }
        Ok(Self { path: path.to_owned(), file: Mutex::new(file), tensors })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All tensors by name.
    pub fn tensors(&self) -> &BTreeMap<String, GgufTensor> {
        &self.tensors
    }

    /// The bytes of all tensors in memory, if dense ones are kept so; quantised ones stay as they are.
    pub fn kept_bytes(&self, kept: Storage) -> u64 {
        let bytes = |tensor: &GgufTensor| match (kept, dense_type(tensor.stored)) {
            (Storage::As(dtype), Some(_)) => {
                let numbers = tensor.shape.iter().map(|&edge| edge as u64).product::<u64>();
                numbers.saturating_mul(dtype.size_in_bytes() as u64)
            }
            _ => tensor.bytes as u64,
        };
        self.tensors.values().map(bytes).sum()
    }

    /// What tells this file from others, to be hashed: every tensor's name, type and shape, with its first bytes.
    pub(crate) fn sample(&self) -> Result<Vec<u8>, WeightError> {
        const BYTES: usize = 256;
        let mut sample = Vec::new();
        for (name, tensor) in &self.tensors {
            sample.extend_from_slice(format!("{name}\0{:?}{:?}\0", tensor.stored, tensor.shape).as_bytes());
            let part = GgufTensor { bytes: tensor.bytes.min(BYTES), ..tensor.clone() };
            sample.extend_from_slice(&self.bytes(&part)?);
        }
        Ok(sample)
    }

    /// Reads a matrix or vector. Dense ones are kept as `kept` says, quantised ones as they are; values, or the scales of
    /// blocks, must be finite.
    pub fn weight(
        &self,
        name: &str,
        shape: &[usize],
        kept: Storage,
        device: &Device,
    ) -> Result<GgufWeight, WeightError> {
        let tensor = self.checked(name, shape)?;
        let bytes = self.bytes(tensor)?;
        let (bad, placed) = if let Some(dtype) = dense_type(tensor.stored) {
            let numbers = Numbers { bytes: bytes.into(), dtype };
            (numbers.first_not_finite(), numbers.place(shape, kept, device).map(GgufWeight::Dense))
        } else {
            let blocks = quantised(&bytes, tensor.stored, shape, device);
            (first_bad_scale(&bytes, tensor.stored), blocks.map(|blocks| GgufWeight::Quantised(blocks.into())))
        };
        match bad {
            Some(at) => Err(WeightError::NotFinite { file: self.path.clone(), name: name.to_owned(), at }),
            None => placed.map_err(|source| self.refused(name, source)),
        }
    }

    /// Reads a tensor as numbers of a type, from blocks if need be.
    pub fn dense(&self, name: &str, shape: &[usize], dtype: DType, device: &Device) -> Result<Tensor, WeightError> {
        match self.weight(name, shape, Storage::As(dtype), device)? {
            GgufWeight::Dense(tensor) => Ok(tensor),
            GgufWeight::Quantised(blocks) => blocks
                .dequantize(device)
                .and_then(|tensor| tensor.to_dtype(dtype))
                .map_err(|source| self.refused(name, source)),
        }
    }

    fn refused(&self, name: &str, source: candle_core::Error) -> WeightError {
        WeightError::Device { file: self.path.clone(), name: name.to_owned(), source: source.into() }
    }

    fn checked(&self, name: &str, shape: &[usize]) -> Result<&GgufTensor, WeightError> {
        let missing = || WeightError::NoTensor { file: self.path.clone(), name: name.to_owned() };
        let tensor = self.tensors.get(name).ok_or_else(missing)?;
        if tensor.shape != shape {
            return Err(WeightError::Shape {
                file: self.path.clone(),
                name: name.to_owned(),
                expected: shape.to_vec(),
                found: tensor.shape.clone(),
            });
        }
        Ok(tensor)
    }

    fn bytes(&self, tensor: &GgufTensor) -> Result<Vec<u8>, WeightError> {
        let mut buffer = vec![0; tensor.bytes];
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.seek(SeekFrom::Start(tensor.start))
            .and_then(|_| file.read_exact(&mut buffer))
            .map_err(|source| WeightError::Read { file: self.path.clone(), source })?;
        Ok(buffer)
    }
}

fn quantised(bytes: &[u8], stored: GgmlDType, shape: &[usize], device: &Device) -> candle_core::Result<QTensor> {
    QTensor::new(QStorage::from_data(Cow::Borrowed(bytes), device, stored)?, shape)
}

fn dense_type(stored: GgmlDType) -> Option<DType> {
    match stored {
        GgmlDType::F32 => Some(DType::F32),
        GgmlDType::F16 => Some(DType::F16),
        GgmlDType::BF16 => Some(DType::BF16),
        _ => None,
    }
}

/// Where in a block its half-precision scales and offsets lie (ggml's `ggml-common.h`).
fn scale_offsets(stored: GgmlDType) -> &'static [usize] {
    match stored {
        GgmlDType::Q4_0 | GgmlDType::Q5_0 | GgmlDType::Q8_0 => &[0],
        GgmlDType::Q4_1 | GgmlDType::Q5_1 | GgmlDType::Q4K | GgmlDType::Q5K => &[0, 2],
        GgmlDType::Q2K => &[80, 82],
        GgmlDType::Q3K => &[108],
        GgmlDType::Q6K => &[208],
        _ => &[],
    }
}

/// The flat index of the first number of the first block whose scale is not finite.
fn first_bad_scale(bytes: &[u8], stored: GgmlDType) -> Option<usize> {
    let offsets = scale_offsets(stored);
    let is_finite = |block: &[u8], at: usize| match block.get(at..at + 2) {
        Some(&[low, high]) => f16::from_le_bytes([low, high]).is_finite(),
        _ => true,
    };
    let mut blocks = bytes.chunks_exact(stored.type_size());
    blocks.position(|block| !offsets.iter().all(|&at| is_finite(block, at))).map(|at| at * stored.block_size())
}
