//! GGUF files: their header, checked, and their tensors.
//!
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>. Only what tensors need is read: metadata are
//! stepped over, except for the alignment. Whatever the file declares is checked against its length first.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{DType, Device, Tensor};
use half::f16;

use crate::weights::checkpoint::{first_not_finite, place};
use crate::weights::{Storage, WeightError};

/// The first four bytes of the format.
const MAGIC: [u8; 4] = *b"GGUF";

/// Where tensors begin unless the file says otherwise: at multiples of this many bytes.
const ALIGNMENT: u64 = 32;

/// The longest name and the longest key that is read.
const MOST_NAME_BYTES: u64 = 1 << 16;

/// How many tensors and how many metadata a file may have: released models have a few thousand.
const MOST_ENTRIES: u64 = 1 << 16;

/// How deep arrays of metadata may lie within each other.
const MOST_DEPTH: usize = 4;

/// How many elements of arrays of metadata are stepped over one by one: those of strings and of arrays.
const MOST_ELEMENTS: u64 = 1 << 22;

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
        let facts = std::fs::metadata(path).map_err(read)?;
        if !facts.is_file() {
            return Err(format("is not a file: expected a GGUF file".to_owned()));
        }
        let file = File::open(path).map_err(read)?;
        let mut header = Header { reader: BufReader::new(&file), at: 0, length: facts.len(), elements: 0 };
        let found = header.tensors().map_err(format)?;
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
        self.check_finite(name, tensor.stored, &bytes)?;
        let placed = match dense_type(tensor.stored) {
            Some(dtype) => place(&bytes, dtype, shape, kept, device).map(GgufWeight::Dense),
            None => quantised(&bytes, tensor.stored, shape, device).map(|it| GgufWeight::Quantised(it.into())),
        };
        placed.map_err(|source| self.refused(name, source))
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

    fn check_finite(&self, name: &str, stored: GgmlDType, bytes: &[u8]) -> Result<(), WeightError> {
        let bad = match dense_type(stored) {
            Some(dtype) => first_not_finite(bytes, dtype),
            None => first_bad_scale(bytes, stored),
        };
        match bad {
            Some(at) => Err(WeightError::NotFinite { file: self.path.clone(), name: name.to_owned(), at }),
            None => Ok(()),
        }
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

/// The types that are read, by their numbers in the format.
fn stored_type(number: u32) -> Option<GgmlDType> {
    Some(match number {
        0 => GgmlDType::F32,
        1 => GgmlDType::F16,
        2 => GgmlDType::Q4_0,
        3 => GgmlDType::Q4_1,
        6 => GgmlDType::Q5_0,
        7 => GgmlDType::Q5_1,
        8 => GgmlDType::Q8_0,
        10 => GgmlDType::Q2K,
        11 => GgmlDType::Q3K,
        12 => GgmlDType::Q4K,
        13 => GgmlDType::Q5K,
        14 => GgmlDType::Q6K,
        30 => GgmlDType::BF16,
        _ => return None,
    })
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

/// A header being read: every step is checked against the file's length.
struct Header<R> {
    reader: R,
    at: u64,
    length: u64,
    /// Elements of arrays stepped over one by one so far.
    elements: u64,
}

type Found<T> = Result<T, String>;

impl<R: Read + Seek> Header<R> {
    fn truncated(&self) -> String {
        format!("is truncated or broken: its header goes on beyond its {} bytes", self.length)
    }

    fn claim(&mut self, bytes: u64) -> Found<()> {
        match self.at.checked_add(bytes) {
            Some(end) if end <= self.length => {
                self.at = end;
                Ok(())
            }
            _ => Err(self.truncated()),
        }
    }

    fn take<const N: usize>(&mut self) -> Found<[u8; N]> {
        self.claim(N as u64)?;
        let mut buffer = [0; N];
        self.reader.read_exact(&mut buffer).map_err(|error| error.to_string())?;
        Ok(buffer)
    }

    fn skip(&mut self, bytes: u64) -> Found<()> {
        self.claim(bytes)?;
        let by = i64::try_from(bytes).map_err(|error| error.to_string())?;
        self.reader.seek_relative(by).map_err(|error| error.to_string())
    }

    fn u32(&mut self) -> Found<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Found<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn name(&mut self) -> Found<String> {
        let length = self.u64()?;
        if length > MOST_NAME_BYTES {
            return Err(format!("declares a name of {length} bytes: expected at most {MOST_NAME_BYTES}"));
        }
        self.claim(length)?;
        let mut bytes = vec![0; length as usize];
        self.reader.read_exact(&mut bytes).map_err(|error| error.to_string())?;
        String::from_utf8(bytes).map_err(|_| "holds a name that is not UTF-8".to_owned())
    }

    fn count(&mut self, what: &str) -> Found<u64> {
        match self.u64()? {
            count if count > MOST_ENTRIES => Err(format!("declares {count} {what}: expected at most {MOST_ENTRIES}")),
            count => Ok(count),
        }
    }

    fn tensors(&mut self) -> Found<Vec<(String, GgufTensor)>> {
        if self.length < 24 || self.take()? != MAGIC {
            return Err("is not a GGUF file: it does not begin with `GGUF` and a header".to_owned());
        }
        let version = self.u32()?;
        if !(2..=3).contains(&version) {
            return Err(format!("has version {version} of the format: expected 2 or 3"));
        }
        let (tensors, metadata) = (self.count("tensors")?, self.count("metadata")?);
        let mut alignment = ALIGNMENT;
        for _ in 0..metadata {
            alignment = self.metadata()?.unwrap_or(alignment);
        }
        let entries = (0..tensors).map(|_| self.entry()).collect::<Found<Vec<_>>>()?;
        // The alignment is a power of two far below the length of any file.
        let start = self.at.next_multiple_of(alignment);
        entries.into_iter().map(|(name, tensor)| self.placed(name, tensor, start, alignment)).collect()
    }

    /// Steps over one datum; answers the alignment if it is that.
    fn metadata(&mut self) -> Found<Option<u64>> {
        let key = self.name()?;
        let kind = self.u32()?;
        if key != "general.alignment" {
            self.skip_value(kind, 0)?;
            return Ok(None);
        }
        let alignment = match kind {
            4 => u64::from(self.u32()?),
            10 => self.u64()?,
            _ => return Err(format!("`general.alignment` has type {kind}: expected a number")),
        };
        if !alignment.is_power_of_two() || alignment > 1 << 20 {
            return Err(format!("`general.alignment` is {alignment}: expected a power of two up to 2^20"));
        }
        Ok(Some(alignment))
    }

    fn skip_value(&mut self, kind: u32, depth: usize) -> Found<()> {
        match kind {
            8 => {
                let length = self.u64()?;
                self.skip(length)
            }
            9 => self.skip_array(depth),
            _ => self.skip(bytes_of(kind)?),
        }
    }

    fn skip_array(&mut self, depth: usize) -> Found<()> {
        if depth >= MOST_DEPTH {
            return Err(format!("has arrays of metadata more than {MOST_DEPTH} deep"));
        }
        let (kind, count) = (self.u32()?, self.u64()?);
        if !matches!(kind, 8 | 9) {
            let bytes = bytes_of(kind)?.checked_mul(count).ok_or_else(|| self.truncated())?;
            return self.skip(bytes);
        }
        self.elements = self.elements.saturating_add(count);
        if self.elements > MOST_ELEMENTS {
            return Err(format!("declares arrays of {} metadata: expected at most {MOST_ELEMENTS}", self.elements));
        }
        (0..count).try_for_each(|_| self.skip_value(kind, depth + 1))
    }

    /// One tensor's entry, its start relative to where tensors begin.
    fn entry(&mut self) -> Found<(String, GgufTensor)> {
        let name = self.name()?;
        let dimensions = self.u32()?;
        if dimensions > 4 {
            return Err(format!("tensor `{name}` has {dimensions} dimensions: expected at most 4"));
        }
        // The format puts the dimension that lies together first.
        let mut shape = (0..dimensions).map(|_| Ok(self.u64()? as usize)).collect::<Found<Vec<_>>>()?;
        shape.reverse();
        let number = self.u32()?;
        let unknown = || format!("tensor `{name}` is stored as type {number} of ggml, which is not supported");
        let stored = stored_type(number).ok_or_else(unknown)?;
        let start = self.u64()?;
        let too_large = || format!("tensor `{name}` has shape {shape:?}, which is larger than any memory");
        let elements = shape.iter().try_fold(1_usize, |all, &size| all.checked_mul(size)).ok_or_else(too_large)?;
        let block = stored.block_size();
        if elements == 0 || shape.last().is_none_or(|last| last % block != 0) {
            let reason = format!("has shape {shape:?}: expected some rows of a multiple of {block} numbers each");
            return Err(format!("tensor `{name}` of type {stored:?} {reason}"));
        }
        let bytes = (elements / block).checked_mul(stored.type_size()).ok_or_else(too_large)?;
        Ok((name, GgufTensor { shape, stored, start, bytes }))
    }

    fn placed(&self, name: String, tensor: GgufTensor, from: u64, alignment: u64) -> Found<(String, GgufTensor)> {
        if !tensor.start.is_multiple_of(alignment) {
            return Err(format!("tensor `{name}` begins at {}: expected a multiple of {alignment}", tensor.start));
        }
        let start = from.checked_add(tensor.start);
        let end = start.and_then(|start| start.checked_add(tensor.bytes as u64));
        match (start, end) {
            (Some(start), Some(end)) if end <= self.length => Ok((name, GgufTensor { start, ..tensor })),
            _ => {
                let GgufTensor { start, bytes, .. } = tensor;
                let reason = format!("takes {bytes} bytes from {start} on, more than the file's {}", self.length);
                Err(format!("is truncated: tensor `{name}` {reason}"))
            }
        }
    }
}

/// The size of a plain datum.
fn bytes_of(kind: u32) -> Found<u64> {
    match kind {
        0 | 1 | 7 => Ok(1),
        2 | 3 => Ok(2),
        4..=6 => Ok(4),
        10..=12 => Ok(8),
        _ => Err(format!("has metadata of type {kind}, which the format does not know")),
    }
}
