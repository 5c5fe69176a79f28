//! Looks at encoded pictures for searches that tell near copies.

use editscale_core::{EncodedImage, Look, PerceptualHash};

use crate::{Limits, decode_rgb8, perceptual_hash};

/// Decodes a picture within the default limits and hashes it. Every call decodes: what is looked at is new.
#[derive(Debug, Clone, Copy, Default)]
pub struct Looker;

impl Look for Looker {
    fn hash(&self, picture: &EncodedImage) -> Option<PerceptualHash> {
        let pixels = decode_rgb8(&picture.bytes, &Limits::default()).ok()?;
        Some(PerceptualHash(perceptual_hash(&pixels)))
    }
}
