//! Pictures as handles: a digest, a format, a size, and a way to the bytes.
//!
//! Nothing here decodes. A candidate's bytes may lie on disk; whoever needs them asks for them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

/// The BLAKE3 digest of a picture's encoded bytes; it names the picture everywhere.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

/// A text that is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a digest: expected 64 hexadecimal digits in lower case")]
pub struct DigestError(String);

impl Digest {
    /// A digest from its 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        // One write for all digits: every file of a run is called by its digest.
        let pairs = self.0.map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        f.write_str(std::str::from_utf8(pairs.as_flattened()).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let error = || DigestError(text.chars().take(80).collect());
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let digits: Vec<u8> = text.bytes().map(digit).collect::<Option<_>>().ok_or_else(error)?;
        let mut bytes = [0; 32];
        if digits.len() != 64 {
            return Err(error());
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        Ok(Self(bytes))
    }
}

/// Encoded formats that a picture may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum MediaType {
    Png,
    Jpeg,
    WebP,
    Tiff,
    Bmp,
    Gif,
}

impl MediaType {
    /// Every format.
    pub const ALL: [Self; 6] = [Self::Png, Self::Jpeg, Self::WebP, Self::Tiff, Self::Bmp, Self::Gif];

    /// The usual file extension, without a dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
            Self::Tiff => "tiff",
            Self::Bmp => "bmp",
            Self::Gif => "gif",
        }
    }

    /// The registered media type.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
            Self::Tiff => "image/tiff",
            Self::Bmp => "image/bmp",
            Self::Gif => "image/gif",
        }
    }

    /// The format whose usual extension this is.
    pub fn from_extension(extension: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|media| media.extension() == extension)
    }
}

/// Width and height in pixels, upright (after orientation), both at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ImageSize {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl fmt::Display for ImageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// The bytes behind a picture could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("cannot read picture {digest}: {reason}")]
pub struct ImageReadError {
    /// The picture.
    pub digest: Digest,
    /// What the storage said.
    pub reason: String,
}

/// Where a picture's encoded bytes come from: memory, or a file that the engine keeps.
pub trait ImageBytes: Send + Sync + fmt::Debug {
    /// All bytes, exactly as they were when the picture was named.
    fn read(&self) -> Result<Arc<[u8]>, String>;
}

impl ImageBytes for Arc<[u8]> {
    fn read(&self) -> Result<Arc<[u8]>, String> {
        Ok(Arc::clone(self))
    }
}

/// A named picture whose bytes are read when they are needed. Cheap to clone.
#[derive(Clone)]
pub struct Image {
    digest: Digest,
    media: MediaType,
    size: ImageSize,
    bytes: Arc<dyn ImageBytes>,
}

impl Image {
    /// A picture under the digest of its bytes. The caller has computed the digest and probed format and size.
    pub fn new(digest: Digest, media: MediaType, size: ImageSize, bytes: Arc<dyn ImageBytes>) -> Self {
        Self { digest, media, size, bytes }
    }

    /// The digest of the encoded bytes.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The encoded format.
    pub fn media(&self) -> MediaType {
        self.media
    }

    /// The upright size.
    pub fn size(&self) -> ImageSize {
        self.size
    }

    /// The encoded bytes.
    pub fn read(&self) -> Result<Arc<[u8]>, ImageReadError> {
        self.bytes.read().map_err(|reason| ImageReadError { digest: self.digest, reason })
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image({:?} {} {})", self.media, self.size, self.digest)
    }
}

/// Two handles are equal when they name the same bytes.
impl PartialEq for Image {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Image {}

/// A picture as an editor hands it back: bytes and what they hold, not yet named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedImage {
    /// The encoded format.
    pub media: MediaType,
    /// The upright size.
    pub size: ImageSize,
    /// The file, as the editor gave it.
    pub bytes: Arc<[u8]>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_round_trip_as_text() {
        let digest = Digest::from_bytes(std::array::from_fn(|index| (index * 9) as u8));
        assert_eq!(digest.to_string().parse(), Ok(digest));
        for bad in ["", "00", &"0".repeat(63), &"g".repeat(64), &"A".repeat(64), &"0".repeat(66)] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }
}
