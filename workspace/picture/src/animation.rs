//! Whether a file moves, by its container alone: nothing is decoded for it, and nothing allocated.

use crate::Format;

/// Whether a file holds more than one frame, or says that it does.
pub(crate) fn is_animated(bytes: &[u8], format: Format) -> bool {
    match format {
        Format::Png => has_animation_control(bytes).unwrap_or(false),
        Format::WebP => webp_flags(bytes).is_some_and(|flags| flags & WEBP_ANIMATION != 0),
        Format::Gif => has_second_image(bytes).unwrap_or(false),
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

const GIF_EXTENSION: u8 = 0x21;
const GIF_IMAGE: u8 = 0x2c;

fn has_second_image(bytes: &[u8]) -> Option<bool> {
    let mut at = 13 + gif_colours(*bytes.get(10)?);
    let mut images = 0;
    loop {
        at = match *bytes.get(at)? {
            GIF_EXTENSION => after_gif_blocks(bytes, at + 2)?,
            GIF_IMAGE if images == 1 => return Some(true),
            GIF_IMAGE => {
                images = 1;
                let colours = gif_colours(*bytes.get(at + 9)?);
                // A descriptor of ten bytes, its colours, and the code size; then the packed pixels.
                after_gif_blocks(bytes, at + 10 + colours + 1)?
            }
            _ => return Some(false),
        }
    }
}

/// The bytes of the colour table that some flags announce.
fn gif_colours(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// Where a row of blocks ends: each begins with its length, and one of length 0 is the last.
fn after_gif_blocks(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1 + length;
        if length == 0 {
            return Some(at);
        }
    }
}
