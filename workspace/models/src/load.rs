//! Reading the small files of a model's folder, and what can be wrong with a folder.

mod settings;

use std::fs;
use std::io::{self, Read};
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

/// The bytes of a small file. Anything but a file is refused: a pipe would be waited for without end, and a device has no end.
pub fn read_file(file: &Path) -> Result<Vec<u8>, LoadError> {
    let read = |source| LoadError::Read { file: file.to_owned(), source };
    let facts = fs::metadata(file).map_err(read)?;
    if facts.is_dir() {
        return Err(read(io::ErrorKind::IsADirectory.into()));
    }
    if !facts.is_file() {
        return Err(LoadError::content(file, "is not a file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(file).map_err(read)?.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(read)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(LoadError::content(file, format!("has more than {MOST_BYTES} bytes: expected at most that")));
    }
    Ok(bytes)
}

/// What a JSON file says, as a type.
pub fn read_json<T: DeserializeOwned>(file: &Path) -> Result<T, LoadError> {
    serde_json::from_slice(&read_file(file)?).map_err(|error| LoadError::content(file, error.to_string()))
}

/// Larger than any model's number, and small enough that products of three do not overflow.
const MOST_SIZE: usize = 1 << 20;

/// Checks that sizes that a file gives under these keys are above 0 and not absurd.
pub(crate) fn check_sizes(file: &Path, sizes: &[(&str, usize)]) -> Result<(), LoadError> {
    match sizes.iter().find(|(_, size)| !(1..=MOST_SIZE).contains(size)) {
        Some((key, size)) => Err(LoadError::content(file, format!("`{key}` is {size}: expected 1 to {MOST_SIZE}"))),
        None => Ok(()),
    }
}

/// Checks what is added to a variance: above 0, and small.
pub(crate) fn check_epsilon(file: &Path, key: &str, epsilon: f64) -> Result<(), LoadError> {
    if (epsilon as f32).is_normal() && (0.0..1.0).contains(&epsilon) {
        return Ok(());
    }
    Err(LoadError::content(file, format!("`{key}` is {epsilon}: expected a number between 0 and 1")))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_a_bounded_length_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let said = |path: &Path| read_file(path).unwrap_err().to_string();
        assert!(said(folder.path()).contains("directory"));
        let file = folder.path().join("config.json");
        assert!(said(&file).contains("config.json"));
        fs::File::create(&file).unwrap().set_len(MOST_BYTES + 1).unwrap();
        assert!(said(&file).contains("more than 67108864 bytes"));
        fs::write(&file, b"{}").unwrap();
        assert_eq!(read_file(&file).unwrap(), b"{}");
        #[cfg(unix)]
        assert!(said(Path::new("/dev/zero")).contains("is not a file"));
    }
}
