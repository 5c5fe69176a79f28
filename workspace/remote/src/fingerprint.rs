//! Long settings as short texts.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// A text in 16 digits: equal texts give equal ones, and others in all likelihood others.
pub(crate) fn fingerprint(text: &str) -> String {
    let digest = Sha256::digest(text);
    hex(digest.get(..8).unwrap_or_default())
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a text cannot fail.
        _ = write!(text, "{byte:02x}");
        text
    })
}
