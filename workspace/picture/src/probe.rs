//! What a file declares, before any of its pixels are read.

use image::metadata::Orientation;
use image::{ColorType, ImageDecoder};

use crate::open::{Opened, opened};
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
    opened(bytes, limits, |file| Ok(facts(&file)))
}

fn facts(file: &Opened<'_>) -> Facts {
    let (width, height) = file.decoder.dimensions();
    let (width, height) = if turns_sideways(file.orientation) { (height, width) } else { (width, height) };
    let colour = file.decoder.color_type();
    Facts {
        format: file.format,
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
