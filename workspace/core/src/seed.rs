//! Seeds: counted, never drawn.

use std::fmt;

use thiserror::Error;

/// A seed below 2^53, so that JSON and JavaScript carry it exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seed(u64);

/// A number that is too large to be a seed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("seed {0} is too large: expected 0 to 9007199254740991 (2^53 - 1)")]
pub struct SeedError(u64);

impl Seed {
    /// One more than the largest seed.
    pub const LIMIT: u64 = 1 << 53;

    /// Checks a number and makes it a seed.
    pub fn new(value: u64) -> Result<Self, SeedError> {
        if value < Self::LIMIT { Ok(Self(value)) } else { Err(SeedError(value)) }
    }

    /// The number, below 2^53.
    pub fn get(self) -> u64 {
        self.0
    }

    /// The `n`-th seed of the sequence that `self` is the root of.
    ///
    /// This is the output function of `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number
    /// generators", OOPSLA 2014) at the root advanced by `n + 1` golden-ratio steps, its upper 53 bits. Parallelism
    /// and retries cannot shift it, because it is counted.
    #[must_use]
    pub fn mix(self, n: u64) -> Self {
        const GOLDEN_RATIO: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.wrapping_add(GOLDEN_RATIO.wrapping_mul(n.wrapping_add(1)));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self((z ^ (z >> 31)) >> 11)
    }

    /// The seed as a number in [0, 1).
    pub fn unit(self) -> f64 {
        self.0 as f64 / Self::LIMIT as f64
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixing_matches_the_published_generator() {
        // The first outputs of SplitMix64 seeded with 1234567, from its reference implementation, shifted to 53 bits.
        let root = Seed::new(1_234_567).unwrap();
        for (n, word) in [(0, 6_457_827_717_110_365_317_u64), (1, 3_203_168_211_198_807_973)] {
            assert_eq!(root.mix(n).get(), word >> 11);
        }
    }

    #[test]
    fn seeds_fit_a_double() {
        assert!(Seed::new(Seed::LIMIT).is_err());
        assert_eq!(Seed::new(Seed::LIMIT - 1).unwrap().get() as f64 as u64, Seed::LIMIT - 1);
        assert!((0..1000).all(|n| Seed::new(7).unwrap().mix(n).get() < Seed::LIMIT));
    }
}
