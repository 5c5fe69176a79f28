//! Weights under original names, whatever kind of file they come from.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{DType, Tensor};

use crate::editors::flux_kontext::transformer::{FluxConfig, names};
use crate::layers::{Compute, Linear};
use crate::load::LoadError;
use crate::weights::{Checkpoint, GgufFile, GgufWeight, Storage, WeightError};

/// What diffusers calls its files of weights.
const STEM: &str = "diffusion_pytorch_model";

/// The layer whose halves diffusers stores in the other order: scale and shift instead of shift and scale.
const SWAPPED: &str = "final_layer.adaLN_modulation.1";

/// Where weights lie, and which of them have been taken.
pub(super) struct Store<'a> {
    kind: Kind,
    compute: &'a Compute,
    taken: RefCell<BTreeSet<String>>,
}

enum Kind {
    /// Names of diffusers: queries, keys and values apart.
    Diffusers(Arc<Checkpoint>),
    /// Original names.
    Original(Checkpoint),
    /// Original names, quantised.
    Gguf(GgufFile),
}

impl<'a> Store<'a> {
    /// A folder of diffusers' files.
    pub(super) fn folder(folder: &Path, compute: &'a Compute) -> Result<Self, WeightError> {
        Ok(Self::diffusers(Self::open(folder)?.into(), compute))
    }

    /// Opens diffusers' files of a folder.
    pub(super) fn open(folder: &Path) -> Result<Checkpoint, WeightError> {
        Checkpoint::open_stem(folder, STEM, str::to_owned)
    }

    /// Diffusers' files, opened.
    pub(super) fn diffusers(checkpoint: Arc<Checkpoint>, compute: &'a Compute) -> Self {
        Self::of(Kind::Diffusers(checkpoint), compute)
    }

    /// One file with original names, `.safetensors` or `.gguf`.
    pub(super) fn file(file: &Path, compute: &'a Compute) -> Result<Self, LoadError> {
        let extension = file.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
        let kind = match extension.as_deref() {
            Some("safetensors") => Kind::Original(Checkpoint::open_file(file, names::plain)?),
            Some("gguf") => Kind::Gguf(GgufFile::open(file, names::plain)?),
            _ => return Err(LoadError::content(file, "is called otherwise: expected `.safetensors` or `.gguf`")),
        };
        Ok(Self::of(kind, compute))
    }

    fn of(kind: Kind, compute: &'a Compute) -> Self {
        Self { kind, compute, taken: RefCell::default() }
    }

    /// How the model computes.
    pub(super) fn compute(&self) -> &'a Compute {
        self.compute
    }

    /// The shapes of all tensors.
    pub(super) fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        match &self.kind {
            Kind::Diffusers(checkpoint) => shapes(checkpoint),
            Kind::Original(checkpoint) => shapes(checkpoint),
            Kind::Gguf(file) => {
                file.tensors().iter().map(|(name, tensor)| (name.clone(), tensor.shape.clone())).collect()
            }
        }
    }

    /// The layer of an original name, with a weight [sum of outputs, inputs] and a bias. `outputs` are the rows of the parts
    /// that diffusers keeps apart.
    pub(super) fn linear(&self, name: &str, inputs: usize, outputs: &[usize]) -> Result<Linear, WeightError> {
        let rows = outputs.iter().sum();
        let bias = self.tensor(name, "bias", outputs, None, Storage::As(self.compute.dtype))?;
        if let Kind::Gguf(file) = &self.kind {
            let full = self.take(format!("{name}.weight"));
            return match file.weight(&full, &[rows, inputs], self.compute.kept, &self.compute.device)? {
                GgufWeight::Dense(weight) => Ok(Linear::new(weight, Some(bias))),
                GgufWeight::Quantised(weight) => {
                    Linear::quantised(weight, Some(bias)).map_err(|source| self.refused(&full, source))
                }
            };
        }
        Ok(Linear::new(self.tensor(name, "weight", outputs, Some(inputs), self.compute.kept)?, Some(bias)))
    }

    /// The weight of a normalisation, [width], in the type of the activations.
    pub(super) fn norm(&self, name: &str, width: usize) -> Result<Tensor, WeightError> {
        let ending = if matches!(self.kind, Kind::Diffusers(_)) { "weight" } else { "scale" };
        self.tensor(name, ending, &[width], None, Storage::As(self.compute.dtype))
    }

    /// Fails if there are tensors that nothing asked for: then the file is not what its configuration says.
    pub(super) fn finish(&self, config: &FluxConfig) -> Result<(), LoadError> {
        let taken = self.taken.borrow();
        match self.shapes().into_keys().find(|name| !taken.contains(name)) {
            Some(name) => {
                let FluxConfig { double_blocks, single_blocks, guidance, .. } = config;
                let shape = format!("{double_blocks} double and {single_blocks} single blocks");
                let with = if *guidance { "with" } else { "without" };
                let reason = format!("tensor `{name}` has no place in a transformer of {shape}, {with} guidance");
                Err(LoadError::content(&self.root(), reason))
            }
            None => Ok(()),
        }
    }

    fn root(&self) -> PathBuf {
        match &self.kind {
            Kind::Diffusers(checkpoint) => checkpoint.root().to_owned(),
            Kind::Original(checkpoint) => checkpoint.root().to_owned(),
            Kind::Gguf(file) => file.path().to_owned(),
        }
    }

    fn refused(&self, name: &str, source: candle_core::Error) -> WeightError {
        WeightError::Device { file: self.root(), name: name.to_owned(), source: source.into() }
    }

    fn take(&self, name: String) -> String {
        self.taken.borrow_mut().insert(name.clone());
        name
    }

    /// A tensor of numbers with its parts one below the other.
    fn tensor(
        &self,
        name: &str,
        ending: &str,
        rows: &[usize],
        columns: Option<usize>,
        kept: Storage,
    ) -> Result<Tensor, WeightError> {
        let shape = |rows: usize| [Some(rows), columns].into_iter().flatten().collect::<Vec<_>>();
        let device = &self.compute.device;
        let all = shape(rows.iter().sum());
        let original = || self.take(format!("{name}.{ending}"));
        match &self.kind {
            Kind::Original(checkpoint) => checkpoint.tensor(&original(), &all, kept, device),
            Kind::Gguf(file) => file.dense(&original(), &all, self.dtype(kept), device),
            Kind::Diffusers(checkpoint) => {
                let missing = || WeightError::NoTensor { file: self.root(), name: name.to_owned() };
                let parts = names::diffusers(name).ok_or_else(missing)?;
                let part = |(part, &rows): (&String, &usize)| {
                    checkpoint.tensor(&self.take(format!("{part}.{ending}")), &shape(rows), kept, device)
                };
                let parts = parts.iter().zip(rows).map(part).collect::<Result<Vec<_>, _>>()?;
                // What is only looked at is not put together: that would take as much memory as the real thing.
                let stand_in = checkpoint.stand_in(&all, self.compute.dtype, device);
                stand_in.unwrap_or_else(|| joined(&parts, name == SWAPPED)).map_err(|source| self.refused(name, source))
            }
        }
    }

    fn dtype(&self, kept: Storage) -> DType {
        match kept {
            Storage::As(dtype) => dtype,
            Storage::Stored => self.compute.dtype,
        }
    }
}

fn shapes(checkpoint: &Checkpoint) -> BTreeMap<String, Vec<usize>> {
    checkpoint.facts().map(|(name, fact)| (name.to_owned(), fact.shape)).collect()
}

/// Parts one below the other; with halves swapped if asked.
fn joined(parts: &[Tensor], swap: bool) -> candle_core::Result<Tensor> {
    match parts {
        [half] if swap => {
            let rows = half.dim(0)? / 2;
            Tensor::cat(&[half.narrow(0, rows, rows)?, half.narrow(0, 0, rows)?], 0)
        }
        [part] => Ok(part.clone()),
        // Files may store parts of one matrix in several types; the first one's is as good as any.
        [first, ..] => {
            let alike =
                parts.iter().map(|part| part.to_dtype(first.dtype())).collect::<candle_core::Result<Vec<_>>>()?;
            Tensor::cat(&alike, 0)
        }
        [] => candle_core::bail!("a layer has no parts"),
    }
}
