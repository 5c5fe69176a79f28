//! Correlation of two lists: Pearson's r, Spearman's ρ and Kendall's τ-b, with ties.

use crate::order::ascending;
use crate::{StudyError, check, check_both};

/// The rank of each value from 1, in ascending order; equal values share the mean of the ranks they take together.
///
/// For 10, 20, 20, 30 that is 1, 2.5, 2.5, 4. Fails on an empty list and on numbers that are not finite.
pub fn average_ranks(values: &[f64]) -> Result<Vec<f64>, StudyError> {
    check(values)?;
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| ascending(values[*a], values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    for tied in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let shared = below as f64 + (tied.len() + 1) as f64 / 2.0;
        tied.iter().for_each(|index| ranks[*index] = shared);
        below += tied.len();
    }
    Ok(ranks)
}

/// Pearson's r, `Σ(xᵢ−x̄)(yᵢ−ȳ) / √(Σ(xᵢ−x̄)²·Σ(yᵢ−ȳ)²)`, from −1 to 1.
///
/// `None` where one list has only one distinct value: the quotient is then 0/0. Fails on empty lists, on lists of
/// different lengths and on numbers that are not finite.
pub fn pearson(left: &[f64], right: &[f64]) -> Result<Option<f64>, StudyError> {
    check_both(left, right)?;
    let (Some(left), Some(right)) = (deviations(left), deviations(right)) else { return Ok(None) };
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let scale = (product(&left, &left) * product(&right, &right)).sqrt();
    Ok(Some((product(&left, &right) / scale).clamp(-1.0, 1.0)))
}

/// Spearman's ρ: Pearson's r of the average ranks, which is right with ties too (the short formula with `6Σd²` is not).
///
/// From −1 to 1; `None` where one list has only one distinct value (scipy's `spearmanr` says NaN). Fails as `pearson`
/// does.
pub fn spearman(left: &[f64], right: &[f64]) -> Result<Option<f64>, StudyError> {
    check_both(left, right)?;
    pearson(&average_ranks(left)?, &average_ranks(right)?)
}

/// Kendall's τ-b: `(C − D) / √((n₀ − n₁)(n₀ − n₂))` with C concordant and D discordant pairs, n₀ all pairs, and n₁, n₂
/// the pairs tied on the left and on the right (Kendall 1945).
///
/// From −1 to 1; `None` where one list has only one distinct value. Takes time n·log n (Knight 1966). Fails as
/// `pearson` does.
pub fn kendall_tau_b(left: &[f64], right: &[f64]) -> Result<Option<f64>, StudyError> {
    Ok(pair_counts(left, right)?.tau_b())
}

/// How the pairs of items compare on two lists: what Kendall's coefficients are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RankPairs {
    /// All pairs of items, `n(n−1)/2`.
    pub all: u64,
    /// Those equal on the left, whatever they are on the right.
    pub tied_left: u64,
    /// Those equal on the right, whatever they are on the left.
    pub tied_right: u64,
    /// Those equal on both.
    pub tied_both: u64,
    /// Those that the lists put in opposite orders.
    pub discordant: u64,
}

impl RankPairs {
    /// Those that both lists put in the same order.
    pub fn concordant(&self) -> u64 {
        (self.all + self.tied_both).saturating_sub(self.tied_left + self.tied_right + self.discordant)
    }

    /// Kendall's τ-b of these pairs; `None` where one side ties them all.
    pub fn tau_b(&self) -> Option<f64> {
        let (left, right) = (self.all - self.tied_left, self.all - self.tied_right);
        let scale = (left as f64 * right as f64).sqrt();
        (scale > 0.0).then(|| ((self.concordant() as f64 - self.discordant as f64) / scale).clamp(-1.0, 1.0))
    }

    /// The pairs of two sets of items together, none of them between the sets: for τ-b within groups.
    #[must_use]
    pub fn and(self, other: RankPairs) -> RankPairs {
        RankPairs {
            all: self.all + other.all,
            tied_left: self.tied_left + other.tied_left,
            tied_right: self.tied_right + other.tied_right,
            tied_both: self.tied_both + other.tied_both,
            discordant: self.discordant + other.discordant,
        }
    }
}

/// Counts the pairs of items by how two lists order them, in time n·log n. Fails as `pearson` does.
pub fn pair_counts(left: &[f64], right: &[f64]) -> Result<RankPairs, StudyError> {
    check_both(left, right)?;
    let mut items: Vec<(f64, f64)> = left.iter().copied().zip(right.iter().copied()).collect();
    items.sort_by(|a, b| ascending(a.0, b.0).then(ascending(a.1, b.1)));
    let tied_left = tied_pairs(&items, |a, b| a.0 == b.0);
    let tied_both = tied_pairs(&items, |a, b| a == b);
    // Within a tie on the left the right side ascends, so that what is left to turn around are the discordant pairs.
    let mut column: Vec<f64> = items.iter().map(|item| item.1).collect();
    let discordant = sort_counting_inversions(&mut column);
    let tied_right = tied_pairs(&column, |a, b| a == b);
    Ok(RankPairs { all: pairs_of(items.len()), tied_left, tied_right, tied_both, discordant })
}

fn pairs_of(n: usize) -> u64 {
    n as u64 * (n as u64).saturating_sub(1) / 2
}

fn tied_pairs<T>(sorted: &[T], same: impl Fn(&T, &T) -> bool) -> u64 {
    sorted.chunk_by(same).map(|tied| pairs_of(tied.len())).sum()
}

/// Merge sort that counts how often a later value is smaller than an earlier one.
fn sort_counting_inversions(values: &mut [f64]) -> u64 {
    if values.len() < 2 {
        return 0;
    }
    let middle = values.len() / 2;
    let (low, high) = values.split_at_mut(middle);
    let within = sort_counting_inversions(low) + sort_counting_inversions(high);
    let (merged, across) = merge(low, high);
    values.copy_from_slice(&merged);
    within + across
}

fn merge(low: &[f64], high: &[f64]) -> (Vec<f64>, u64) {
    let mut merged = Vec::with_capacity(low.len() + high.len());
    let (mut i, mut j, mut inversions) = (0, 0, 0);
    while i < low.len() && j < high.len() {
        if high[j] < low[i] {
            inversions += (low.len() - i) as u64;
            merged.push(high[j]);
            j += 1;
        } else {
            merged.push(low[i]);
            i += 1;
        }
    }
    merged.extend_from_slice(&low[i..]);
    merged.extend_from_slice(&high[j..]);
    (merged, inversions)
}

/// What each value is above the mean, scaled so that the largest is 1 in size: squares then neither overflow nor
/// vanish. `None` where all values are the same.
fn deviations(values: &[f64]) -> Option<Vec<f64>> {
    let shrunk = scaled(values)?;
    let mean = shrunk.iter().sum::<f64>() / shrunk.len() as f64;
    if shrunk.iter().all(|value| *value == shrunk[0]) {
        return None;
    }
    scaled(&shrunk.iter().map(|value| value - mean).collect::<Vec<f64>>())
}

fn scaled(values: &[f64]) -> Option<Vec<f64>> {
    let largest = values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    (largest > 0.0).then(|| values.iter().map(|value| value / largest).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(found: Option<f64>, expected: f64) {
        assert!(found.is_some_and(|found| (found - expected).abs() < 1e-12), "{found:?}, expected {expected}");
    }

    #[test]
    fn ties_share_the_mean_of_their_ranks() {
        assert_eq!(average_ranks(&[10.0, 20.0, 20.0, 30.0]), Ok(vec![1.0, 2.5, 2.5, 4.0]));
        assert_eq!(average_ranks(&[0.0, -0.0, -1.0]), Ok(vec![2.5, 2.5, 1.0]));
    }

    #[test]
    fn values_worked_out_by_hand() {
        // Ranks (1, 2.5, 2.5, 4) against (2, 1, 3.5, 3.5): deviations (−1.5, 0, 0, 1.5) and (−0.5, −1.5, 1, 1).
        // Σ = 0.75 + 1.5 = 2.25; squares 4.5 and 4.5: ρ = 0.5.
        let (left, right) = ([1.0, 2.0, 2.0, 3.0], [4.0, 3.0, 5.0, 5.0]);
        close(spearman(&left, &right).unwrap(), 0.5);
        // Pairs: 12 D, 13 C, 14 C, 23 tied left, 24 C, 34 tied right: (3 − 1)/√(5·5).
        close(kendall_tau_b(&left, &right).unwrap(), 0.4);
        // Deviations (−1, 0, 0, 1) and (−0.25, −1.25, 0.75, 0.75): 1/√(2·2.75).
        close(pearson(&left, &right).unwrap(), 1.0 / 5.5_f64.sqrt());
    }

    #[test]
    fn more_values_worked_out_by_hand() {
        // Deviations −1.5, −0.5, 0.5, 1.5 and −2, 0, −1, 3: products 7, squares 5 and 14.
        close(pearson(&[1.0, 2.0, 3.0, 4.0], &[0.0, 2.0, 1.0, 5.0]).unwrap(), 7.0 / 70.0_f64.sqrt());
        // Without ties, 1 − 6Σd²/(n(n² − 1)): ranks 1 2 3 4 5 and 2 1 4 3 5, Σd² = 4.
        let (left, right) = ([1.0, 2.0, 3.0, 4.0, 5.0], [20.0, 10.0, 40.0, 30.0, 500.0]);
        close(spearman(&left, &right).unwrap(), 0.8);
        // Ten pairs, two of them in another order.
        close(kendall_tau_b(&left, &right).unwrap(), 0.6);
        // Six pairs: one is tied on both sides, of the other five two are alike and three not.
        close(kendall_tau_b(&[1.0, 1.0, 2.0, 3.0], &[2.0, 2.0, 3.0, 1.0]).unwrap(), -0.2);
    }

    #[test]
    fn constant_lists_have_no_correlation() {
        for correlation in [pearson, spearman, kendall_tau_b] {
            assert_eq!(correlation(&[1.0, 1.0], &[1.0, 2.0]), Ok(None));
            assert_eq!(correlation(&[1.0], &[1.0]), Ok(None));
        }
    }

    #[test]
    fn extreme_numbers_neither_overflow_nor_vanish() {
        close(pearson(&[-1e308, 0.0, 1e308], &[1e-300, 2e-300, 3e-300]).unwrap(), 1.0);
        close(kendall_tau_b(&[0.0, -0.0, 1.0], &[2.0, 1.0, 3.0]).unwrap(), 2.0 / 6.0_f64.sqrt());
    }

    #[test]
    fn bad_lists_are_named() {
        assert_eq!(spearman(&[1.0], &[]), Err(StudyError::Unequal { left: 1, right: 0 }));
        assert_eq!(pearson(&[], &[]), Err(StudyError::Empty));
        assert!(matches!(kendall_tau_b(&[1.0], &[f64::NAN]), Err(StudyError::NotFinite { index: 0, .. })));
    }

    /// τ-b by looking at every pair.
    fn tau_by_pairs(left: &[f64], right: &[f64]) -> Option<f64> {
        let (mut sum, mut on_left, mut on_right) = (0.0, 0.0, 0.0);
        for i in 0..left.len() {
            for j in 0..i {
                let sign = |values: &[f64]| i32::from(values[i] > values[j]) - i32::from(values[i] < values[j]);
                sum += f64::from(sign(left) * sign(right));
                on_left += f64::from(sign(left).abs());
                on_right += f64::from(sign(right).abs());
            }
        }
        let scale = (on_left * on_right).sqrt();
        (scale > 0.0).then(|| sum / scale)
    }

    /// Lists with ties, as pairs.
    fn items() -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
        let item = (-3i32..4, -3i32..4);
        prop::collection::vec(item, 1..24)
            .prop_map(|items| items.into_iter().map(|(a, b)| (f64::from(a), f64::from(b))).unzip())
    }

    proptest! {
        #[test]
        fn the_fast_count_equals_looking_at_every_pair((left, right) in items()) {
            let (fast, slow) = (kendall_tau_b(&left, &right).unwrap(), tau_by_pairs(&left, &right));
            prop_assert_eq!(fast.is_some(), slow.is_some());
            prop_assert!((fast.unwrap_or(0.0) - slow.unwrap_or(0.0)).abs() < 1e-12);
        }

        #[test]
        fn monotone_changes_leave_ranks_alone((left, right) in items()) {
            let bent: Vec<f64> = left.iter().map(|value| value.exp() * 3.0 - 1.0).collect();
            let turned: Vec<f64> = left.iter().map(|value| -value.powi(3)).collect();
            for correlation in [spearman, kendall_tau_b] {
                let plain = correlation(&left, &right).unwrap();
                prop_assert_eq!(plain, correlation(&bent, &right).unwrap());
                let against = correlation(&turned, &right).unwrap();
                prop_assert!((plain.unwrap_or(0.0) + against.unwrap_or(0.0)).abs() < 1e-12);
            }
        }

        #[test]
        fn order_and_side_do_not_matter((left, right) in items(), turn in 0_usize..24) {
            let turn = turn % left.len();
            let rotated = |values: &[f64]| [&values[turn..], &values[..turn]].concat();
            for correlation in [pearson, spearman, kendall_tau_b] {
                let plain = correlation(&left, &right).unwrap();
                let other = correlation(&rotated(&right), &rotated(&left)).unwrap();
                prop_assert!((plain.unwrap_or(2.0) - other.unwrap_or(2.0)).abs() < 1e-12);
                prop_assert!(plain.is_none_or(|value| (-1.0..=1.0).contains(&value)));
            }
        }
    }
}
