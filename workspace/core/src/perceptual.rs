//! How a picture looks, in 64 bits: enough to tell near copies without decoding them again.

/// A perceptual hash: pictures that look alike differ in few bits. Which hash it is, is the same within a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PerceptualHash(pub u64);

impl PerceptualHash {
    /// In how many of 64 bits two pictures differ: 0 for copies, about 32 for pictures that have nothing to do with each
    /// other.
    pub fn distance(self, other: Self) -> u32 {
        (self.0 ^ other.0).count_ones()
    }
}
