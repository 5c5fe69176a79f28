//! From bytes to a decoder whose declarations are known to be within the limits.
//!
//! Decoders are other people's code over hostile bytes. What a file declares is looked at first, what a decoder may allocate is
//! bounded by that, and one that panics has found a corrupt file.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::error::ImageError;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader};

use crate::animation::is_animated;
use crate::gif::frames;
use crate::jpeg::is_whole;
use crate::{Format, Limits, PictureError};

/// A file whose declarations were looked at and whose pixels are still to be read.
pub(crate) struct Opened<'a> {
    pub(crate) format: Format,
    pub(crate) decoder: Box<dyn ImageDecoder + 'a>,
    /// How the pixels are to be turned to stand upright.
    pub(crate) orientation: Orientation,
}

/// Opens a file and does some work on it.
pub(crate) fn opened<T>(
    bytes: &[u8],
    limits: &Limits,
    work: impl FnOnce(Opened<'_>) -> Result<T, PictureError>,
) -> Result<T, PictureError> {
    let format = Format::of(bytes)?;
    catch_unwind(AssertUnwindSafe(|| work(open(bytes, format, limits)?)))
        .unwrap_or_else(|_| Err(PictureError::Corrupt { format, reason: "the decoder gave up on it".to_owned() }))
}

impl Opened<'_> {
    /// The decoded pixels, upright.
    pub(crate) fn into_image(self) -> Result<DynamicImage, PictureError> {
        let mut image = DynamicImage::from_decoder(self.decoder).map_err(|error| named(self.format, &error))?;
        image.apply_orientation(self.orientation);
        Ok(image)
    }
}

fn open<'a>(bytes: &'a [u8], format: Format, limits: &Limits) -> Result<Opened<'a>, PictureError> {
    let found = bytes.len() as u64;
    if found > limits.bytes {
        return Err(PictureError::TooManyBytes { found, limit: limits.bytes });
    }
    let declared = declared(bytes, format);
    if let Some(size) = declared {
        check_size(size, format, limits)?;
    }
    // A frame may reach beyond the screen, and its decoder makes room for it.
    if format == Format::Gif
        && let Some(size) = frames(bytes).first
    {
        check_size(size, format, limits)?;
    }
    if is_animated(bytes, format) {
        return Err(PictureError::Animated(format));
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format.decoder());
    reader.limits(room(declared.map_or(limits.pixels, pixels)));
    let mut decoder = reader.into_decoder().map_err(|error| named(format, &error))?;
    let size = decoder.dimensions();
    check_size(size, format, limits)?;
    decoder.set_limits(room(pixels(size))).map_err(|error| named(format, &error))?;
    if format == Format::Jpeg && !is_whole(bytes) {
        return Err(PictureError::Truncated { format, reason: "its end marker is missing".to_owned() });
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok(Opened { format, decoder: Box::new(decoder), orientation })
}

/// The size that a PNG or a GIF declares in its first bytes. The first's decoder inflates a colour profile before it tells its
/// size.
fn declared(bytes: &[u8], format: Format) -> Option<(u32, u32)> {
    match format {
        Format::Png => {
            let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
            number(16).zip(number(20))
        }
        Format::Gif => {
            let number = |at: usize| Some(u32::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
            number(6).zip(number(8))
        }
        _ => None,
    }
}

fn pixels((width, height): (u32, u32)) -> u64 {
    u64::from(width) * u64::from(height)
}

/// What a decoder may allocate for a picture: four floats a pixel, and this much beside them for profiles, tables and the like.
const BESIDE_PIXELS: u64 = 16 << 20;

fn room(pixels: u64) -> image::Limits {
    let mut room = image::Limits::no_limits();
    room.max_alloc = Some(pixels.saturating_mul(16).saturating_add(BESIDE_PIXELS));
    room
}

fn check_size((width, height): (u32, u32), format: Format, limits: &Limits) -> Result<(), PictureError> {
    let Limits { edge, pixels: most, .. } = *limits;
    if width == 0 || height == 0 {
        return Err(PictureError::Corrupt { format, reason: format!("it declares {width}x{height} pixels") });
    }
    if width > edge || height > edge || pixels((width, height)) > most {
        return Err(PictureError::TooLarge { width: width.into(), height: height.into(), edge, pixels: most });
    }
    Ok(())
}

/// What a decoder's error means.
fn named(format: Format, error: &ImageError) -> PictureError {
    let reason = error.to_string();
    let is_short = match error {
        ImageError::IoError(error) => error.kind() == std::io::ErrorKind::UnexpectedEof,
        // The decoders name the end of a file each in its own words, and in no type.
        _ => ["unexpected end", "EOF", "exhausted", "truncated", "end of file", "UnexpectedEof"]
            .iter()
            .any(|words| reason.contains(words)),
    };
    if is_short { PictureError::Truncated { format, reason } } else { PictureError::Corrupt { format, reason } }
}
