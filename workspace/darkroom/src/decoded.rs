//! The pictures of items, decoded now or earlier.

use std::sync::Arc;

use editscale_core::{Failure, FailureKind, Image};
use editscale_picture::{DecodeCache, Picture};

/// A picture. Its bytes are read where no earlier item had it.
pub(crate) fn decoded(pictures: &DecodeCache, image: &Image) -> Result<Arc<Picture>, Failure> {
    let key = *image.digest().as_bytes();
    if let Some(picture) = pictures.kept(key) {
        return Ok(picture);
    }
    let bytes = image.read().map_err(|error| Failure::new(FailureKind::Unavailable, error.to_string()))?;
    pictures.get(key, &bytes).map_err(|error| Failure::new(FailureKind::Invalid, error.to_string()))
}
