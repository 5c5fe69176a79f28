//! Weights of a transformer that were opened, whatever kind of file they come from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::editors::flux::names::{self, Naming};
use crate::editors::headers::by_headers;
use crate::layers::{Compute, Scope};
use crate::load::LoadError;
use crate::weights::{Checkpoint, GgufFile, Storage};

/// Headers that were read, and files to read tensors from. Cheap to clone.
#[derive(Debug, Clone)]
pub(in crate::editors) enum Opened {
    /// Names of diffusers or its forks: queries, keys and values apart.
    Diffusers(Arc<Checkpoint>, Naming),
    /// Original names.
    Original(Arc<Checkpoint>),
    /// Original names, quantised.
    Gguf(Arc<GgufFile>),
}

impl Opened {
    /// One file with original names, `.safetensors` or `.gguf`.
    pub(in crate::editors) fn file(file: &Path) -> Result<Self, LoadError> {
        let extension = file.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
        match extension.as_deref() {
            Some("safetensors") => Ok(Self::Original(Checkpoint::open_file(file, names::plain)?.into())),
            Some("gguf") => Ok(Self::Gguf(GgufFile::open(file, names::plain)?.into())),
            _ => Err(LoadError::content(file, "is called otherwise: expected `.safetensors` or `.gguf`")),
        }
    }

    /// The bytes that the weights take in memory if they are kept so.
    pub(in crate::editors) fn kept_bytes(&self, kept: Storage) -> u64 {
        match self {
            Self::Diffusers(checkpoint, _) | Self::Original(checkpoint) => checkpoint.kept_bytes(kept),
            Self::Gguf(file) => file.kept_bytes(kept),
        }
    }

    /// The shapes of all tensors.
    pub(in crate::editors) fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        match self {
            Self::Diffusers(checkpoint, _) | Self::Original(checkpoint) => {
                checkpoint.facts().map(|(name, fact)| (name.to_owned(), fact.shape)).collect()
            }
            Self::Gguf(file) => {
                file.tensors().iter().map(|(name, tensor)| (name.clone(), tensor.shape.clone())).collect()
            }
        }
    }

    /// What errors about the whole point at.
    pub(in crate::editors) fn root(&self) -> PathBuf {
        match self {
            Self::Diffusers(checkpoint, _) | Self::Original(checkpoint) => checkpoint.root().to_owned(),
            Self::Gguf(file) => file.path().to_owned(),
        }
    }

    /// Where networks beside the transformer take their weights from, under the names of the file.
    pub(in crate::editors) fn scope<'a>(&'a self, compute: &'a Compute) -> Scope<'a> {
        match self {
            Self::Diffusers(checkpoint, _) | Self::Original(checkpoint) => Scope::root(checkpoint, compute),
            Self::Gguf(file) => Scope::root_of_gguf(file, compute),
        }
    }

    /// What `build` makes of the headers alone, zeros standing in for tensors; nothing of a quantised file, of which tensors have to be
    /// read, and nothing where others hold the checkpoint.
    pub(in crate::editors) fn by_headers<T>(
        self,
        build: impl FnOnce(&Self) -> Result<T, LoadError>,
    ) -> Result<Option<T>, LoadError> {
        let (checkpoint, naming) = match self {
            Self::Diffusers(checkpoint, naming) => (checkpoint, Some(naming)),
            Self::Original(checkpoint) => (checkpoint, None),
            Self::Gguf(_) => return Ok(None),
        };
        let Some(checkpoint) = Arc::into_inner(checkpoint) else { return Ok(None) };
        let again = |checkpoint: &Arc<Checkpoint>| match naming {
            Some(naming) => Self::Diffusers(Arc::clone(checkpoint), naming),
            None => Self::Original(Arc::clone(checkpoint)),
        };
        by_headers(checkpoint, |checkpoint| build(&again(checkpoint))).map(Some)
    }
}
