//! What can be wrong with weights.

use std::fmt;
use std::path::{Path, PathBuf};

/// Why weights cannot be used.
#[derive(Debug)]
pub enum WeightError {
    /// There is no file of weights.
    Missing {
        /// The one that is looked for first.
        file: PathBuf,
        /// What the files are called, up to their extension.
        stem: String,
    },
    /// A file cannot be read.
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is no file of weights, or a broken one.
    Format {
        /// The file.
        file: PathBuf,
        /// What was expected and what was found.
        reason: String,
    },
    /// A tensor is not there.
    NoTensor {
        /// The file, or the index of the files.
        file: PathBuf,
        /// The tensor.
        name: String,
    },
    /// A tensor has another shape than the configuration says.
    Shape {
        /// The file.
        file: PathBuf,
        /// The tensor.
        name: String,
        /// What the configuration makes of it.
        expected: Vec<usize>,
        /// What the file holds.
        found: Vec<usize>,
    },
    /// A tensor is stored in a type that no released checkpoint uses.
    Type {
        /// The file.
        file: PathBuf,
        /// The tensor.
        name: String,
        /// The type found.
        found: String,
    },
    /// A tensor holds a value that is not finite.
    NotFinite {
        /// The file.
        file: PathBuf,
        /// The tensor.
        name: String,
        /// The flat index of the first such value.
        at: usize,
    },
    /// The device refused.
    Device {
        /// The file.
        file: PathBuf,
        /// The tensor.
        name: String,
        /// What candle said.
        source: Box<candle_core::Error>,
    },
}

impl WeightError {
    /// The file that it is about.
    pub fn file(&self) -> &Path {
        match self {
            Self::Missing { file, .. }
            | Self::Read { file, .. }
            | Self::Format { file, .. }
            | Self::NoTensor { file, .. }
            | Self::Shape { file, .. }
            | Self::Type { file, .. }
            | Self::NotFinite { file, .. }
            | Self::Device { file, .. } => file,
        }
    }

    /// What is wrong with it, to be read behind the file's name.
    pub fn reason(&self) -> String {
        match self {
            Self::Missing { stem, .. } => {
                let index = format!("`{stem}.safetensors.index.json` with its shards");
                format!("is missing, and there are no weights here: expected it, or {index}")
            }
            Self::Read { source, .. } => format!("cannot be read: {source}"),
            Self::Format { reason, .. } => reason.clone(),
            Self::NoTensor { name, .. } => format!("tensor `{name}` is missing"),
            Self::Shape { name, expected, found, .. } => {
                format!("tensor `{name}` has shape {found:?}: expected {expected:?}")
            }
            Self::Type { name, found, .. } => {
                format!("tensor `{name}` is stored as {found}: expected F32, F16, BF16, F8_E4M3 or F8_E5M2")
            }
            Self::NotFinite { name, at, .. } => {
                format!("tensor `{name}` holds a value that is not finite (NaN or infinity) at index {at}")
            }
            Self::Device { name, source, .. } => format!("tensor `{name}` could not be placed: {source}"),
        }
    }
}

impl fmt::Display for WeightError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file().display(), self.reason())
    }
}

/// Its words hold those of its cause, so that there is no other source.
impl std::error::Error for WeightError {}
