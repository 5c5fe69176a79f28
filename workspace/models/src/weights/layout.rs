//! Where the weights of a folder are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::files;
use crate::weights::WeightError;

/// How a folder holds its weights.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// In one file.
    File(PathBuf),
    /// In shards that an index names.
    Index(PathBuf),
}

impl Layout {
    /// What is there of `STEM.safetensors`, `STEM.safetensors.index.json`, and the same of half precision, as the hub's
    /// repositories of pipelines call it; the first of them counts.
    pub(super) fn of(folder: &Path, stem: &str) -> Result<Self, WeightError> {
        let first = folder.join(format!("{stem}.safetensors"));
        let layouts = [
            Self::File(first.clone()),
            Self::Index(folder.join(format!("{stem}.safetensors.index.json"))),
            Self::File(folder.join(format!("{stem}.fp16.safetensors"))),
            Self::Index(folder.join(format!("{stem}.safetensors.index.fp16.json"))),
        ];
        let is_there = |layout: &Self| match layout {
            Self::File(file) | Self::Index(file) => file.exists(),
        };
        let missing = || WeightError::Missing { file: first, stem: stem.to_owned() };
        layouts.into_iter().find(is_there).ok_or_else(missing)
    }
}

/// An index: which shard holds which tensor.
#[derive(Debug, Deserialize)]
pub(super) struct Index {
    weight_map: BTreeMap<String, String>,
}

impl Index {
    /// Reads an index whose shards lie beside it.
    pub(super) fn read(file: &Path) -> Result<Self, WeightError> {
        let bytes = files::read(file).map_err(|source| WeightError::Read { file: file.to_owned(), source })?;
        let format = |reason: String| WeightError::Format { file: file.to_owned(), reason };
        let index: Self =
            serde_json::from_slice(&bytes).map_err(|error| format(format!("is not an index: {error}")))?;
        if let Some(bad) = index.shards().into_iter().find(|name| !is_beside(name)) {
            return Err(format(format!("names the shard `{bad}`: expected a file beside the index")));
        }
        Ok(index)
    }

    /// The names of the shards, each once.
    pub(super) fn shards(&self) -> BTreeSet<&str> {
        self.weight_map.values().map(String::as_str).collect()
    }

    /// The stored names of the tensors.
    pub(super) fn tensors(&self) -> impl Iterator<Item = &str> {
        self.weight_map.keys().map(String::as_str)
    }
}

fn is_beside(name: &str) -> bool {
    !name.is_empty() && !name.contains(['/', '\\']) && name != ".."
}
