//! Numbers that look random and are counted from a seed, so that equal arguments give equal results.

/// `SplitMix64` (Steele, Lea and Flood, OOPSLA 2014): resampling, simulation and folds draw from it.
#[derive(Debug, Clone)]
pub struct Counted {
    state: u64,
}

impl Counted {
    /// The sequence of this seed.
    pub fn new(seed: u64) -> Counted {
        Counted { state: seed }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A whole number below `n`, each as likely as the others; 0 where `n` is 0. What would make some likelier is drawn
    /// again (Lemire 2019).
    pub fn below(&mut self, n: usize) -> usize {
        let n = n as u64;
        loop {
            let wide = u128::from(self.bits()) * u128::from(n);
            // Of the 2⁶⁴ products' lower halves, the first 2⁶⁴ mod n would be one too many.
            if n == 0 || wide as u64 >= n.wrapping_neg() % n {
                return (wide >> 64) as usize;
            }
        }
    }

    /// A number of [0, 1), in steps of 2⁻⁵³.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Puts the items into an order of which each is as likely (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// Spreads the bits of one number over all 64, one to one.
pub(crate) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        let mut counted = Counted::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| counted.bits()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn draws_are_even() {
        let (mut counted, mut counts) = (Counted::new(3), [0_u32; 7]);
        (0..70_000).for_each(|_| counts[counted.below(7)] += 1);
        // The standard deviation of each count is 93.
        assert!(counts.iter().all(|count| (9_600..10_400).contains(count)), "{counts:?}");
        assert_eq!(counted.below(0), 0);
        assert_eq!(counted.below(1), 0);
        assert!((0..1000).all(|_| (0.0..1.0).contains(&counted.unit())));
    }

    #[test]
    fn every_order_comes_about_as_often() {
        let (mut counted, mut counts) = (Counted::new(11), std::collections::BTreeMap::new());
        for _ in 0..6_000 {
            let mut items = [1, 2, 3];
            counted.shuffle(&mut items);
            *counts.entry(items).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(counts.values().all(|count| (870..1130).contains(count)), "{counts:?}");
    }
}
