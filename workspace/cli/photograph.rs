//! Pictures from files: read, looked at, and named.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use editscale_core::{EncodedImage, Image, ImageSize};
use editscale_engine::digest_of;
use editscale_picture::{Facts, Limits, probe};

use crate::bounded;
use crate::failure::{Misuse, tell};

/// Reads a picture file and looks at what it declares.
pub(crate) fn read(path: &Path) -> Result<EncodedImage> {
    let limits = Limits::default();
    let shown = path.display();
    let unreadable = |error| Misuse::new(format!("cannot read picture {shown}: {error}"));
    let bytes = bounded::read(path, limits.bytes).map_err(unreadable)?;
    let facts = probe(&bytes, &limits).map_err(|error| Misuse::new(format!("cannot use picture {shown}: {error}")))?;
    warn_of_name(path, &facts);
    Ok(encoded(bytes, &facts))
}

fn encoded(bytes: Vec<u8>, facts: &Facts) -> EncodedImage {
    let size = ImageSize { width: facts.width, height: facts.height };
    EncodedImage { media: facts.format.into(), size, bytes: bytes.into() }
}

fn warn_of_name(path: &Path, facts: &Facts) {
    let extension = path.extension().and_then(|extension| extension.to_str());
    if let Some(extension) = extension.filter(|extension| !facts.format.has_extension(extension)) {
        tell(&format!("warning: {} ends in `.{extension}` but is a {} file", path.display(), facts.format));
    }
}

/// A handle of a picture in memory.
pub(crate) fn handle(image: &EncodedImage) -> Image {
    Image::new(digest_of(&image.bytes), image.media, image.size, Arc::new(Arc::clone(&image.bytes)))
}
