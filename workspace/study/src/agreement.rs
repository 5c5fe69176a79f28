//! How two measures of the same things agree: how far apart they are, and whether they put things in the same order.

use std::cmp::Ordering;

use crate::{StudyError, check};

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

/// Pearson's correlation; none where either measure is the same for all.
pub fn pearson(one: &[f64], other: &[f64]) -> Result<Option<f64>, StudyError> {
    check_both(one, other)?;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (middle_one, middle_other) = (mean(one), mean(other));
    let (mut both, mut alone, mut apart) = (0.0, 0.0, 0.0);
    for (one, other) in one.iter().zip(other) {
        let (a, b) = (one - middle_one, other - middle_other);
        both += a * b;
        alone += a * a;
        apart += b * b;
    }
    let product = alone * apart;
    Ok((product > 0.0).then(|| (both / product.sqrt()).clamp(-1.0, 1.0)))
}

/// Spearman's correlation of ranks, with mean ranks for ties; none where either measure is the same for all.
pub fn spearman(one: &[f64], other: &[f64]) -> Result<Option<f64>, StudyError> {
    check_both(one, other)?;
    pearson(&ranks(one), &ranks(other))
}

/// Ranks from 1 on; equal values share the mean of their ranks.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|one, other| values[*one].total_cmp(&values[*other]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for run in order.chunk_by(|one, other| values[*one] == values[*other]) {
        let mean = first as f64 + f64::midpoint(run.len() as f64, 1.0);
        run.iter().for_each(|place| ranks[*place] = mean);
        first += run.len();
    }
    ranks
}

/// Kendall's tau-b, which allows for ties; none where either measure is the same for all.
///
/// Counted by merging, in the time of a sort.
pub fn kendall_tau_b(one: &[f64], other: &[f64]) -> Result<Option<f64>, StudyError> {
    check_both(one, other)?;
    let mut both: Vec<(f64, f64)> = one.iter().copied().zip(other.iter().copied()).collect();
    both.sort_by(|(a, b), (c, d)| compared(*a, *c).then(compared(*b, *d)));
    let pairs_of = |length: usize| length as u64 * (length as u64).saturating_sub(1) / 2;
    let ties_in_one: u64 = both.chunk_by(|(a, _), (b, _)| a == b).map(|run| pairs_of(run.len())).sum();
    let ties_in_both: u64 = both.chunk_by(|a, b| a == b).map(|run| pairs_of(run.len())).sum();
    let mut seconds: Vec<f64> = both.into_iter().map(|(_, second)| second).collect();
    let discordant = sort_counting(&mut seconds);
    let ties_in_other: u64 = seconds.chunk_by(|a, b| a == b).map(|run| pairs_of(run.len())).sum();
    let all = pairs_of(one.len());
    let (untied_in_one, untied_in_other) = (all - ties_in_one, all - ties_in_other);
    if untied_in_one == 0 || untied_in_other == 0 {
        return Ok(None);
    }
    // Pairs that are tied in neither, less twice those in another order.
    let untied = (all + ties_in_both) as f64 - ties_in_one as f64 - ties_in_other as f64;
    let excess = untied - 2.0 * discordant as f64;
    Ok(Some(excess / ((untied_in_one as f64).sqrt() * (untied_in_other as f64).sqrt())))
}

/// Finite values in order; the two zeros are one.
fn compared(one: f64, other: f64) -> Ordering {
    one.partial_cmp(&other).unwrap_or(Ordering::Equal)
}

/// Sorts, and counts the pairs that stood in the wrong order.
fn sort_counting(values: &mut [f64]) -> u64 {
    if values.len() < 2 {
        return 0;
    }
    let (left, right) = values.split_at_mut(values.len() / 2);
    let mut swaps = sort_counting(left) + sort_counting(right);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut at, mut rest) = (0, right.iter().copied().peekable());
    while let Some(value) = left.get(at) {
        if let Some(next) = rest.next_if(|next| next < value) {
            swaps += (left.len() - at) as u64;
            merged.push(next);
        } else {
            merged.push(*value);
            at += 1;
        }
    }
    merged.extend(rest);
    values.copy_from_slice(&merged);
    swaps
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
        return Err(StudyError::Pairs { one: groups.len(), other: one.len() });
    }
    let mut places: Vec<usize> = (0..groups.len()).collect();
    places.sort_by_key(|place| groups[*place]);
    let mut order = Order::default();
    for group in places.chunk_by(|a, b| groups[*a] == groups[*b]) {
        for (at, a) in group.iter().enumerate() {
            for b in &group[at + 1..] {
                let sign = compared(one[*a], one[*b]) as i8 * compared(other[*a], other[*b]) as i8;
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

fn check_both(one: &[f64], other: &[f64]) -> Result<(), StudyError> {
    if one.len() != other.len() {
        return Err(StudyError::Pairs { one: one.len(), other: other.len() });
    }
    check(one)?;
    check(other)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn near(found: Option<f64>, expected: f64) {
        let found = found.unwrap();
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }

    #[test]
    fn distances_have_a_largest_a_mean_and_a_bias() {
        let found = distance(&[1.0, 2.0, 3.0, 4.0], &[1.5, 2.0, 1.0, 4.5]).unwrap();
        assert_eq!(found, Distance { largest: 2.0, at: 2, mean: 0.75, bias: -0.25 });
        assert_eq!(distance(&[1.0], &[1.0]).unwrap(), Distance { largest: 0.0, at: 0, mean: 0.0, bias: 0.0 });
    }

    #[test]
    fn pearson_as_computed_by_hand() {
        // Deviations -1.5, -0.5, 0.5, 1.5 and -2, 0, -1, 3: products 3 + 0 - 0.5 + 4.5 = 7, squares 5 and 14.
        near(pearson(&[1.0, 2.0, 3.0, 4.0], &[0.0, 2.0, 1.0, 5.0]).unwrap(), 7.0 / 70.0_f64.sqrt());
        near(pearson(&[1.0, 2.0, 3.0], &[5.0, 3.0, 1.0]).unwrap(), -1.0);
        assert_eq!(pearson(&[1.0, 1.0], &[1.0, 2.0]).unwrap(), None);
    }

    #[test]
    fn ranks_of_ties_are_shared() {
        assert_eq!(ranks(&[10.0, 30.0, 10.0, 20.0]), [1.5, 4.0, 1.5, 3.0]);
        assert_eq!(ranks(&[0.0, -0.0]), [1.5, 1.5]);
    }

    #[test]
    fn spearman_as_computed_by_hand() {
        // Without ties, 1 - 6 Σd² / (n (n² - 1)): ranks 1 2 3 4 5 and 2 1 4 3 5, d² = 4, 1 - 24 / 120.
        near(spearman(&[1.0, 2.0, 3.0, 4.0, 5.0], &[20.0, 10.0, 40.0, 30.0, 500.0]).unwrap(), 0.8);
        // With ties, ranks 1.5 1.5 3 4 and 1 2.5 2.5 4: deviations -1 -1 .5 1.5 and -1.5 0 0 1.5,
        // products 1.5 + 2.25 = 3.75, squares 4.5 and 4.5.
        near(spearman(&[1.0, 1.0, 2.0, 3.0], &[1.0, 2.0, 2.0, 3.0]).unwrap(), 3.75 / 4.5);
        assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0]).unwrap(), None);
    }

    #[test]
    fn kendall_as_counted_by_hand() {
        // Ten pairs, two in another order: (8 - 2) / 10.
        near(kendall_tau_b(&[1.0, 2.0, 3.0, 4.0, 5.0], &[2.0, 1.0, 4.0, 3.0, 5.0]).unwrap(), 0.6);
        // Six pairs: (1,2) tied in the first, (2,3) tied in the second, four alike. 4 / √(5 · 5).
        near(kendall_tau_b(&[1.0, 1.0, 2.0, 3.0], &[1.0, 2.0, 2.0, 3.0]).unwrap(), 0.8);
        // Six pairs: one is tied in both, of the other five two are alike and three not.
        near(kendall_tau_b(&[1.0, 1.0, 2.0, 3.0], &[2.0, 2.0, 3.0, 1.0]).unwrap(), (2.0 - 3.0) / 5.0);
        assert_eq!(kendall_tau_b(&[1.0], &[1.0]).unwrap(), None);
        assert_eq!(kendall_tau_b(&[1.0, 1.0], &[1.0, 2.0]).unwrap(), None);
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
        assert_eq!(distance(&[1.0], &[]), Err(StudyError::Pairs { one: 1, other: 0 }));
        assert_eq!(pearson(&[], &[]), Err(StudyError::Empty));
        assert!(matches!(spearman(&[1.0, f64::NAN], &[1.0, 2.0]), Err(StudyError::NotFinite { index: 1, .. })));
        assert!(order_within(&[], &[1.0], &[1.0]).is_err());
    }

    proptest! {
        #[test]
        fn merging_counts_what_comparing_every_pair_does(pairs in prop::collection::vec((0_i8..6, 0_i8..6), 1..30)) {
            let (one, other): (Vec<f64>, Vec<f64>) = pairs.iter().map(|(a, b)| (f64::from(*a), f64::from(*b))).unzip();
            let (mut excess, mut untied_one, mut untied_other) = (0.0, 0.0_f64, 0.0_f64);
            for a in 0..one.len() {
                for b in 0..a {
                    let (x, y) = ((one[a] - one[b]).signum() * f64::from(u8::from(one[a] != one[b])), (other[a] - other[b]).signum() * f64::from(u8::from(other[a] != other[b])));
                    excess += x * y;
                    untied_one += x.abs();
                    untied_other += y.abs();
                }
            }
            let expected = (untied_one * untied_other > 0.0).then(|| excess / (untied_one * untied_other).sqrt());
            match (kendall_tau_b(&one, &other).unwrap(), expected) {
                (Some(found), Some(expected)) => prop_assert!((found - expected).abs() < 1e-12),
                (found, expected) => prop_assert_eq!(found, expected),
            }
        }
    }
}
