//! Reading the small files of a model's folder, and what can be wrong with a folder.

mod settings;

use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::weights::WeightError;

pub use settings::{Fixed, Settings};

/// Why a model directory cannot be used. Every variant names the file.
#[derive(Debug, Error)]
pub enum LoadError {
    /// A file cannot be read.
    #[error("{}: cannot be read: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{}: {reason}", file.display())]
    Content {
        /// The file.
        file: PathBuf,
        /// What was expected and what was found.
        reason: String,
    },
    /// Something is wrong with the weights.
    #[error(transparent)]
    Weights(#[from] WeightError),
}

/// The longest small file that is read: a vocabulary has a few megabytes.
const MOST_BYTES: u64 = 64 << 20;

impl LoadError {
    /// A file that does not hold what it should.
    pub fn content(file: &Path, reason: impl Into<String>) -> Self {
        Self::Content { file: file.to_owned(), reason: reason.into() }
    }
}

/// The bytes of a small file.
pub fn read_file(file: &Path) -> Result<Vec<u8>, LoadError> {
    let read = |source| LoadError::Read { file: file.to_owned(), source };
    let bytes = fs::metadata(file).map_err(read)?.len();
    if bytes > MOST_BYTES {
        return Err(LoadError::content(file, format!("has {bytes} bytes: expected at most {MOST_BYTES}")));
    }
    fs::read(file).map_err(read)
}

/// What a JSON file says, as a type.
pub fn read_json<T: DeserializeOwned>(file: &Path) -> Result<T, LoadError> {
    serde_json::from_slice(&read_file(file)?).map_err(|error| LoadError::content(file, error.to_string()))
}
