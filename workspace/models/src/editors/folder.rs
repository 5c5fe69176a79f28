//! The folder of a pipeline as diffusers writes it: `model_index.json` and a folder a component.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::editors::class::PipelineClass;
pub(super) use crate::editors::class::{DIFFUSERS, TRANSFORMERS};
use crate::load::{LoadError, read_file};
use crate::weights::{Checkpoint, Storage};

/// The folder of a pipeline of a known class.
#[derive(Debug, Clone)]
pub(super) struct PipelineFolder {
    path: PathBuf,
}

impl PipelineFolder {
    /// Opens a folder whose index names this class. `pull` is how such a folder can be had.
    pub(super) fn open(path: &Path, class: PipelineClass, pull: &str) -> Result<Self, LoadError> {
        let index = path.join(PipelineClass::INDEX);
        if !index.is_file() {
            let reason = format!("is missing: expected the folder of a pipeline; `{pull}` fetches one");
            return Err(LoadError::content(&index, reason));
        }
        match PipelineClass::read(&index)? {
            found if found == class => Ok(Self::of(path)),
            found => {
                let reason = format!("names the pipeline `{}`: expected `{}`", found.name(), class.name());
                Err(LoadError::content(&index, reason))
            }
        }
    }

    /// A folder whose index has been looked at.
    pub(super) fn of(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// The pipeline's folder.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of a component, which has to be there.
    pub(super) fn component(&self, name: &str) -> Result<PathBuf, LoadError> {
        let folder = self.path.join(name);
        if folder.is_dir() {
            return Ok(folder);
        }
        Err(LoadError::content(&folder, "is missing: expected the folder of a component of the pipeline"))
    }

    /// The file that describes the sampler.
    pub(super) fn scheduler(&self) -> PathBuf {
        self.path.join("scheduler").join("scheduler_config.json")
    }
}

/// The bytes that a component's weights take in memory if they are kept so, by the headers of its files.
pub(super) fn weight_bytes(folder: &Path, stem: &str, kept: Storage) -> Result<u64, LoadError> {
    Ok(Checkpoint::open_stem(folder, stem, str::to_owned)?.kept_bytes(kept))
}

/// What tells models and settings from others: a hash over what was entered.
#[derive(Debug, Default)]
pub(super) struct Fingerprint {
    hasher: blake3::Hasher,
}

impl Fingerprint {
    /// Enters some bytes, apart from others.
    pub(super) fn enter(&mut self, bytes: &[u8]) {
        self.hasher.update(&(bytes.len() as u64).to_le_bytes());
        self.hasher.update(bytes);
    }

    /// Enters the small files of a component, by name.
    pub(super) fn enter_files(&mut self, folder: &Path) -> Result<(), LoadError> {
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
    pub(super) fn enter_file(&mut self, file: &Path) -> Result<(), LoadError> {
        if file.is_file() {
            self.enter(&read_file(file)?);
        }
        Ok(())
    }

    /// Enters a component: its small files, and a sample of its weights.
    pub(super) fn enter_component(&mut self, folder: &Path, stem: &str) -> Result<(), LoadError> {
        self.enter_files(folder)?;
        self.enter(&Checkpoint::open_stem(folder, stem, str::to_owned)?.sample()?);
        Ok(())
    }

    /// Enters a file's size and some of its bytes from the beginning and the end.
    pub(super) fn enter_ends(&mut self, file: &Path) -> Result<(), LoadError> {
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

    /// The first half of the hash, in hexadecimal digits.
    pub(super) fn digits(&self) -> String {
        self.hasher.finalize().to_hex()[..32].to_owned()
    }
}

/// What a component has beside its weights.
fn is_small(path: &Path) -> bool {
    let is_kind = |kind: &str| path.extension().is_some_and(|extension| extension == kind);
    path.is_file() && ["json", "txt", "model"].into_iter().any(is_kind)
}
