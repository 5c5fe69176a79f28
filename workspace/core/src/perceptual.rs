//! How a picture looks, in 64 bits: enough to tell near copies without decoding them again.

use crate::EncodedImage;

/// A perceptual hash: pictures that look alike differ in few bits. Which hash it is, is the same within a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PerceptualHash(pub u64);

impl PerceptualHash {
    /// Which hash the product computes. What decides by hashes names it in its revision, because hashes of different kinds
    /// do not compare.
    pub const REVISION: &str = "phash/1";

    /// In how many of 64 bits two pictures differ: 0 for copies, about 32 for pictures that have nothing to do with each
    /// other.
    pub fn distance(self, other: Self) -> u32 {
        (self.0 ^ other.0).count_ones()
    }
}

/// Tells how pictures look, for searches that want to know ([`SearchFactory::looks`](crate::SearchFactory::looks)).
pub trait Look: Send + Sync {
    /// The hash of a picture; nothing where it cannot be read. Equal bytes have equal hashes. It may decode the picture,
    /// so that it is called where blocking holds nobody up.
    fn hash(&self, picture: &EncodedImage) -> Option<PerceptualHash>;
}

/// Looks at nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Blind;

impl Look for Blind {
    fn hash(&self, _: &EncodedImage) -> Option<PerceptualHash> {
        None
    }
}
