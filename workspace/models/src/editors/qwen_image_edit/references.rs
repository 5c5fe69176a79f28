//! Further pictures that a recipe names: the model sees them beside the source.

use std::path::{Path, PathBuf};

use editscale_core::Digest;
use editscale_picture::{Limits, Rgb8, decode_rgb8};

use crate::load::{LoadError, read_file};

/// The most of them. The models were trained with three pictures, the source among them.
pub(super) const MOST: usize = 8;

/// A picture, decoded.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    pub(super) pixels: Rgb8,
    /// Of its file.
    pub(super) digest: Digest,
}

/// Reads pictures.
pub(super) fn read(files: &[PathBuf]) -> Result<Vec<Reference>, LoadError> {
    files.iter().map(|file| read_one(file)).collect()
}

fn read_one(file: &Path) -> Result<Reference, LoadError> {
    let bytes = read_file(file)?;
    let pixels = decode_rgb8(&bytes, &Limits::default())
        .map_err(|error| LoadError::content(file, format!("is no picture that can be read: {error}")))?;
    Ok(Reference { pixels, digest: Digest::from_bytes(*blake3::hash(&bytes).as_bytes()) })
}
