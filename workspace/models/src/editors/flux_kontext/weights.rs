//! What the parts of a pipeline take in memory, by the headers of their files.

use std::path::{Path, PathBuf};

use crate::editors::flux::TransformerSource;
use crate::editors::folder::{DIFFUSERS, TRANSFORMERS, weight_bytes};
use crate::load::LoadError;
use crate::weights::{Checkpoint, GgufFile, Storage};

/// Where the parts with weights lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct WeightParts<'a> {
    /// The folders of the two text encoders.
    pub(super) encoders: &'a [PathBuf; 2],
    /// The folder of the autoencoder.
    pub(super) vae: &'a Path,
    /// The transformer.
    pub(super) transformer: &'a TransformerSource,
}

impl WeightParts<'_> {
    /// The bytes of the text encoders, kept so.
    pub(super) fn text_bytes(&self, kept: Storage) -> Result<u64, LoadError> {
        self.encoders.iter().map(|folder| weight_bytes(folder, TRANSFORMERS, kept)).sum()
    }

    /// The bytes of the autoencoder and the transformer, kept so. Quantised weights stay as they are.
    pub(super) fn picture_bytes(&self, kept: Storage) -> Result<u64, LoadError> {
        let ends = |file: &Path, ending: &str| file.extension().is_some_and(|it| it.eq_ignore_ascii_case(ending));
        let transformer = match self.transformer {
            TransformerSource::Folder(folder) => weight_bytes(folder, DIFFUSERS, kept)?,
            TransformerSource::File(file) if ends(file, "gguf") => {
                GgufFile::open(file, str::to_owned)?.kept_bytes(kept)
            }
            TransformerSource::File(file) if ends(file, "safetensors") => {
                Checkpoint::open_file(file, str::to_owned)?.kept_bytes(kept)
            }
            // Refused where it is loaded.
            TransformerSource::File(_) => 0,
        };
        Ok(weight_bytes(self.vae, DIFFUSERS, kept)? + transformer)
    }
}
