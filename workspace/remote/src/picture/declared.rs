//! What a picture's first bytes declare: its format and its upright size. No pixel is decoded.

use editscale_core::{ImageSize, MediaType};
use memchr::memmem;

/// The format and the upright size of a PNG, JPEG or WebP file; nothing where the bytes are none of these or end before
/// their size is told.
pub(crate) fn declared(bytes: &[u8]) -> Option<(MediaType, ImageSize)> {
    let (media, width, height, orientation) = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        png(bytes)?
    } else if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        jpeg(bytes)?
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12)? == b"WEBP" {
        webp(bytes)?
    } else {
        return None;
    };
    let is_turned = (5..=8).contains(&orientation);
    let (width, height) = if is_turned { (height, width) } else { (width, height) };
    (width > 0 && height > 0).then_some((media, ImageSize { width, height }))
}

/// Whether a PNG or WebP file ends before its own end. An answer that tells no length may break off without anybody
/// knowing; of a JPEG file only a decoder could say.
pub(crate) fn is_cut_short(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"\x89PNG") {
        return memmem::rfind(bytes, b"IEND").is_none_or(|at| bytes.len() < at + 8);
    }
    let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    let length = array(bytes, 4).map(u32::from_le_bytes);
    is_webp && length.is_some_and(|length| (bytes.len() as u64) < u64::from(length) + 8)
}

type Found = (MediaType, u32, u32, u16);

/// The orientation where nothing says otherwise (EXIF 2.3, tag 274).
const UPRIGHT: u16 = 1;

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn big(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}

/// Chunks before the pixels are looked through for an orientation.
fn png(bytes: &[u8]) -> Option<Found> {
    if bytes.get(12..16)? != b"IHDR" {
        return None;
    }
    let (width, height) = (big(bytes, 16)?, big(bytes, 20)?);
    let mut at = 8;
    let mut turned = UPRIGHT;
    while let (Some(length), Some(name)) = (big(bytes, at), array::<4>(bytes, at + 4)) {
        if &name == b"IDAT" || &name == b"IEND" {
            break;
        }
        let end = (at + 8).checked_add(length as usize)?;
        if &name == b"eXIf" {
            turned = orientation(bytes.get(at + 8..end).unwrap_or_default()).unwrap_or(UPRIGHT);
        }
        at = end.checked_add(4)?;
    }
    Some((MediaType::Png, width, height, turned))
}

/// Segments up to the frame header, which tells the size.
fn jpeg(bytes: &[u8]) -> Option<Found> {
    let mut at = 2;
    let mut turned = UPRIGHT;
    loop {
        let [mark, kind] = array::<2>(bytes, at)?;
        if mark != 0xff {
            return None;
        }
        // Fill bytes, and markers that stand alone.
        if kind == 0xff || kind == 1 || (0xd0..=0xd8).contains(&kind) {
            at += if kind == 0xff { 1 } else { 2 };
            continue;
        }
        let length = usize::from(u16::from_be_bytes(array(bytes, at + 2)?));
        let is_frame = (0xc0..=0xcf).contains(&kind) && ![0xc4, 0xc8, 0xcc].contains(&kind);
        if is_frame {
            let side = |at| array(bytes, at).map(u16::from_be_bytes).map(u32::from);
            return Some((MediaType::Jpeg, side(at + 7)?, side(at + 5)?, turned));
        }
        if kind == 0xda || kind == 0xd9 || length < 2 {
            return None;
        }
        let segment = bytes.get(at + 4..at + 2 + length)?;
        if kind == 0xe1
            && let Some(exif) = segment.strip_prefix(b"Exif\0\0")
        {
            turned = orientation(exif).unwrap_or(UPRIGHT);
        }
        at += 2 + length;
    }
}

/// The first chunk tells the size, in one of three ways; only a file with an extended header can have an orientation.
fn webp(bytes: &[u8]) -> Option<Found> {
    let (width, height) = match bytes.get(12..16)? {
        b"VP8 " => {
            if bytes.get(23..26)? != [0x9d, 0x01, 0x2a] {
                return None;
            }
            let side = |at| array(bytes, at).map(u16::from_le_bytes).map(|side| u32::from(side & 0x3fff));
            (side(26)?, side(28)?)
        }
        b"VP8L" => {
            if *bytes.get(20)? != 0x2f {
                return None;
            }
            let bits = array(bytes, 21).map(u32::from_le_bytes)?;
            ((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1)
        }
        b"VP8X" => {
            let side = |at| array::<3>(bytes, at).map(|[low, mid, high]| u32::from_le_bytes([low, mid, high, 0]) + 1);
            return Some((MediaType::WebP, side(24)?, side(27)?, webp_orientation(bytes)));
        }
        _ => return None,
    };
    Some((MediaType::WebP, width, height, UPRIGHT))
}

fn webp_orientation(bytes: &[u8]) -> u16 {
    let mut at = 12_usize;
    while let (Some(name), Some(length)) = (array::<4>(bytes, at), array(bytes, at + 4).map(u32::from_le_bytes)) {
        let (start, length) = (at + 8, length as usize);
        let Some(end) = start.checked_add(length) else { break };
        if &name == b"EXIF" {
            let exif = bytes.get(start..end).unwrap_or_default();
            return orientation(exif.strip_prefix(b"Exif\0\0").unwrap_or(exif)).unwrap_or(UPRIGHT);
        }
        let Some(next) = end.checked_add(length % 2) else { break };
        at = next;
    }
    UPRIGHT
}

/// The orientation in the first directory of a TIFF structure.
fn orientation(tiff: &[u8]) -> Option<u16> {
    const ORIENTATION: u16 = 274;
    let is_little = match tiff.get(..4)? {
        [b'I', b'I', 42, 0] => true,
        [b'M', b'M', 0, 42] => false,
        _ => return None,
    };
    let short = |at| {
        let pair = array(tiff, at)?;
        Some(if is_little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) })
    };
    let long = array(tiff, 4)?;
    let directory = if is_little { u32::from_le_bytes(long) } else { u32::from_be_bytes(long) } as usize;
    let count = usize::from(short(directory)?);
    let entries = (0..count).filter_map(|entry| directory.checked_add(2 + entry * 12));
    entries.into_iter().find_map(|at| (short(at)? == ORIENTATION).then(|| short(at + 8)).flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exif(orientation: u8) -> Vec<u8> {
        let mut tiff = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
        tiff.extend([orientation, 0, 0, 0, 0, 0, 0]);
        tiff
    }

    fn png_of(width: u32, height: u32, exif: Option<&[u8]>) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        bytes.extend([width.to_be_bytes(), height.to_be_bytes()].concat());
        bytes.extend([8, 2, 0, 0, 0, 0, 0, 0, 0]);
        if let Some(exif) = exif {
            bytes.extend((exif.len() as u32).to_be_bytes());
            bytes.extend([&b"eXIf"[..], exif, &[0; 4]].concat());
        }
        bytes.extend(b"\0\0\0\0IDAT");
        bytes
    }

    fn jpeg_of(width: u16, height: u16, exif: Option<&[u8]>) -> Vec<u8> {
        let mut bytes = vec![0xff, 0xd8];
        if let Some(exif) = exif {
            bytes.extend([0xff, 0xe1]);
            bytes.extend((exif.len() as u16 + 8).to_be_bytes());
            bytes.extend([b"Exif\0\0", exif].concat());
        }
        bytes.extend([0xff, 0xff, 0xc2, 0, 17, 8]);
        bytes.extend([height.to_be_bytes(), width.to_be_bytes()].concat());
        bytes
    }

    fn webp_of(chunk: &[u8]) -> Vec<u8> {
        [&b"RIFF\0\0\0\0WEBP"[..], chunk].concat()
    }

    #[test]
    fn sizes_are_read_upright() {
        let lossy = webp_of(b"VP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x40\x01\xf0\x00");
        let bits = 319_u32 + (239 << 14);
        let lossless = webp_of(&[&b"VP8L\0\0\0\0\x2f"[..], &bits.to_le_bytes()].concat());
        let extended = |exif: &[u8]| {
            let head = b"VP8X\x0a\0\0\0\0\0\0\0\x3f\x01\0\xef\0\0EXIF";
            webp_of(&[&head[..], &(exif.len() as u32).to_le_bytes(), exif].concat())
        };
        for (bytes, media, size) in [
            (png_of(320, 240, None), MediaType::Png, (320, 240)),
            (png_of(320, 240, Some(&exif(6))), MediaType::Png, (240, 320)),
            (jpeg_of(320, 240, None), MediaType::Jpeg, (320, 240)),
            (jpeg_of(320, 240, Some(&exif(3))), MediaType::Jpeg, (320, 240)),
            (jpeg_of(320, 240, Some(&exif(8))), MediaType::Jpeg, (240, 320)),
            (lossy, MediaType::WebP, (320, 240)),
            (lossless, MediaType::WebP, (320, 240)),
            (extended(&exif(1)), MediaType::WebP, (320, 240)),
            (extended(&exif(5)), MediaType::WebP, (240, 320)),
        ] {
            let size = ImageSize { width: size.0, height: size.1 };
            assert_eq!(declared(&bytes), Some((media, size)));
        }
    }

    #[test]
    fn broken_heads_are_nothing_and_never_panic() {
        let whole = [
            png_of(3, 2, Some(&exif(6))),
            jpeg_of(3, 2, Some(&exif(6))),
            webp_of(b"VP8X\x0a\0\0\0\0\0\0\0\x3f\x01\0\xef\0\0"),
        ];
        for bytes in &whole {
            for length in 0..bytes.len() {
                declared(&bytes[..length]);
                let mut flipped = bytes.clone();
                flipped[length] ^= 0xff;
                declared(&flipped);
            }
        }
        for bytes in [&b""[..], b"<html>", b"GIF89a\x01\0\x01\0", &png_of(0, 7, None), b"\xff\xd8\xff\xda\0\x02"] {
            assert_eq!(declared(bytes), None);
        }
    }
}
