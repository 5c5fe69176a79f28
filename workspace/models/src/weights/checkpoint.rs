//! A checkpoint: one or many safetensors files as one set of named tensors.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use safetensors::Dtype;
use safetensors::tensor::TensorInfo;

use crate::weights::audit::{Audit, AuditNotes};
use crate::weights::file::WeightFile;
use crate::weights::layout::{Index, Layout};
use crate::weights::narrow::{Narrow, take_factors};
use crate::weights::numbers::Numbers;
use crate::weights::{Storage, WeightError};

/// What files of weights are called where nothing else is said.
const STEM: &str = "model";

/// The tensors of a model directory, by the names that the model's code uses.
#[derive(Debug)]
pub struct Checkpoint {
    files: Vec<WeightFile>,
    tensors: BTreeMap<String, Stored>,
    /// What weights of eight bits are to be multiplied by, by the weights' names.
    factors: BTreeMap<String, Stored>,
    /// What errors about missing tensors point at: the one file, or the index.
    root: PathBuf,
    /// Set where tensors are only looked at.
    audit: Option<Audit>,
}

#[derive(Debug)]
struct Stored {
    file: usize,
    info: TensorInfo,
}

/// What a header says of one tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorFacts {
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// The type it is stored in, for example `BF16`.
    pub stored: String,
    /// The file it is in.
    pub file: PathBuf,
}

impl Checkpoint {
    /// Opens the weights of a folder: `model.safetensors`, or the shards that `model.safetensors.index.json` names.
    /// Headers are read and checked, tensors are not. `rename` maps a stored name to the one that the model uses.
    pub fn open(folder: &Path, rename: fn(&str) -> String) -> Result<Self, WeightError> {
        Self::open_stem(folder, STEM, rename)
    }

    /// The same for files called otherwise: `STEM.safetensors` or the shards of `STEM.safetensors.index.json`, and, where
    /// neither is there, `STEM.fp16.safetensors` or the shards of `STEM.safetensors.index.fp16.json`.
    pub fn open_stem(folder: &Path, stem: &str, rename: fn(&str) -> String) -> Result<Self, WeightError> {
        match Layout::of(folder, stem)? {
            Layout::File(file) => Self::open_file(&file, rename),
            Layout::Index(file) => Self::open_shards(folder, file, rename),
        }
    }

    fn open_shards(folder: &Path, file: PathBuf, rename: fn(&str) -> String) -> Result<Self, WeightError> {
        let index = Index::read(&file)?;
        let shards = index.shards().into_iter().map(|name| WeightFile::open(&folder.join(name)));
        let checkpoint = Self::of(file, shards.collect::<Result<_, _>>()?, rename)?;
        match index.tensors().find(|name| !checkpoint.tensors.contains_key(&rename(name))) {
            Some(name) => {
                let reason = format!("names tensor `{name}`, and no shard holds it");
                Err(WeightError::Format { file: checkpoint.root, reason })
            }
            None => Ok(checkpoint.with_factors()),
        }
    }

    /// Opens one file of weights, whatever it is called.
    pub fn open_file(file: &Path, rename: fn(&str) -> String) -> Result<Self, WeightError> {
        Ok(Self::of(file.to_owned(), vec![WeightFile::open(file)?], rename)?.with_factors())
    }

    /// Weights that are part of the program.
    pub fn embedded(name: &str, bytes: &'static [u8], rename: fn(&str) -> String) -> Result<Self, WeightError> {
        Self::of(PathBuf::from(name), vec![WeightFile::embedded(name, bytes)?], rename)
    }

    fn of(root: PathBuf, files: Vec<WeightFile>, rename: fn(&str) -> String) -> Result<Self, WeightError> {
        let mut tensors = BTreeMap::new();
        for (at, file) in files.iter().enumerate() {
            for (name, info) in file.tensors() {
                if tensors.insert(rename(&name), Stored { file: at, info }).is_some() {
                    let reason = format!("holds tensor `{name}`, which is there already under this or another name");
                    return Err(WeightError::Format { file: file.path.clone(), reason });
                }
            }
        }
        Ok(Self { files, tensors, factors: BTreeMap::new(), root, audit: None })
    }

    /// The same where factors of weights of eight bits are no tensors of their own.
    fn with_factors(mut self) -> Self {
        self.factors = take_factors(&mut self.tensors, |stored| stored.info.dtype);
        self
    }

    /// All tensors by name, with what their headers say.
    pub fn facts(&self) -> impl Iterator<Item = (&str, TensorFacts)> {
        self.tensors.iter().map(|(name, stored)| (name.as_str(), self.facts_of(stored)))
    }

    /// What the headers say of one tensor.
    pub fn fact(&self, name: &str) -> Option<TensorFacts> {
        self.tensors.get(name).map(|stored| self.facts_of(stored))
    }

    fn facts_of(&self, stored: &Stored) -> TensorFacts {
        TensorFacts {
            shape: stored.info.shape.clone(),
            stored: format!("{:?}", stored.info.dtype),
            file: self.files[stored.file].path.clone(),
        }
    }

    /// What a header says under a key, beside the tensors.
    pub fn note(&self, key: &str) -> Option<&str> {
        self.files.iter().find_map(|file| file.note(key))
    }

    /// The bytes of all tensors.
    pub fn bytes(&self) -> u64 {
        let sizes = self.tensors.values().map(|stored| stored.info.data_offsets);
        sizes.map(|(from, to)| (to - from) as u64).sum()
    }

    /// The bytes of all tensors in memory, if they are kept so.
    pub fn kept_bytes(&self, kept: Storage) -> u64 {
        self.kept_bytes_below("", kept)
    }

    /// The same of the tensors whose names begin like this.
    pub(crate) fn kept_bytes_below(&self, prefix: &str, kept: Storage) -> u64 {
        let numbers = |stored: &Stored| stored.info.shape.iter().map(|&edge| edge as u64).product::<u64>();
        let bytes = |stored: &Stored| match kept {
            Storage::As(dtype) => numbers(stored).saturating_mul(dtype.size_in_bytes() as u64),
            Storage::Stored => {
                let bytes = (stored.info.data_offsets.1 - stored.info.data_offsets.0) as u64;
                if Narrow::of(stored.info.dtype).is_some() { 2 * bytes } else { bytes }
            }
        };
        self.below(prefix).map(|(_, stored)| bytes(stored)).sum()
    }

    /// The one file, or the index.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether there are headers only, no weights.
    pub fn is_header_only(&self) -> bool {
        self.files.iter().any(|file| file.is_header_only)
    }

    /// Refuses files that hold headers only.
    pub(crate) fn check_weights(&self) -> Result<(), WeightError> {
        if self.is_header_only() {
            let reason = "is a stand-in of headers only: expected a file with its weights".to_owned();
            return Err(WeightError::Format { file: self.root.clone(), reason });
        }
        Ok(())
    }

    /// What tells this checkpoint from others, to be hashed: every tensor's name, type and shape, with some of its bytes from
    /// the beginning, the middle and the end. Training moves every tensor, so that this tells two checkpoints apart without
    /// reading all of them.
    pub fn sample(&self) -> Result<Vec<u8>, WeightError> {
        self.sample_below("")
    }

    /// The same of the tensors whose names begin like this.
    pub(crate) fn sample_below(&self, prefix: &str) -> Result<Vec<u8>, WeightError> {
        const BYTES: usize = 256;
        let mut sample = Vec::new();
        for (name, stored) in self.below(prefix) {
            sample.extend_from_slice(format!("{name}\0{:?}{:?}\0", stored.info.dtype, stored.info.shape).as_bytes());
            if let Some(factor) = self.factors.get(name) {
                sample.extend_from_slice(&self.files[factor.file].read(&factor.info)?);
            }
            let (from, to) = stored.info.data_offsets;
            for start in [from, from + (to - from) / 2, to.saturating_sub(BYTES).max(from)] {
                let part = TensorInfo { data_offsets: (start, to.min(start + BYTES)), ..stored.info.clone() };
                sample.extend_from_slice(&self.files[stored.file].read(&part)?);
            }
        }
        Ok(sample)
    }

    /// Whether the tensors whose names begin like this are those of another checkpoint, to the last byte.
    pub(crate) fn holds_same_below(&self, prefix: &str, other: &Self) -> Result<bool, WeightError> {
        if !self.below(prefix).map(|(name, _)| name).eq(other.below(prefix).map(|(name, _)| name)) {
            return Ok(false);
        }
        for ((name, own), (_, others)) in self.below(prefix).zip(other.below(prefix)) {
            let factors = match (self.factors.get(name), other.factors.get(name)) {
                (Some(own), Some(others)) => self.is_same(own, (other, others))?,
                (own, others) => own.is_none() && others.is_none(),
            };
            if !factors || !self.is_same(own, (other, others))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn is_same(&self, own: &Stored, (other, others): (&Self, &Stored)) -> Result<bool, WeightError> {
        let are_alike = own.info.dtype == others.info.dtype && own.info.shape == others.info.shape;
        Ok(are_alike && self.files[own.file].read(&own.info)? == other.files[others.file].read(&others.info)?)
    }

    /// The tensors whose names begin like this, by name.
    fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a String, &'a Stored)> {
        self.tensors.iter().filter(move |(name, _)| name.starts_with(prefix))
    }

    /// The files that hold the tensors whose names begin like this, each once.
    pub(crate) fn files_below(&self, prefix: &str) -> BTreeSet<&Path> {
        self.below(prefix).map(|(_, stored)| self.files[stored.file].path.as_path()).collect()
    }

    /// The same checkpoint for looking only: a model that is loaded from it gets zeros that take no memory, whatever the files
    /// hold, and what it asked for is noted. Values are read, each tensor for itself, if `reads` and if there are any.
    pub(crate) fn audited(self, reads: bool) -> Self {
        let reads = reads && !self.is_header_only();
        Self { audit: Some(Audit::new(reads)), ..self }
    }

    /// What was noted since; nothing where tensors are not only looked at.
    pub(crate) fn take_notes(&self) -> AuditNotes {
        self.audit.as_ref().map(Audit::take).unwrap_or_default()
    }

    /// Zeros of a shape in place of tensors that are only looked at.
    pub(crate) fn stand_in(
        &self,
        shape: &[usize],
        dtype: DType,
        device: &Device,
    ) -> Option<candle_core::Result<Tensor>> {
        self.audit.as_ref().map(|_| zeros(shape, dtype, device))
    }

    /// Reads one tensor of the given shape; every value must be finite.
    pub fn tensor(&self, name: &str, shape: &[usize], kept: Storage, device: &Device) -> Result<Tensor, WeightError> {
        let Some(audit) = &self.audit else {
            let (stored, format) = self.located(name, shape)?;
            let numbers = self.finite(name, stored, format)?;
            return self.placed(name, numbers.place(shape, Storage::As(kept.of(format.kept())), device));
        };
        let located = self.located(name, shape);
        let dtype = kept.of(located.as_ref().map_or(DType::F32, |(_, format)| format.kept()));
        let read = |(stored, format)| if audit.reads { self.finite(name, stored, format).map(drop) } else { Ok(()) };
        audit.note(name, shape, located.and_then(read))?;
        self.placed(name, zeros(shape, dtype, device))
    }

    /// A tensor's place, if headers say of it what is expected.
    fn located(&self, name: &str, shape: &[usize]) -> Result<(&Stored, Format), WeightError> {
        let missing = || WeightError::NoTensor { file: self.root.clone(), name: name.to_owned() };
        let stored = self.tensors.get(name).ok_or_else(missing)?;
        let file = || self.files[stored.file].path.clone();
        if stored.info.shape != shape {
            let (expected, found) = (shape.to_vec(), stored.info.shape.clone());
            return Err(WeightError::Shape { file: file(), name: name.to_owned(), expected, found });
        }
        let unknown =
            || WeightError::Type { file: file(), name: name.to_owned(), found: format!("{:?}", stored.info.dtype) };
        Ok((stored, Format::of(stored.info.dtype).ok_or_else(unknown)?))
    }

    /// A tensor's numbers, which are finite.
    fn finite(&self, name: &str, stored: &Stored, format: Format) -> Result<Numbers, WeightError> {
        let file = &self.files[stored.file];
        let bytes = file.read(&stored.info)?;
        let numbers = match format {
            Format::Float(dtype) => Numbers { bytes, dtype },
            Format::Narrow(narrow) => {
                let factors = self.factors_of(name, stored)?;
                Numbers { bytes: narrow.widened(&bytes, &factors).into(), dtype: DType::F32 }
            }
        };
        match numbers.first_not_finite() {
            Some(at) => Err(WeightError::NotFinite { file: file.path.clone(), name: name.to_owned(), at }),
            None => Ok(numbers),
        }
    }

    /// What the rows of a weight are to be multiplied by: nothing, one number for all, or one a row.
    fn factors_of(&self, name: &str, weight: &Stored) -> Result<Vec<f32>, WeightError> {
        let Some(stored) = self.factors.get(name) else { return Ok(Vec::new()) };
        let (file, shape) = (&self.files[stored.file], &stored.info.shape);
        let (rows, count) = (weight.info.shape.first().copied().unwrap_or(1), shape.iter().product::<usize>());
        let dtype = Format::of(stored.info.dtype).and_then(Format::float);
        let Some(dtype) = dtype.filter(|_| count == 1 || (count == rows && shape.first() == Some(&rows))) else {
            let found = format!("has factors of shape {shape:?}, stored as {:?}", stored.info.dtype);
            let reason = format!("tensor `{name}` {found}: expected one number, or one for each of {rows} rows");
            return Err(WeightError::Format { file: file.path.clone(), reason });
        };
        let numbers = Numbers { bytes: file.read(&stored.info)?, dtype };
        let placed = numbers.place(&[count], Storage::As(DType::F32), &Device::Cpu);
        self.placed(name, placed.and_then(|factors| factors.to_vec1()))
    }

    fn placed<T>(&self, name: &str, placed: candle_core::Result<T>) -> Result<T, WeightError> {
        placed.map_err(|source| {
            let file = self.tensors.get(name).map_or(&self.root, |stored| &self.files[stored.file].path);
            WeightError::Device { file: file.clone(), name: name.to_owned(), source: source.into() }
        })
    }
}

/// One zero, as often as it is needed.
fn zeros(shape: &[usize], dtype: DType, device: &Device) -> candle_core::Result<Tensor> {
    Tensor::zeros((), dtype, device)?.broadcast_as(shape)
}

/// A type that tensors are stored in.
#[derive(Debug, Clone, Copy)]
enum Format {
    /// One that candle computes in.
    Float(DType),
    /// One of eight bits.
    Narrow(Narrow),
}

impl Format {
    /// None where it is none that released checkpoints use.
    fn of(dtype: Dtype) -> Option<Self> {
        match dtype {
            Dtype::F32 => Some(Self::Float(DType::F32)),
            Dtype::F16 => Some(Self::Float(DType::F16)),
            Dtype::BF16 => Some(Self::Float(DType::BF16)),
            other => Narrow::of(other).map(Self::Narrow),
        }
    }

    fn float(self) -> Option<DType> {
        match self {
            Self::Float(dtype) => Some(dtype),
            Self::Narrow(_) => None,
        }
    }

    /// The type of tensors that are kept as they are stored. Eight bits are widened once, while they are read, to the narrowest
    /// type that holds their range: cards do not multiply them everywhere, and factors would have to go with them.
    fn kept(self) -> DType {
        self.float().unwrap_or(DType::BF16)
    }
}
