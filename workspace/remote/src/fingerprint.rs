//! A long setting as a short text.

use sha2::{Digest, Sha256};

/// Sixteen digits that stand for a setting in a revision: equal ones have equal digits.
pub(crate) fn fingerprint(text: &str) -> String {
    Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
