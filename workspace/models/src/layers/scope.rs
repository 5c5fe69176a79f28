//! Where layers take their weights from, and in which types they compute.

use candle_core::{DType, Device, Tensor};

use crate::weights::{Checkpoint, Storage, WeightError};

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

/// A place in a checkpoint's tree of names.
#[derive(Debug, Clone)]
pub struct Scope<'a> {
    checkpoint: &'a Checkpoint,
    compute: &'a Compute,
    path: String,
}

impl<'a> Scope<'a> {
    /// The root of a checkpoint.
    pub fn root(checkpoint: &'a Checkpoint, compute: &'a Compute) -> Self {
        Self { checkpoint, compute, path: String::new() }
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

    /// A tensor in the type that weights are kept in.
    pub fn kept(&self, name: &str, shape: &[usize]) -> Result<Tensor, WeightError> {
        self.checkpoint.tensor(&self.name(name), shape, self.compute.kept, &self.compute.device)
    }

    /// A small tensor in the type of the activations.
    pub fn small(&self, name: &str, shape: &[usize]) -> Result<Tensor, WeightError> {
        self.in_type(name, shape, self.compute.dtype)
    }

    /// A tensor in a given type.
    pub fn in_type(&self, name: &str, shape: &[usize], dtype: DType) -> Result<Tensor, WeightError> {
        self.checkpoint.tensor(&self.name(name), shape, Storage::As(dtype), &self.compute.device)
    }

    /// The shape that the file gives a tensor, or nothing where there is no such tensor.
    pub fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.checkpoint.fact(&self.name(name)).map(|fact| fact.shape)
    }

    /// The error for a tensor that was read and could not be brought into place.
    pub(crate) fn device_error(&self, name: &str, source: candle_core::Error) -> WeightError {
        let file = self.checkpoint.root().to_owned();
        WeightError::Device { file, name: self.name(name), source: source.into() }
    }

    /// The number of rows that the file gives a matrix; a configuration may say another.
    pub fn rows(&self, name: &str) -> Result<usize, WeightError> {
        let full = self.name(name);
        let fact = self.checkpoint.fact(&full);
        let missing = || WeightError::NoTensor { file: self.checkpoint.root().to_owned(), name: full.clone() };
        fact.and_then(|fact| fact.shape.first().copied()).ok_or_else(missing)
    }

    /// The same, at least one.
    pub fn some_rows(&self, name: &str) -> Result<usize, WeightError> {
        match self.rows(name)? {
            0 => Err(WeightError::Format {
                file: self.checkpoint.root().to_owned(),
                reason: format!("tensor `{}` has no rows: expected at least one", self.name(name)),
            }),
            rows => Ok(rows),
        }
    }

    /// The error for what a layer at this place cannot be.
    pub(super) fn wrong(&self, reason: &str) -> WeightError {
        let file = self.checkpoint.root().to_owned();
        let place = if self.path.is_empty() { "the root" } else { &self.path };
        WeightError::Format { file, reason: format!("at {place}: {reason}") }
    }
}
