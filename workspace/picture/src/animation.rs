//! Whether a file moves, by its container alone: nothing is decoded for it, and nothing allocated.

use crate::Format;
use crate::gif::frames;

/// Whether a file holds more than one frame, or says that it does.
pub(crate) fn is_animated(bytes: &[u8], format: Format) -> bool {
    match format {
        Format::Png => has_animation_control(bytes).unwrap_or(false),
        Format::WebP => webp_flags(bytes).is_some_and(|flags| flags & WEBP_ANIMATION != 0),
        Format::Gif => frames(bytes).has_more,
        Format::Jpeg | Format::Tiff | Format::Bmp => false,
    }
}

/// An `acTL` chunk before the pixels makes a PNG an APNG.
fn has_animation_control(bytes: &[u8]) -> Option<bool> {
    let mut at = 8;
    loop {
        let length = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize;
        match bytes.get(at + 4..at + 8)? {
            b"acTL" => return Some(true),
            b"IDAT" => return Some(false),
            // A chunk is its length, its name, its data and a checksum.
            _ => at = at.checked_add(length)?.checked_add(12)?,
        }
    }
}

/// The bit of an extended WebP's flags that says so.
const WEBP_ANIMATION: u8 = 0x02;

fn webp_flags(bytes: &[u8]) -> Option<u8> {
    if bytes.get(12..16)? == b"VP8X" { bytes.get(20).copied() } else { None }
}
