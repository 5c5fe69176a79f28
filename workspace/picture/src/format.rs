//! Which format bytes are in, by their first bytes and never by a name.

use std::fmt;

use editscale_core::MediaType;
use image::ImageFormat;

use crate::PictureError;

/// The formats that are read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Format {
    Png,
    Jpeg,
    WebP,
    Tiff,
    Bmp,
    Gif,
}

impl From<Format> for MediaType {
    fn from(format: Format) -> Self {
        match format {
            Format::Png => Self::Png,
            Format::Jpeg => Self::Jpeg,
            Format::WebP => Self::WebP,
            Format::Tiff => Self::Tiff,
            Format::Bmp => Self::Bmp,
            Format::Gif => Self::Gif,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::WebP => "WebP",
            Self::Tiff => "TIFF",
            Self::Bmp => "BMP",
            Self::Gif => "GIF",
        })
    }
}

/// First bytes of what is read here.
const READ: [(&[u8], Format); 7] = [
    (b"\x89PNG\r\n\x1a\n", Format::Png),
    (b"\xff\xd8\xff", Format::Jpeg),
    (b"II*\0", Format::Tiff),
    (b"MM\0*", Format::Tiff),
    (b"BM", Format::Bmp),
    (b"GIF87a", Format::Gif),
    (b"GIF89a", Format::Gif),
];

/// First bytes of pictures that are not read here.
const UNREAD: [(&[u8], &str); 9] = [
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"8BPS", "Photoshop"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"FUJIFILMCCD-RAW", "camera raw"),
    (b"qoif", "QOI"),
];

/// First bytes of what is no picture.
const OTHER: [(&[u8], &str); 8] = [
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x7fELF", "a program"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML document"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
];

impl Format {
    /// The format of these bytes.
    pub(crate) fn of(bytes: &[u8]) -> Result<Self, PictureError> {
        if bytes.is_empty() {
            return Err(PictureError::Empty);
        }
        if let Some((_, format)) = READ.iter().find(|(magic, _)| bytes.starts_with(magic)) {
            return Ok(*format);
        }
        if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            return Ok(Self::WebP);
        }
        if bytes.get(4..8) == Some(b"ftyp") {
            return Err(PictureError::Unsupported(iso_brand(&bytes[8..])));
        }
        if let Some((_, name)) = UNREAD.iter().find(|(magic, _)| bytes.starts_with(magic)) {
            return Err(PictureError::Unsupported(name));
        }
        let other = OTHER.iter().find(|(magic, _)| bytes.trim_ascii_start().starts_with(magic));
        let text = if is_text(bytes) { "plain text" } else { "some other kind of data" };
        Err(PictureError::NotAPicture(other.map_or(text, |(_, name)| name)))
    }

    pub(crate) fn decoder(self) -> ImageFormat {
        match self {
            Self::Png => ImageFormat::Png,
            Self::Jpeg => ImageFormat::Jpeg,
            Self::WebP => ImageFormat::WebP,
            Self::Tiff => ImageFormat::Tiff,
            Self::Bmp => ImageFormat::Bmp,
            Self::Gif => ImageFormat::Gif,
        }
    }

    /// Whether a file extension, without a dot and in any case, is usual for this format.
    pub fn has_extension(self, extension: &str) -> bool {
        let usual: &[&str] = match self {
            Self::Png => &["png", "apng"],
            Self::Jpeg => &["jpg", "jpeg", "jpe", "jfif"],
            Self::WebP => &["webp"],
            Self::Tiff => &["tif", "tiff"],
            Self::Bmp => &["bmp", "dib"],
            Self::Gif => &["gif"],
        };
        usual.iter().any(|known| known.eq_ignore_ascii_case(extension))
    }
}

/// Whether a file begins as a text does; the last character of what is looked at may be cut.
fn is_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(&bytes[..bytes.len().min(512)]).map_or_else(|error| error.error_len().is_none(), |_| true)
}

/// What an ISO base media file with this brand is called.
fn iso_brand(brand: &[u8]) -> &'static str {
    match brand.get(..4) {
        Some(b"avif" | b"avis") => "AVIF",
        Some(b"heic" | b"heix" | b"hevc" | b"mif1" | b"msf1") => "HEIC",
        Some(b"crx ") => "camera raw",
        _ => "video and other ISO media",
    }
}
