//! What can be wrong with weights.

use std::path::PathBuf;

use thiserror::Error;

/// Why weights cannot be used. Every variant names the file.
#[derive(Debug, Error)]
pub enum WeightError {
    /// There is no file of weights.
    #[error("{}: no weights here: expected `{stem}.safetensors`, or `{stem}.safetensors.index.json` with its shards{hint}", folder.display())]
    Missing {
        /// The folder.
        folder: PathBuf,
        /// What the files are called, up to their extension.
        stem: String,
        /// What may help, from a semicolon on; or nothing.
        hint: String,
    },
    /// A file cannot be read.
    #[error("{}: cannot be read: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is no safetensors file, or a broken one.
    #[error("{}: {reason}", file.display())]
    Format {
        /// The file.
        file: PathBuf,
        /// What was expected and what was found.
        reason: String,
    },
    /// A tensor is not there.
    #[error("{}: tensor `{name}` is missing", file.display())]
    NoTensor {
        /// The file, or the index of the files.
        file: PathBuf,
        /// The tensor.
        name: String,
    },
    /// A tensor has another shape than the configuration says.
    #[error("{}: tensor `{name}` has shape {found:?}: expected {expected:?}", file.display())]
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
    #[error("{}: tensor `{name}` is stored as {found}: expected F32, F16 or BF16", file.display())]
    Type {
        /// The file.
        file: PathBuf,
        /// The tensor.
        name: String,
        /// The type found.
        found: String,
    },
    /// A tensor holds a value that is not finite.
    #[error("{}: tensor `{name}` holds a value that is not finite (NaN or infinity) at index {at}", file.display())]
    NotFinite {
        /// The file.
        file: PathBuf,
        /// The tensor.
        name: String,
        /// The flat index of the first such value.
        at: usize,
    },
    /// The device refused.
    #[error("{}: tensor `{name}` could not be placed: {source}", file.display())]
    Device {
        /// The file.
        file: PathBuf,
        /// The tensor.
        name: String,
        /// What candle said.
        source: Box<candle_core::Error>,
    },
}
