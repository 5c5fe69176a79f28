//! Pictures and long rows of numbers: in the message itself, or in a file of the spool.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use sha2::{Digest, Sha256};

/// An encoded picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// What it is encoded as, such as `image/png`: PNG, JPEG, WebP, TIFF, BMP or GIF.
    pub media: String,
    /// Its width in pixels. The host always says it, upright (after the file's orientation); what a plugin says, upright or as
    /// stored, is held against the file itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Its height in pixels, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// The encoded bytes.
    pub body: PictureBody,
}

/// Where the bytes of a picture are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureBody {
    /// Here.
    Inline(ByteBuf),
    /// In a file of the spool.
    File(FilePlace),
}

/// A file of the spool. Whoever writes it writes under another name and renames, and says its length and digest; the
/// host owns the folder and removes what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePlace {
    /// Its path, absolute.
    pub path: String,
    /// Its length in bytes.
    pub length: u64,
    /// The SHA-256 of its bytes, 64 hexadecimal digits in lower case.
    pub sha256: String,
}

impl FilePlace {
    /// The place of these bytes at this path.
    pub fn of(path: impl Into<String>, bytes: &[u8]) -> Self {
        Self { path: path.into(), length: bytes.len() as u64, sha256: sha256(bytes) }
    }

    /// Whether these are the bytes that were meant; otherwise what differs, as the end of "the file … ".
    pub fn check(&self, bytes: &[u8]) -> Result<(), String> {
        if bytes.len() as u64 != self.length {
            return Err(format!("holds {} bytes: expected {}", bytes.len(), self.length));
        }
        match sha256(bytes) {
            found if found == self.sha256 => Ok(()),
            found => {
                Err(format!("has the SHA-256 {found}: expected {}", self.sha256.chars().take(80).collect::<String>()))
            }
        }
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Single-precision numbers, four bytes each, least significant first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blob {
    /// Here.
    Inline(ByteBuf),
    /// In a file of the spool.
    File(FilePlace),
}
