//! What a file declares, before any of its pixels are read.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::codecs::{png::PngDecoder, webp::WebPDecoder};
use image::error::ImageError;
use image::metadata::Orientation;
use image::{ColorType, ImageDecoder, ImageReader};

use crate::gif::frames;
use crate::jpeg::is_whole;
use crate::{Format, Limits, PictureError};

/// What a file declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// By the first bytes, never by the name.
    pub format: Format,
    /// Upright, that is, after the EXIF orientation.
    pub width: u32,
    /// Upright.
    pub height: u32,
    /// Whether it has an alpha channel.
    pub has_alpha: bool,
    /// Whether it holds greys only.
    pub is_grey: bool,
    /// Whether it holds 16 bits or more a channel.
    pub is_deep: bool,
}

/// Looks at a file's declarations and refuses what cannot be worked on.
pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Facts, PictureError> {
    let format = Format::of(bytes)?;
    guarded(format, || {
        let (mut decoder, _) = open(bytes, format, limits)?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        Ok(facts(format, &*decoder, orientation))
    })
}

pub(crate) fn facts(format: Format, decoder: &dyn ImageDecoder, orientation: Orientation) -> Facts {
    let (width, height) = decoder.dimensions();
    let (width, height) = if turns_sideways(orientation) { (height, width) } else { (width, height) };
    let colour = decoder.color_type();
    Facts {
        format,
        width,
        height,
        has_alpha: colour.has_alpha(),
        is_grey: !colour.has_color(),
        is_deep: is_deep(colour),
    }
}

pub(crate) fn is_deep(colour: ColorType) -> bool {
    colour.bytes_per_pixel() / colour.channel_count() > 1
}

fn turns_sideways(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    )
}

/// A decoder of these bytes whose declared size is within the limits.
pub(crate) fn open<'a>(
    bytes: &'a [u8],
    format: Format,
    limits: &Limits,
) -> Result<(Box<dyn ImageDecoder + 'a>, Format), PictureError> {
    let found = bytes.len() as u64;
    if found > limits.bytes {
        return Err(PictureError::TooManyBytes { found, limit: limits.bytes });
    }
    let named = |error| name(format, &error);
    if let Some((width, height)) = declared(bytes, format) {
        check_size(width, height, format, limits)?;
    }
    if is_animated(bytes, format).map_err(named)? {
        return Err(PictureError::Animated(format));
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format.decoder());
    let mut allocation = image::Limits::default();
    allocation.max_image_width = Some(limits.edge);
    allocation.max_image_height = Some(limits.edge);
    allocation.max_alloc = Some(limits.pixels.saturating_mul(16));
    // The size is looked at before the reader's own limits, so that the refusal can name it.
    reader.limits(beside_the_pixels());
    let mut decoder = reader.into_decoder().map_err(named)?;
    let (width, height) = decoder.dimensions();
    check_size(width, height, format, limits)?;
    decoder.set_limits(allocation).map_err(named)?;
    if format == Format::Jpeg && !is_whole(bytes) {
        return Err(PictureError::Truncated { format, reason: "its end marker is missing".to_owned() });
    }
    Ok((Box::new(decoder), format))
}

/// The most that a profile and texts are unpacked to: real ones have a few megabytes.
fn beside_the_pixels() -> image::Limits {
    let mut limits = image::Limits::no_limits();
    limits.max_alloc = Some(64 << 20);
    limits
}

/// The size that a PNG declares, whose decoder refuses the largest before it tells them, or the first frame of a GIF.
fn declared(bytes: &[u8], format: Format) -> Option<(u32, u32)> {
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    match format {
        Format::Png => number(16).zip(number(20)),
        Format::Gif => frames(bytes).first,
        _ => None,
    }
}

fn check_size(width: u32, height: u32, format: Format, limits: &Limits) -> Result<(), PictureError> {
    let (width, height) = (u64::from(width), u64::from(height));
    let Limits { edge, pixels, .. } = *limits;
    if width == 0 || height == 0 {
        return Err(PictureError::Corrupt { format, reason: format!("it declares {width}x{height} pixels") });
    }
    if width > u64::from(edge) || height > u64::from(edge) || width * height > pixels {
        return Err(PictureError::TooLarge { width, height, edge, pixels });
    }
    Ok(())
}

fn is_animated(bytes: &[u8], format: Format) -> Result<bool, ImageError> {
    let cursor = Cursor::new(bytes);
    Ok(match format {
        Format::Png => PngDecoder::with_limits(cursor, beside_the_pixels())?.is_apng()?,
        Format::WebP => WebPDecoder::new(cursor)?.has_animation(),
        Format::Gif => frames(bytes).has_more,
        _ => false,
    })
}

/// What a decoder's error means.
pub(crate) fn name(format: Format, error: &ImageError) -> PictureError {
    let reason = error.to_string();
    let is_short = match error {
        ImageError::IoError(error) => error.kind() == std::io::ErrorKind::UnexpectedEof,
        _ => ["unexpected end", "EOF", "exhausted", "truncated", "end of file", "UnexpectedEof"]
            .iter()
            .any(|words| reason.contains(words)),
    };
    if is_short { PictureError::Truncated { format, reason } } else { PictureError::Corrupt { format, reason } }
}

/// Runs a decoder. Decoders are other people's code over hostile bytes: one that panics has found a corrupt file.
pub(crate) fn guarded<T>(format: Format, work: impl FnOnce() -> Result<T, PictureError>) -> Result<T, PictureError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(PictureError::Corrupt { format, reason: "the decoder gave up on it".to_owned() }))
}
