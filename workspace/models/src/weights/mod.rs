//! Weights on disk: safetensors files, one or several, and GGUF files, read tensor by tensor.
//!
//! Nothing is mapped into memory: a file that shrinks while it is read is an error, not a crash. What a file declares is
//! checked against its length before anything is allocated for it.

mod audit;
mod checkpoint;
mod convert;
mod error;
mod file;
mod gguf;
mod layout;
mod narrow;
mod numbers;
mod saved;
mod storage;
#[cfg(test)]
mod tests;

pub(crate) use audit::AuditNotes;
pub use checkpoint::{Checkpoint, TensorFacts};
pub use convert::{ConvertError, convert_pth};
pub use error::WeightError;
pub use gguf::{GgufFile, GgufTensor, GgufWeight};
pub use storage::Storage;
