//! Weights under original names, whatever kind of file they come from.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{DType, Tensor};

use crate::editors::class::DIFFUSERS;
use crate::editors::flux::TransformerSource;
use crate::editors::flux::adapter::{Adaptable, Adaptables};
use crate::editors::flux::names::Naming;
use crate::editors::flux::opened::Opened;
use crate::layers::{Compute, Linear, Slot};
use crate::load::LoadError;
use crate::weights::{Checkpoint, GgufWeight, Storage, WeightError};

/// The layer whose halves diffusers stores in the other order: scale and shift instead of shift and scale.
const SWAPPED: &str = "final_layer.adaLN_modulation.1";

/// Where weights lie, and which of them have been taken.
pub(in crate::editors) struct Store<'a> {
    kind: Opened,
    /// What weights of normalisations end in where names are original.
    norm: &'static str,
    compute: &'a Compute,
    taken: RefCell<BTreeSet<String>>,
    /// The layers that were made.
    layers: RefCell<Vec<Adaptable>>,
}

/// A tensor of numbers, by its original name. Diffusers may keep it in parts, one below the other.
struct Wanted<'a> {
    /// The layer.
    name: &'a str,
    /// `weight`, `bias` or `scale`.
    ending: &'a str,
    /// Rows of every part.
    rows: &'a [usize],
    /// Columns; none for a vector.
    columns: Option<usize>,
    kept: Storage,
}

impl Wanted<'_> {
    fn shape(&self, rows: usize) -> Vec<usize> {
        [Some(rows), self.columns].into_iter().flatten().collect()
    }
}

impl<'a> Store<'a> {
    /// A folder of diffusers' files.
    pub(super) fn folder(folder: &Path, compute: &'a Compute) -> Result<Self, WeightError> {
        Ok(Self::named(Self::open(folder)?.into(), Naming::Diffusers, compute))
    }

    /// Opens diffusers' files of a folder.
    pub(in crate::editors) fn open(folder: &Path) -> Result<Checkpoint, WeightError> {
        Checkpoint::open_stem(folder, DIFFUSERS, str::to_owned)
    }

    /// Files that were opened, whatever else they hold.
    pub(super) fn named(checkpoint: Arc<Checkpoint>, naming: Naming, compute: &'a Compute) -> Self {
        Self::of(Opened::Diffusers(checkpoint, naming), compute)
    }

    /// A transformer whose names are the same in diffusers' folders and in files.
    pub(in crate::editors) fn same_names(source: &TransformerSource, compute: &'a Compute) -> Result<Self, LoadError> {
        Ok(Self::of_same_names(Self::open_same_names(source)?, compute))
    }

    /// Opens such a transformer's weights.
    pub(in crate::editors) fn open_same_names(source: &TransformerSource) -> Result<Opened, LoadError> {
        match source {
            TransformerSource::Folder(folder) => Ok(Opened::Original(Self::open(folder)?.into())),
            TransformerSource::File(file) => Opened::file(file),
        }
    }

    /// The same of weights that were opened.
    pub(in crate::editors) fn of_same_names(opened: Opened, compute: &'a Compute) -> Self {
        Self { norm: "weight", ..Self::of(opened, compute) }
    }

    /// One file with original names, `.safetensors` or `.gguf`.
    pub(super) fn file(file: &Path, compute: &'a Compute) -> Result<Self, LoadError> {
        Ok(Self::of(Opened::file(file)?, compute))
    }

    /// Weights that were opened.
    pub(super) fn of(kind: Opened, compute: &'a Compute) -> Self {
        Self { kind, norm: "scale", compute, taken: RefCell::default(), layers: RefCell::default() }
    }

    /// How the model computes.
    pub(in crate::editors) fn compute(&self) -> &'a Compute {
        self.compute
    }

    /// The shapes of all tensors.
    pub(in crate::editors) fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        self.kind.shapes()
    }

    /// The layer of an original name, with a weight [sum of outputs, inputs] and a bias. `outputs` are the rows of the parts
    /// that diffusers keeps apart.
    pub(in crate::editors) fn linear(
        &self,
        name: &str,
        inputs: usize,
        outputs: &[usize],
    ) -> Result<Linear, WeightError> {
        let (linear, slot) = (self.plain_linear(name, inputs, outputs)?, Slot::default());
        self.layers.borrow_mut().push(Adaptable {
            name: name.to_owned(),
            inputs,
            outputs: outputs.to_vec(),
            is_swapped: name == SWAPPED,
            slot: slot.clone(),
        });
        Ok(linear.with_slot(slot))
    }

    /// The layers that were made since this was asked last.
    pub(in crate::editors) fn take_layers(&self) -> Adaptables {
        Adaptables::new(self.layers.take())
    }

    fn plain_linear(&self, name: &str, inputs: usize, outputs: &[usize]) -> Result<Linear, WeightError> {
        let rows = outputs.iter().sum();
        let kept = Storage::As(self.compute.dtype);
        let bias = self.tensor(&Wanted { name, ending: "bias", rows: outputs, columns: None, kept })?;
        if let Opened::Gguf(file) = &self.kind {
            let full = self.take(format!("{name}.weight"));
            return match file.weight(&full, &[rows, inputs], self.compute.kept, &self.compute.device)? {
                GgufWeight::Dense(weight) => Ok(Linear::new(weight, Some(bias))),
                GgufWeight::Quantised(weight) => {
                    Linear::quantised(weight, Some(bias)).map_err(|source| self.refused(&full, source))
                }
            };
        }
        let (columns, kept) = (Some(inputs), self.compute.kept);
        let weight = self.tensor(&Wanted { name, ending: "weight", rows: outputs, columns, kept })?;
        Ok(Linear::new(weight, Some(bias)))
    }

    /// The weight of a normalisation, [width], in the type of the activations.
    pub(in crate::editors) fn norm(&self, name: &str, width: usize) -> Result<Tensor, WeightError> {
        let ending = if matches!(self.kind, Opened::Diffusers(..)) { "weight" } else { self.norm };
        let kept = Storage::As(self.compute.dtype);
        self.tensor(&Wanted { name, ending, rows: &[width], columns: None, kept })
    }

    /// Fails if there are tensors that nothing asked for, other than those that may be there: then the file is not what its
    /// configuration says. `model` describes what was built.
    pub(in crate::editors) fn finish(
        &self,
        may_be_there: impl Fn(&str) -> bool,
        model: impl FnOnce() -> String,
    ) -> Result<(), LoadError> {
        let taken = self.taken.borrow();
        match self.shapes().into_keys().find(|name| !taken.contains(name) && !may_be_there(name)) {
            Some(name) => Err(LoadError::content(&self.root(), format!("tensor `{name}` has no place in {}", model()))),
            None => Ok(()),
        }
    }

    fn root(&self) -> PathBuf {
        self.kind.root()
    }

    fn refused(&self, name: &str, source: candle_core::Error) -> WeightError {
        WeightError::Device { file: self.root(), name: name.to_owned(), source: source.into() }
    }

    fn take(&self, name: String) -> String {
        self.taken.borrow_mut().insert(name.clone());
        name
    }

    fn tensor(&self, wanted: &Wanted<'_>) -> Result<Tensor, WeightError> {
        let Wanted { name, ending, kept, .. } = *wanted;
        let device = &self.compute.device;
        let all = wanted.shape(wanted.rows.iter().sum());
        let original = || self.take(format!("{name}.{ending}"));
        match &self.kind {
            Opened::Original(checkpoint) => checkpoint.tensor(&original(), &all, kept, device),
            Opened::Gguf(file) => file.dense(&original(), &all, self.dtype(kept), device),
            Opened::Diffusers(checkpoint, naming) => {
                let parts = self.parts(checkpoint, *naming, wanted)?;
                // What is only looked at is not put together: that would take as much memory as the real thing.
                let stand_in = checkpoint.stand_in(&all, self.compute.dtype, device);
                stand_in.unwrap_or_else(|| joined(&parts, name == SWAPPED)).map_err(|source| self.refused(name, source))
            }
        }
    }

    /// The parts of a tensor, as diffusers keeps them.
    fn parts(&self, checkpoint: &Checkpoint, naming: Naming, wanted: &Wanted<'_>) -> Result<Vec<Tensor>, WeightError> {
        let Wanted { name, ending, rows, kept, .. } = *wanted;
        let missing = || WeightError::NoTensor { file: self.root(), name: name.to_owned() };
        let part = |(part, &rows): (&String, &usize)| {
            let full = self.take(format!("{part}.{ending}"));
            checkpoint.tensor(&full, &wanted.shape(rows), kept, &self.compute.device)
        };
        naming.parts(name).ok_or_else(missing)?.iter().zip(rows).map(part).collect()
    }

    fn dtype(&self, kept: Storage) -> DType {
        match kept {
            Storage::As(dtype) => dtype,
            Storage::Stored => self.compute.dtype,
        }
    }
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
