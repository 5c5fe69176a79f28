//! The photographs: eight of `tests/fixtures/photos`, whose licences stand beside them.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use editscale_core::{Digest, Image, ImageSize, MediaType};
use editscale_picture::{EncodeOptions, Limits, Metadata, Pixels, decode, encode};

/// The longer edge of the pictures that studies edit.
pub const EDGE: u32 = 256;

/// A photograph, reduced to an edge.
pub fn photo(name: &str, edge: u32) -> anyhow::Result<Pixels> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/photos").join(format!("{name}.jpg"));
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(decode(&bytes, &Limits::default())?.pixels.reduced(edge).into_owned())
}

/// A picture as requests hold it.
pub fn as_image(pixels: &Pixels) -> anyhow::Result<Image> {
    let bytes: Arc<[u8]> = encode(pixels, &Metadata::default(), EncodeOptions::PNG)?.into();
    Ok(named(&bytes, ImageSize { width: pixels.width(), height: pixels.height() }))
}

/// Bytes of a PNG file under their digest.
pub fn named(bytes: &Arc<[u8]>, size: ImageSize) -> Image {
    let digest = Digest::from_bytes(*blake3::hash(bytes).as_bytes());
    Image::new(digest, MediaType::Png, size, Arc::new(Arc::clone(bytes)))
}
