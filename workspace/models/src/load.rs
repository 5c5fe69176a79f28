//! Reading the small files of a model's folder, and what can be wrong with a folder.

mod settings;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::files;
use crate::weights::WeightError;

pub use settings::{Fixed, Settings};

/// Why a model directory cannot be used.
#[derive(Debug)]
pub enum LoadError {
    /// A file cannot be read.
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    Content {
        /// The file.
        file: PathBuf,
        /// What was expected and what was found.
        reason: String,
    },
    /// Something is wrong with the weights.
    Weights(WeightError),
}

impl LoadError {
    /// A file that does not hold what it should.
    pub fn content(file: &Path, reason: impl Into<String>) -> Self {
        Self::Content { file: file.to_owned(), reason: reason.into() }
    }

    /// The file that it is about.
    pub fn file(&self) -> &Path {
        match self {
            Self::Read { file, .. } | Self::Content { file, .. } => file,
            Self::Weights(error) => error.file(),
        }
    }

    /// What is wrong with it, to be read behind the file's name.
    pub fn reason(&self) -> String {
        match self {
            Self::Read { source, .. } => format!("cannot be read: {source}"),
            Self::Content { reason, .. } => reason.clone(),
            Self::Weights(error) => error.reason(),
        }
    }
}

impl From<WeightError> for LoadError {
    fn from(error: WeightError) -> Self {
        Self::Weights(error)
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file().display(), self.reason())
    }
}

/// Its words hold those of its cause, so that there is no other source.
impl std::error::Error for LoadError {}

/// The bytes of a small file, 64 MiB at most. Anything but a file is refused.
pub fn read_file(file: &Path) -> Result<Vec<u8>, LoadError> {
    files::read(file).map_err(|source| LoadError::Read { file: file.to_owned(), source })
}

/// What a JSON file says, as a type.
pub fn read_json<T: DeserializeOwned>(file: &Path) -> Result<T, LoadError> {
    serde_json::from_slice(&read_file(file)?).map_err(|error| LoadError::content(file, error.to_string()))
}

/// Larger than any model's number, and small enough that products of three do not overflow.
pub(crate) const MOST_SIZE: usize = 1 << 20;

/// Checks that sizes that a file gives under these keys are above 0 and not absurd.
pub(crate) fn check_sizes(file: &Path, sizes: &[(&str, usize)]) -> Result<(), LoadError> {
    bounded(sizes.iter().map(|&(key, size)| (key, size, MOST_SIZE))).map_err(|reason| LoadError::content(file, reason))
}

/// What is wrong with the first of some keys' sizes that is not from 1 to its bound.
pub(crate) fn bounded(mut sizes: impl Iterator<Item = (impl fmt::Display, usize, usize)>) -> Result<(), String> {
    match sizes.find(|(_, size, most)| !(1..=*most).contains(size)) {
        Some((key, size, most)) => Err(format!("`{key}` is {size}: expected 1 to {most}")),
        None => Ok(()),
    }
}

/// Checks what is added to a variance: above 0, and small.
pub(crate) fn check_epsilon(file: &Path, key: &str, epsilon: f64) -> Result<(), LoadError> {
    if (epsilon as f32).is_normal() && (0.0..1.0).contains(&epsilon) {
        return Ok(());
    }
    Err(LoadError::content(file, format!("`{key}` is {epsilon:?}: expected a number between 0 and 1")))
}

/// Checks a value against those that are supported; `None` where the file does not have the key.
pub(crate) fn check_one_of(file: &Path, key: &str, found: Option<&str>, expected: &[&str]) -> Result<(), LoadError> {
    match found {
        Some(found) if !expected.contains(&found) => {
            Err(LoadError::content(file, format!("`{key}` is `{found}`: expected `{}`", expected.join("` or `"))))
        }
        _ => Ok(()),
    }
}
