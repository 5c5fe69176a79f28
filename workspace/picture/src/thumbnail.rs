//! Small copies of pictures, for pages.

use crate::{EncodeOptions, Format, Limits, Metadata, Pixels, decode, encode};

/// A small copy, made of pixels alone: nothing private of the file goes along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// The copy as a JPEG file.
    pub jpeg: Vec<u8>,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// A copy with a longer edge of at most `edge` pixels; nothing where the picture cannot be read within the usual limits.
pub fn thumbnail(bytes: &[u8], edge: u32) -> Option<Thumbnail> {
    thumbnail_of(&decode(bytes, &Limits::default()).ok()?.pixels, edge)
}

/// The same of a picture that is decoded already.
pub fn thumbnail_of(whole: &Pixels, edge: u32) -> Option<Thumbnail> {
    let pixels = whole.reduced(edge);
    let options = EncodeOptions { format: Format::Jpeg, quality: 82, ..EncodeOptions::PNG };
    let jpeg = encode(&pixels, &Metadata::default(), options).ok()?;
    Some(Thumbnail { jpeg, width: pixels.width(), height: pixels.height() })
}
