//! A picture as it came: its bytes kept, its declarations checked.

use std::sync::Arc;

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64_simd::{Out, STANDARD, STANDARD_NO_PAD};
use editscale_core::EncodedImage;
use memchr::memmem;

use super::declared::declared;

/// With or without padding, as servers do.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Limits on a picture that comes from a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureLimits {
    /// The most bytes of the file.
    pub bytes: u64,
    /// The longest side, in pixels.
    pub side: u32,
    /// The most pixels.
    pub pixels: u64,
}

impl Default for PictureLimits {
    fn default() -> Self {
        Self { bytes: 64 << 20, side: 16_384, pixels: 64_000_000 }
    }
}

/// Checks what a file declares and keeps it. The words of the error go into a sentence about the answer.
pub(crate) fn received(bytes: Arc<[u8]>, limits: &PictureLimits) -> Result<EncodedImage, String> {
    if bytes.len() as u64 > limits.bytes {
        return Err(format!("expected a picture of at most {} bytes, found {}", limits.bytes, bytes.len()));
    }
    let Some((media, size)) = declared(&bytes) else {
        let head: Vec<String> = bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        return Err(format!("expected a PNG, JPEG or WebP file, found {} bytes: {}", bytes.len(), head.join(" ")));
    };
    let pixels = u64::from(size.width) * u64::from(size.height);
    if size.width.max(size.height) > limits.side || pixels > limits.pixels {
        let PictureLimits { side, pixels, .. } = limits;
        return Err(format!("expected a picture of at most {pixels} pixels and {side} a side, found {size}"));
    }
    Ok(EncodedImage { media, size, bytes })
}

/// Decodes base64, bare or as a data URL. Its length is checked before anything is decoded, which is then decoded into its
/// last place.
pub(crate) fn decoded(text: &(impl AsRef<[u8]> + ?Sized), limits: &PictureLimits) -> Result<Arc<[u8]>, String> {
    let text = text.as_ref();
    let text = if text.starts_with(b"data:") { data_of(text).ok_or("expected a data URL in base64")? } else { text };
    if text.len() as u64 / 4 * 3 > limits.bytes.saturating_add(3) {
        return Err(format!("expected a picture of at most {} bytes, found {} of base64", limits.bytes, text.len()));
    }
    let digits = text.trim_ascii();
    let digits =
        digits.iter().rposition(|digit| *digit != b'=').and_then(|last| digits.get(..=last)).unwrap_or_default();
    let mut bytes: Arc<[u8]> = std::iter::repeat_n(0, digits.len() * 3 / 4).collect();
    // Nobody else has it yet.
    let place = Arc::get_mut(&mut bytes).unwrap_or_default();
    let length = match STANDARD_NO_PAD.decode(digits, Out::from_slice(place)) {
        Ok(decoded) => decoded.len(),
        // The other one can say what is wrong.
        Err(_) => LENIENT.decode_slice(digits, place).map_err(|error| format!("expected base64: {error}"))?,
    };
    if length == bytes.len() {
        Ok(bytes)
    } else {
        Err(format!("expected base64 of {} bytes, found {length}", bytes.len()))
    }
}

/// What follows `;base64,` in a data URL.
fn data_of(url: &[u8]) -> Option<&[u8]> {
    const MARK: &[u8] = b";base64,";
    // What comes before is a media type with its parameters.
    let head = url.get(..url.len().min(256))?;
    url.get(memmem::find(head, MARK)? + MARK.len()..)
}

/// A file as a data URL.
pub(crate) fn data_url(mime: &str, bytes: &[u8]) -> String {
    let mut url = String::with_capacity(bytes.len() / 3 * 4 + 64);
    url.push_str("data:");
    url.push_str(mime);
    url.push_str(";base64,");
    STANDARD.encode_append(bytes, &mut url);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded_within_limits() {
        let limits = PictureLimits { bytes: 6, ..PictureLimits::default() };
        for text in ["aGVsbG8=", "aGVsbG8", " aGVsbG8=\n", "data:image/png;base64,aGVsbG8="] {
            assert_eq!(&*decoded(text, &limits).unwrap(), b"hello", "{text}");
        }
        for (text, words) in
            [("a?b=", "expected base64"), ("data:image/png,x", "data URL"), ("aGVsbG8gd29ybGQh", "at most 6 bytes")]
        {
            assert!(decoded(text, &limits).unwrap_err().contains(words), "{text}");
        }
        assert_eq!(&*decoded(&data_url("image/png", b"hello"), &limits).unwrap(), b"hello");
    }

    #[test]
    fn what_is_declared_is_held_to_the_limits() {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\xff\xff\0\0\xff\xff\x08\x02\0\0\0\0\0\0\0".to_vec();
        let error = received(png.clone().into(), &PictureLimits::default()).unwrap_err();
        assert!(error.contains("65535x65535"), "{error}");
        png[16..24].copy_from_slice(&[0, 0, 0, 2, 0, 0, 0, 1]);
        let kept = received(png.clone().into(), &PictureLimits::default()).unwrap();
        assert_eq!((kept.size.width, &*kept.bytes), (2, &png[..]));
        assert!(
            received(png.into(), &PictureLimits { bytes: 8, ..PictureLimits::default() })
                .unwrap_err()
                .contains("8 bytes")
        );
        assert!(received(b"<html>"[..].into(), &PictureLimits::default()).unwrap_err().contains("3c 68 74 6d 6c 3e"));
    }
}
