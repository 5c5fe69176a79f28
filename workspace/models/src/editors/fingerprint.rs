//! What tells models and settings from others: the revision of an editor.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::editors::class::DIFFUSERS;
use crate::editors::diffusion::DiffusionOptions;
use crate::editors::flux::{FluxAdapter, TransformerSource};
use crate::layers::Compute;
use crate::load::{LoadError, read_file};
use crate::weights::Checkpoint;

/// A hash over what was entered. Texts that are entered stay what they are: with another one, runs of earlier versions could
/// not be resumed.
#[derive(Debug, Default)]
pub struct Fingerprint {
    hasher: blake3::Hasher,
}

impl Fingerprint {
    /// Enters some bytes, apart from others.
    pub fn enter(&mut self, bytes: &[u8]) {
        self.hasher.update(&(bytes.len() as u64).to_le_bytes());
        self.hasher.update(bytes);
    }

    /// Enters the small files of a component, by name.
    pub fn enter_files(&mut self, folder: &Path) -> Result<(), LoadError> {
        let read = |source| LoadError::Read { file: folder.to_owned(), source };
        let entries = fs::read_dir(folder).map_err(read)?.collect::<Result<Vec<_>, _>>().map_err(read)?;
        let mut files: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).filter(|path| is_small(path)).collect();
        files.sort();
        for file in files {
            self.enter(file.file_name().unwrap_or_default().as_encoded_bytes());
            self.enter(&read_file(&file)?);
        }
        Ok(())
    }

    /// Enters a small file where there is one.
    fn enter_file(&mut self, file: &Path) -> Result<(), LoadError> {
        if file.is_file() {
            self.enter(&read_file(file)?);
        }
        Ok(())
    }

    /// Enters a component: its small files, and a sample of its weights.
    pub fn enter_component(&mut self, folder: &Path, stem: &str) -> Result<(), LoadError> {
        self.enter_files(folder)?;
        self.enter(&Checkpoint::open_stem(folder, stem, str::to_owned)?.sample()?);
        Ok(())
    }

    /// Enters a file's size and some of its bytes from the beginning and the end.
    fn enter_ends(&mut self, file: &Path) -> Result<(), LoadError> {
        const BYTES: u64 = 1 << 20;
        let read = |source| LoadError::Read { file: file.to_owned(), source };
        let mut open = fs::File::open(file).map_err(read)?;
        let length = open.metadata().map_err(read)?.len();
        self.enter(&length.to_le_bytes());
        for start in [0, length.saturating_sub(BYTES)] {
            let mut part = Vec::new();
            open.seek(SeekFrom::Start(start)).map_err(read)?;
            (&mut open).take(BYTES).read_to_end(&mut part).map_err(read)?;
            self.enter(&part);
        }
        Ok(())
    }

    /// Enters a single file of weights, and what may lie beside it and say its shape.
    fn enter_single(&mut self, file: &Path) -> Result<(), LoadError> {
        self.enter_ends(file)?;
        file.parent().map_or(Ok(()), |folder| self.enter_file(&folder.join("config.json")))
    }

    /// Enters weights that lie in a folder as diffusers writes it, or in a single file.
    pub(super) fn enter_weights(&mut self, place: &Path) -> Result<(), LoadError> {
        if place.is_file() { self.enter_single(place) } else { self.enter_component(place, DIFFUSERS) }
    }

    /// Enters a transformer, wherever it lies.
    pub(super) fn enter_transformer(&mut self, source: &TransformerSource) -> Result<(), LoadError> {
        match source {
            TransformerSource::Folder(folder) => self.enter_component(folder, DIFFUSERS),
            TransformerSource::File(file) => self.enter_single(file),
        }
    }

    /// Enters an adapter, and how strongly it counts, where there is one.
    pub(super) fn enter_adapter(&mut self, adapter: Option<&FluxAdapter>, scale: f64) {
        if let Some(adapter) = adapter {
            self.enter(adapter.digest().as_bytes());
            self.enter(format!("{scale:?}").as_bytes());
        }
    }

    /// Enters how the transformer and the encoders of texts compute, and noise that is not that of seeds.
    pub(super) fn enter_ways(&mut self, computes: [&Compute; 2], shared: &DiffusionOptions) {
        computes.into_iter().for_each(|compute| self.enter(compute_text(compute).as_bytes()));
        shared.injected.iter().for_each(|injected| self.enter(&injected.digest));
    }

    /// The revision: the version of the code that decides pixels, and the first half of the hash in hexadecimal digits.
    pub fn revision(&self, version: &str) -> Arc<str> {
        format!("{version} {}", &self.hasher.finalize().to_hex()[..32]).into()
    }
}

/// What tells ways to compute apart, to be entered: pictures of two cards are alike.
pub(super) fn compute_text(Compute { dtype, kept, device }: &Compute) -> String {
    format!("{dtype:?} {kept:?} {}", device.is_cpu())
}

/// What a component has beside its weights.
fn is_small(path: &Path) -> bool {
    let is_kind = |kind: &str| path.extension().is_some_and(|extension| extension == kind);
    path.is_file() && ["json", "txt", "model"].into_iter().any(is_kind)
}
