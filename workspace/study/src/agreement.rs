//! How two measures of the same things agree: how far apart they are, and whether they put things in the same order.
//! Their correlations are in `rank_correlation`.

use crate::order::ascending;
use crate::{StudyError, check, check_both};

/// How far two measures are apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distance {
    /// The largest difference, without its sign.
    pub largest: f64,
    /// Where the largest difference is.
    pub at: usize,
    /// The mean of the differences without their signs.
    pub mean: f64,
    /// The mean of the differences, the other less the one.
    pub bias: f64,
}

/// How far `other` is from `one`.
pub fn distance(one: &[f64], other: &[f64]) -> Result<Distance, StudyError> {
    check_both(one, other)?;
    let (mut largest, mut at, mut sum, mut signed) = (-1.0, 0, 0.0, 0.0);
    for (place, (one, other)) in one.iter().zip(other).enumerate() {
        let difference = other - one;
        if difference.abs() > largest {
            (largest, at) = (difference.abs(), place);
        }
        sum += difference.abs();
        signed += difference;
    }
    let count = one.len() as f64;
    Ok(Distance { largest, at, mean: sum / count, bias: signed / count })
}

/// Whether two measures order things alike, pair by pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Order {
    /// Pairs of things that both put in the same order.
    pub same: u64,
    /// Pairs that they put in opposite orders.
    pub opposite: u64,
    /// Pairs that at least one of them holds for equal.
    pub tied: u64,
}

impl Order {
    /// The share of pairs in the same order among those that neither holds for equal.
    pub fn agreement(&self) -> Option<f64> {
        let decided = self.same + self.opposite;
        (decided > 0).then(|| self.same as f64 / decided as f64)
    }
}

/// Whether two measures order things alike within groups; things of different groups are not compared.
///
/// `groups` names the group of each thing, by any number.
pub fn order_within(groups: &[usize], one: &[f64], other: &[f64]) -> Result<Order, StudyError> {
    check_both(one, other)?;
    if groups.len() != one.len() {
        return Err(StudyError::Unequal { left: groups.len(), right: one.len() });
    }
    let mut places: Vec<usize> = (0..groups.len()).collect();
    places.sort_by_key(|place| groups[*place]);
    let mut order = Order::default();
    for group in places.chunk_by(|a, b| groups[*a] == groups[*b]) {
        for (at, a) in group.iter().enumerate() {
            for b in &group[at + 1..] {
                let sign = ascending(one[*a], one[*b]) as i8 * ascending(other[*a], other[*b]) as i8;
                match sign {
                    1.. => order.same += 1,
                    0 => order.tied += 1,
                    _ => order.opposite += 1,
                }
            }
        }
    }
    Ok(order)
}

/// The middle of some samples, and how far they spread.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The least.
    pub least: f64,
    /// Half are below, half above.
    pub median: f64,
    /// The greatest.
    pub greatest: f64,
}

/// The least, the middle and the greatest of some samples.
pub fn spread(samples: &[f64]) -> Result<Spread, StudyError> {
    check(samples)?;
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (last, half) = (sorted.len() - 1, sorted.len() / 2);
    let median = if sorted.len() % 2 == 1 { sorted[half] } else { f64::midpoint(sorted[half - 1], sorted[half]) };
    Ok(Spread { least: sorted[0], median, greatest: sorted[last] })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;

    #[test]
    fn distances_have_a_largest_a_mean_and_a_bias() {
        let found = distance(&[1.0, 2.0, 3.0, 4.0], &[1.5, 2.0, 1.0, 4.5]).unwrap();
        assert_eq!(found, Distance { largest: 2.0, at: 2, mean: 0.75, bias: -0.25 });
        assert_eq!(distance(&[1.0], &[1.0]).unwrap(), Distance { largest: 0.0, at: 0, mean: 0.0, bias: 0.0 });
    }

    #[test]
    fn order_is_compared_within_groups_alone() {
        let groups = [7, 3, 7, 3, 7];
        // Group 7: places 0, 2, 4; group 3: places 1, 3.
        let found = order_within(&groups, &[1.0, 9.0, 2.0, 8.0, 3.0], &[1.0, 5.0, 3.0, 6.0, 3.0]).unwrap();
        assert_eq!(found, Order { same: 2, opposite: 1, tied: 1 });
        assert_eq!(found.agreement(), Some(2.0 / 3.0));
        assert_eq!(order_within(&[1, 2], &[1.0, 2.0], &[2.0, 1.0]).unwrap().agreement(), None);
    }

    #[test]
    fn spreads_have_a_middle() {
        assert_eq!(spread(&[3.0, 1.0, 2.0]).unwrap(), Spread { least: 1.0, median: 2.0, greatest: 3.0 });
        assert_eq!(spread(&[4.0, 1.0, 2.0, 3.0]).unwrap().median, 2.5);
        assert!(spread(&[]).is_err());
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        assert_eq!(distance(&[1.0], &[]), Err(StudyError::Unequal { left: 1, right: 0 }));
        assert_eq!(distance(&[], &[]), Err(StudyError::Empty));
        assert!(order_within(&[], &[1.0], &[1.0]).is_err());
    }
}
