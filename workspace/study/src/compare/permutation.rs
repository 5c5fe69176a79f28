//! Whether differences lie to one side of zero by chance: the sign-flip test.

use crate::{Counted, StudyError, check};

/// Up to this many pairs every way to flip the signs is counted.
const EXACT: usize = 32;

/// What the test found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Permutation {
    /// The share of all ways to flip the signs whose mean is at least as far from zero, on either side: two-sided.
    pub p: f64,
    /// Whether every way was counted; otherwise so many were drawn, and p is `(1 + hits)/(1 + draws)`, never 0.
    pub is_exact: bool,
}

/// The sign-flip test of paired differences (Fisher 1935): if neither side is better, each difference is as likely as
/// its opposite.
///
/// Exact up to 32 pairs, in time 2^(n/2)·n; beyond that `draws` flips are counted from `seed`. Pairs without a difference
/// change nothing. Fails on an empty list, on numbers that are not finite, and where flips must be drawn and `draws` is 0.
pub fn permutation(differences: &[f64], draws: u32, seed: u64) -> Result<Permutation, StudyError> {
    check(differences)?;
    let largest = differences.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    let scaled: Vec<f64> = differences.iter().filter(|value| **value != 0.0).map(|value| value / largest).collect();
    // What differs by rounding alone is as far.
    let far = scaled.iter().sum::<f64>().abs() - 1e-12 * scaled.len() as f64;
    if scaled.len() <= EXACT {
        return Ok(Permutation { p: share_as_far(&scaled, far), is_exact: true });
    }
    if draws == 0 {
        return Err(StudyError::Resamples);
    }
    let mut counted = Counted::new(seed);
    let hits = (0..draws).filter(|_| flipped(&scaled, &mut counted).abs() >= far).count();
    Ok(Permutation { p: (1 + hits) as f64 / (1.0 + f64::from(draws)), is_exact: false })
}

fn flipped(values: &[f64], counted: &mut Counted) -> f64 {
    let signed = |chunk: &[f64]| {
        let bits = counted.bits();
        chunk.iter().enumerate().map(|(place, value)| if bits >> place & 1 == 1 { *value } else { -value }).sum::<f64>()
    };
    values.chunks(64).map(signed).sum()
}

/// Of all ways to flip the signs, the share whose sum is at least `far` from zero: every sum is one of the first half and
/// one of the second.
fn share_as_far(values: &[f64], far: f64) -> f64 {
    let (first, second) = values.split_at(values.len() / 2);
    let (firsts, mut seconds) = (sums(first), sums(second));
    seconds.sort_by(f64::total_cmp);
    let as_far = |one: &f64| {
        let above = seconds.len() - seconds.partition_point(|other| one + other < far);
        let below = seconds.partition_point(|other| one + other <= -far);
        (above + below).min(seconds.len()) as f64
    };
    let hits: f64 = firsts.iter().map(as_far).sum();
    hits / (firsts.len() * seconds.len()) as f64
}

/// The sums of all ways to flip the signs.
fn sums(values: &[f64]) -> Vec<f64> {
    let start = vec![0.0];
    values.iter().fold(start, |sums, value| sums.iter().flat_map(|sum| [sum + value, sum - value]).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every way, one by one.
    fn slow(values: &[f64]) -> f64 {
        let ways = 1_u32 << values.len();
        let sum = |way: u32| {
            let signed = values.iter().enumerate();
            signed.map(|(place, value)| if way >> place & 1 == 1 { *value } else { -value }).sum::<f64>().abs()
        };
        let far = values.iter().sum::<f64>().abs();
        (0..ways).filter(|way| sum(*way) >= far - 1e-9).count() as f64 / f64::from(ways)
    }

    proptest! {
        #[test]
        fn halves_count_what_all_ways_count(values in prop::collection::vec(-4i32..5, 1..11)) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let found = permutation(&values, 0, 0).unwrap();
            prop_assert!(found.is_exact && (found.p - slow(&values)).abs() < 1e-12, "{found:?} {}", slow(&values));
            let other: Vec<f64> = values.iter().map(|value| -value * 1e200).collect();
            prop_assert_eq!(found, permutation(&other, 0, 0).unwrap());
        }
    }

    #[test]
    fn shares_worked_out_by_hand() {
        // All of one side: the two ways with all signs equal, of 2⁵.
        assert_eq!(permutation(&[1.0, 2.0, 3.0, 4.0, 5.0], 0, 0).unwrap().p, 2.0 / 32.0);
        assert_eq!(permutation(&[0.0, 0.0], 0, 0).unwrap().p, 1.0);
        assert_eq!(permutation(&[1.0, -1.0], 0, 0).unwrap().p, 1.0);
    }

    #[test]
    fn drawn_flips_come_near_the_exact_share() {
        // No two ways have one sum, which the few pairs more would break.
        let values: Vec<f64> =
            (0..32).map(|place| f64::from((place * 37) % 23) - 8.99 + f64::from(place).sqrt() / 9.0).collect();
        let exact = permutation(&values, 0, 0).unwrap();
        // A few pairs more that weigh next to nothing make them be drawn.
        let more = [&values[..], &[1e-7; 4]].concat();
        let drawn = permutation(&more, 40_000, 3).unwrap();
        assert!(exact.is_exact && !drawn.is_exact);
        assert!((exact.p - drawn.p).abs() < 0.01, "{exact:?} {drawn:?}");
        assert!(permutation(&[1.0; 40], 99, 0).unwrap().p >= 0.01);
        assert_eq!(permutation(&[1.0; 40], 0, 0), Err(StudyError::Resamples));
    }

    #[test]
    fn a_true_hypothesis_is_rejected_as_rarely_as_said() {
        let mut counted = Counted::new(8);
        let rejected = (0..4_000).filter(|_| {
            // Differences of equal halves are as likely as their opposites; these have ties.
            let draw = |counted: &mut Counted| (counted.unit() * 6.0).floor() - (counted.unit() * 6.0).floor();
            let values: Vec<f64> = (0..12).map(|_| draw(&mut counted)).collect();
            permutation(&values, 0, 0).unwrap().p <= 0.05
        });
        // At most 5%, of 4,000: 200 and three standard deviations of 14.
        let rejected = rejected.count();
        assert!((100..=242).contains(&rejected), "{rejected}");
    }
}
