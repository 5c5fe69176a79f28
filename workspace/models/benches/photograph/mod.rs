//! Photographs of the repository, for benchmarks.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use editscale_core::{Digest, Image, ImageSize, MediaType};
use editscale_picture::{EncodeOptions, Limits, Metadata, decode, encode};

/// A photograph of the repository as a square PNG picture of an edge, which is also written to a file where one is named.
pub(crate) fn photograph(from: &str, edge: u32, to: Option<&Path>) -> Image {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(from);
    let pixels = decode(&fs::read(path).unwrap(), &Limits::default()).unwrap().pixels.resized(edge, edge);
    let bytes = encode(&pixels, &Metadata::default(), EncodeOptions::PNG).unwrap();
    if let Some(to) = to {
        fs::write(to, &bytes).unwrap();
    }
    let digest = Digest::from_bytes(blake3::hash(&bytes).into());
    let bytes: Arc<[u8]> = bytes.into();
    Image::new(digest, MediaType::Png, ImageSize { width: edge, height: edge }, Arc::new(bytes))
}
