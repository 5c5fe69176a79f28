//! Where layers take their weights from, and in which types they compute.

use std::path::Path;

use candle_core::{DType, Device, Tensor};

use crate::weights::{Checkpoint, GgufFile, GgufWeight, Storage, WeightError};

/// Where and in which type a model computes.
#[derive(Debug, Clone)]
pub struct Compute {
    /// The processor or card.
    pub device: Device,
    /// The type of activations: F32; on a card also BF16 or F16.
    pub dtype: DType,
    /// The type in which weights of layers are kept. Weights kept in another type than that of the activations are converted
    /// each time they are used: slower, and half the memory.
    pub kept: Storage,
}

impl Compute {
    /// Single precision on the processor.
    pub fn cpu() -> Self {
        Self { device: Device::Cpu, dtype: DType::F32, kept: Storage::As(DType::F32) }
    }
}

/// A place in a tree of names, of a checkpoint or of a quantised file.
#[derive(Debug, Clone)]
pub struct Scope<'a> {
    source: Source<'a>,
    compute: &'a Compute,
    path: String,
}

/// What holds the tensors.
#[derive(Debug, Clone, Copy)]
enum Source<'a> {
    Checkpoint(&'a Checkpoint),
    Gguf(&'a GgufFile),
}

impl Source<'_> {
    fn path(&self) -> &Path {
        match self {
            Self::Checkpoint(checkpoint) => checkpoint.root(),
            Self::Gguf(file) => file.path(),
        }
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        match self {
            Self::Checkpoint(checkpoint) => checkpoint.fact(name).map(|fact| fact.shape),
            Self::Gguf(file) => file.tensors().get(name).map(|tensor| tensor.shape.clone()),
        }
    }
}

impl<'a> Scope<'a> {
    /// The root of a checkpoint.
    pub fn root(checkpoint: &'a Checkpoint, compute: &'a Compute) -> Self {
        Self { source: Source::Checkpoint(checkpoint), compute, path: String::new() }
    }

    /// The root of a quantised file. What is stored in blocks becomes numbers as it is read, but for matrices of
    /// [`Self::matrix`].
    pub fn root_of_gguf(file: &'a GgufFile, compute: &'a Compute) -> Self {
        Self { source: Source::Gguf(file), compute, path: String::new() }
    }

    /// The place below, by a name or a number.
    #[must_use]
    pub fn at(&self, name: impl std::fmt::Display) -> Self {
        Self { path: self.name(&name.to_string()), ..self.clone() }
    }

    /// How this model computes.
    pub fn compute(&self) -> &'a Compute {
        self.compute
    }

    fn name(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// A matrix in the type that weights are kept in, or in blocks of a few bits a number where the file has it so.
    pub fn matrix(&self, name: &str, shape: &[usize]) -> Result<GgufWeight, WeightError> {
        let Compute { device, kept, .. } = self.compute;
        match self.source {
            Source::Checkpoint(_) => Ok(GgufWeight::Dense(self.kept(name, shape)?)),
            Source::Gguf(file) => file.weight(&self.name(name), shape, *kept, device),
        }
    }

    /// A tensor in the type that weights are kept in.
    pub fn kept(&self, name: &str, shape: &[usize]) -> Result<Tensor, WeightError> {
        self.stored(name, shape, self.compute.kept)
    }

    /// A small tensor in the type of the activations.
    pub fn small(&self, name: &str, shape: &[usize]) -> Result<Tensor, WeightError> {
        self.in_type(name, shape, self.compute.dtype)
    }

    /// A tensor in a given type.
    pub fn in_type(&self, name: &str, shape: &[usize], dtype: DType) -> Result<Tensor, WeightError> {
        self.stored(name, shape, Storage::As(dtype))
    }

    fn stored(&self, name: &str, shape: &[usize], kept: Storage) -> Result<Tensor, WeightError> {
        let (name, Compute { device, dtype, .. }) = (self.name(name), self.compute);
        match (self.source, kept) {
            (Source::Checkpoint(checkpoint), kept) => checkpoint.tensor(&name, shape, kept, device),
            (Source::Gguf(file), Storage::As(dtype)) => file.dense(&name, shape, dtype, device),
            (Source::Gguf(file), Storage::Stored) => file.dense(&name, shape, *dtype, device),
        }
    }

    /// The shape that the file gives a tensor, or nothing where there is no such tensor.
    pub fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.source.shape(&self.name(name))
    }

    /// The error for a tensor that was read and could not be brought into place.
    pub(crate) fn device_error(&self, name: &str, source: candle_core::Error) -> WeightError {
        let file = self.source.path().to_owned();
        WeightError::Device { file, name: self.name(name), source: source.into() }
    }

    /// The number of rows that the file gives a matrix; a configuration may say another.
    pub fn rows(&self, name: &str) -> Result<usize, WeightError> {
        let full = self.name(name);
        let shape = self.source.shape(&full);
        let missing = || WeightError::NoTensor { file: self.source.path().to_owned(), name: full.clone() };
        shape.and_then(|shape| shape.first().copied()).ok_or_else(missing)
    }

    /// The same, at least one.
    pub fn some_rows(&self, name: &str) -> Result<usize, WeightError> {
        match self.rows(name)? {
            0 => Err(WeightError::Format {
                file: self.source.path().to_owned(),
                reason: format!("tensor `{}` has no rows: expected at least one", self.name(name)),
            }),
            rows => Ok(rows),
        }
    }

    /// The error for what a layer at this place cannot be.
    pub(super) fn wrong(&self, reason: &str) -> WeightError {
        let file = self.source.path().to_owned();
        let place = if self.path.is_empty() { "the root" } else { &self.path };
        WeightError::Format { file, reason: format!("at {place}: {reason}") }
    }
}
