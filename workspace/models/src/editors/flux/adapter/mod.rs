//! Low-rank adapters of transformers, as diffusers, PEFT and Kohya's trainers write them.
//!
//! Facts are those of diffusers' `loaders/lora_pipeline.py`, `loaders/peft.py` and `utils/peft_utils.py`, and of PEFT's
//! `tuners/lora`. Everything is read and checked before anything is taken up.

mod alphas;
mod assemble;
mod file;
mod keys;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::layers::{Compute, LowRank, Slot};
use crate::load::LoadError;
use assemble::additions;
use file::AdapterFile;

/// A layer of a transformer that can be added to.
#[derive(Debug)]
pub(in crate::editors) struct Adaptable {
    /// Its original name.
    pub(in crate::editors) name: String,
    pub(in crate::editors) inputs: usize,
    /// Rows of the parts that diffusers keeps apart.
    pub(in crate::editors) outputs: Vec<usize>,
    /// Whether diffusers has its halves in the other order.
    pub(in crate::editors) is_swapped: bool,
    pub(in crate::editors) slot: Slot,
}

/// All such layers of a transformer, in its order.
#[derive(Debug)]
pub(in crate::editors) struct Adaptables(Vec<Adaptable>);

/// An adapter, read for one transformer.
#[derive(Debug, Clone)]
pub struct FluxAdapter {
    digest: blake3::Hash,
    /// The addition of each layer, in the transformer's order.
    additions: Vec<Option<Arc<LowRank>>>,
    /// Whether it changes layers whose answers are kept of texts and sources.
    touches_kept: bool,
}

/// How an adapter is to be read.
#[derive(Debug, Clone, Copy)]
pub struct AdapterSource<'a> {
    /// The file, or a folder with `pytorch_lora_weights.safetensors` or `adapter_model.safetensors`.
    pub path: &'a Path,
    /// How strongly it counts.
    pub scale: f32,
}

impl<'a> AdapterSource<'a> {
    /// What a user chose.
    pub(in crate::editors) fn chosen(path: Option<&'a PathBuf>, scale: f64) -> Option<Self> {
        path.map(|path| Self { path, scale: scale as f32 })
    }
}

impl Adaptables {
    pub(in crate::editors) fn new(layers: Vec<Adaptable>) -> Self {
        Self(layers)
    }

    /// Reads an adapter for them. Nothing is changed yet.
    pub(in crate::editors) fn read(
        &self,
        source: AdapterSource<'_>,
        compute: &Compute,
    ) -> Result<FluxAdapter, LoadError> {
        let file = AdapterFile::open(source.path)?;
        if !source.scale.is_finite() {
            let reason = format!("is to count with scale {}: expected a finite number", source.scale);
            return Err(LoadError::content(&file.path, reason));
        }
        let additions = additions(&file, source.scale, &self.0, compute)?;
        let digest = file.unchanged_digest()?;
        let is_kept =
            |layer: &Adaptable| ["img_in", "txt_in"].contains(&&*layer.name) || layer.name.starts_with("vector_in.");
        let touches_kept = self.0.iter().zip(&additions).any(|(layer, addition)| addition.is_some() && is_kept(layer));
        Ok(FluxAdapter { digest, additions, touches_kept })
    }

    /// Has them compute with an adapter that was read for them, or with none; another that was there is gone.
    pub(in crate::editors) fn set(&self, adapter: Option<&FluxAdapter>) {
        for (at, layer) in self.0.iter().enumerate() {
            layer.slot.set(adapter.and_then(|adapter| adapter.additions.get(at).cloned().flatten()));
        }
    }
}

impl FluxAdapter {
    /// The BLAKE3 digest of its file.
    pub fn digest(&self) -> blake3::Hash {
        self.digest
    }

    /// Whether what was encoded of texts and sources is to be encoded again when it comes or goes.
    pub fn touches_encoded(&self) -> bool {
        self.touches_kept
    }

    /// How many layers it changes.
    pub fn layers(&self) -> usize {
        self.additions.iter().flatten().count()
    }
}
