//! Shares: their intervals, and the exact test that a share is what chance would give.

use crate::normal::normal_quantile;
use crate::{Interval, StudyError, check_confidence};

/// How many of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// The ones counted.
    pub hits: u64,
    /// All of them.
    pub of: u64,
}

impl Share {
    /// `hits/of`, from 0 to 1; `None` of nothing.
    pub fn value(&self) -> Option<f64> {
        (self.of > 0).then(|| self.hits as f64 / self.of as f64)
    }

    /// Counts one more, which is a hit or not.
    pub fn count(&mut self, is_hit: bool) {
        self.hits += u64::from(is_hit);
        self.of += 1;
    }

    /// Both counts together.
    #[must_use]
    pub fn and(self, other: Share) -> Share {
        Share { hits: self.hits + other.hits, of: self.of + other.of }
    }

    /// How many standard errors this share lies above `chance`, a probability; `None` of nothing, and where the chance
    /// is 0 or 1, from which nothing strays.
    pub fn errors_above(&self, chance: f64) -> Option<f64> {
        let error = (chance * (1.0 - chance) / self.of as f64).sqrt();
        self.value().filter(|_| error > 0.0).map(|share| (share - chance) / error)
    }

    fn checked(&self) -> Result<f64, StudyError> {
        match self.value() {
            None => Err(StudyError::Empty),
            Some(share) if share > 1.0 => Err(StudyError::Share { hits: self.hits, of: self.of }),
            Some(share) => Ok(share),
        }
    }
}

/// The interval of Wilson (1927): the shares p for which the count is within z standard deviations of `of·p`. Covers at
/// about its confidence, also near 0 and 1 where the textbook interval does not. Fails on a share of nothing, on more
/// hits than there are, and on a confidence that is none.
pub fn wilson_interval(share: Share, confidence: f64) -> Result<Interval, StudyError> {
    check_confidence(confidence)?;
    let mean = share.checked()?;
    let n = share.of as f64;
    let z = normal_quantile(0.5 + confidence / 2.0);
    let middle = mean + z * z / (2.0 * n);
    let reach = z * (mean * (1.0 - mean) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    let (low, high) = ((middle - reach) / scale, (middle + reach) / scale);
    // Rounding must not put the ends inside the estimate where it is 0 or 1.
    Ok(Interval { low: low.clamp(0.0, mean), mean, high: high.clamp(mean, 1.0) })
}

/// The interval of Clopper and Pearson (1934): the shares that neither one-sided exact test refuses at half of what is
/// left of the confidence. Never covers less than its confidence, often more. Takes time `of`. Fails as
/// `wilson_interval` does.
pub fn exact_interval(share: Share, confidence: f64) -> Result<Interval, StudyError> {
    check_confidence(confidence)?;
    let mean = share.checked()?;
    let tail = (1.0 - confidence) / 2.0;
    let counts = Counts::of(share.of);
    // Each tail grows with p, or falls: the end is where it is `tail`.
    let low = if share.hits == 0 { 0.0 } else { halve(|p| counts.at_least(share.hits, p) < tail) };
    let high = if share.hits == share.of { 1.0 } else { halve(|p| counts.at_least(share.hits + 1, p) < 1.0 - tail) };
    Ok(Interval { low, mean, high })
}

/// The probability that a fair coin, thrown `of` times, lies at least as far from half heads as this, on either side:
/// the exact two-sided sign test. From above 0 to 1. Fails as `wilson_interval` does.
pub fn sign_test(share: Share) -> Result<f64, StudyError> {
    share.checked()?;
    let further = share.hits.max(share.of - share.hits);
    Ok((2.0 * Counts::of(share.of).at_least(further, 0.5)).min(1.0))
}

/// Where what is true below becomes false, between 0 and 1.
fn halve(is_below: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..54 {
        let middle = f64::midpoint(low, high);
        if is_below(middle) { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// The logarithms of `C(n, k)` for every k.
struct Counts {
    ways: Vec<f64>,
}

impl Counts {
    fn of(n: u64) -> Counts {
        let ways = (1..=n).scan(0.0, |way, k| {
            *way += ((n - k + 1) as f64 / k as f64).ln();
            Some(*way)
        });
        Counts { ways: std::iter::once(0.0).chain(ways).collect() }
    }

    /// The probability of at least `k` hits of n at probability `p`, strictly between 0 and 1.
    fn at_least(&self, k: u64, p: f64) -> f64 {
        let n = self.ways.len() - 1;
        let (hit, miss) = (p.ln(), (-p).ln_1p());
        let chance = |(i, way): (usize, &f64)| (way + i as f64 * hit + (n - i) as f64 * miss).exp();
        self.ways.iter().enumerate().skip(k as usize).map(chance).sum::<f64>().min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(hits: u64, of: u64) -> Share {
        Share { hits, of }
    }

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found}, expected {expected}");
    }

    #[test]
    fn tests_worked_out_by_hand() {
        // 8 of 10 heads: 2·(45 + 10 + 1)/1024.
        near(sign_test(share(8, 10)).unwrap(), 112.0 / 1024.0);
        near(sign_test(share(2, 10)).unwrap(), 112.0 / 1024.0);
        near(sign_test(share(5, 10)).unwrap(), 1.0);
        near(sign_test(share(0, 5)).unwrap(), 2.0 / 32.0);
    }

    #[test]
    fn intervals_worked_out_by_hand() {
        // None of n: the upper end solves (1−p)ⁿ = 0.025.
        let none = exact_interval(share(0, 20), 0.95).unwrap();
        near(none.high, 1.0 - 0.025_f64.powf(1.0 / 20.0));
        assert_eq!((none.low, none.mean), (0.0, 0.0));
        let all = exact_interval(share(20, 20), 0.95).unwrap();
        near(all.low, 0.025_f64.powf(1.0 / 20.0));
        // Wilson of 0 of n: z²/(n + z²).
        let z = 1.959_963_984_540_054_f64;
        near(wilson_interval(share(0, 20), 0.95).unwrap().high, z * z / (20.0 + z * z));
        assert_eq!(wilson_interval(share(0, 20), 0.95).unwrap().low, 0.0);
    }

    #[test]
    fn intervals_equal_those_of_scipy() {
        // scipy 1.17: binomtest(13, 40).proportion_ci(0.95, 'exact' and 'wilson').
        let exact = exact_interval(share(13, 40), 0.95).unwrap();
        near(exact.low, EXACT.0);
        near(exact.high, EXACT.1);
        let wilson = wilson_interval(share(13, 40), 0.95).unwrap();
        near(wilson.low, WILSON.0);
        near(wilson.high, WILSON.1);
    }

    const EXACT: (f64, f64) = (0.185_728_966_762_953_17, 0.491_294_875_478_450_35);
    const WILSON: (f64, f64) = (0.200_845_022_317_827_03, 0.479_822_538_101_223_3);

    #[test]
    fn large_counts_are_stable() {
        let half = exact_interval(share(50_000, 100_000), 0.95).unwrap();
        let wide = wilson_interval(share(50_000, 100_000), 0.95).unwrap();
        assert!((half.low - wide.low).abs() < 1e-5 && (half.high - wide.high).abs() < 1e-5);
        assert!(sign_test(share(50_000, 100_000)).unwrap() <= 1.0);
    }

    #[test]
    fn bad_shares_are_named() {
        assert_eq!(sign_test(share(0, 0)), Err(StudyError::Empty));
        assert_eq!(sign_test(share(3, 2)), Err(StudyError::Share { hits: 3, of: 2 }));
        assert_eq!(wilson_interval(share(1, 2), 1.0), Err(StudyError::Confidence(1.0)));
    }
}
