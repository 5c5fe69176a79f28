//! What the best of k would be, from n samples, without bias.
//!
//! Taking the first k of n samples is one draw and depends on their order. These estimators average over all
//! `C(n, k)` subsets in closed form.

use crate::{StudyError, check};

/// `E[max of k]` for every k from 1 to n, without bias: element `k − 1` is the mean, over all subsets of size k, of the
/// subset's largest sample.
///
/// With the samples in ascending order, `Σ_{i=k}^{n} C(i−1, k−1)/C(n, k) · x_(i)`. The coefficients come by a running
/// ratio from the top, so that no factorial overflows. Takes time n².
pub fn expected_best(samples: &[f64]) -> Result<Vec<f64>, StudyError> {
    check(samples)?;
    let mut ascending = samples.to_vec();
    ascending.sort_by(f64::total_cmp);
    Ok((1..=ascending.len()).map(|k| mean_of_best(&ascending, k)).collect())
}

fn mean_of_best(ascending: &[f64], k: usize) -> f64 {
    let n = ascending.len();
    // C(n−1, k−1)/C(n, k) = k/n for the largest; each one below it has (i−k)/(i−1) of the one above.
    let mut share = k as f64 / n as f64;
    let mut sum = 0.0;
    for i in (k..=n).rev() {
        sum += share * ascending[i - 1];
        if i > 1 {
            share *= (i - k) as f64 / (i - 1) as f64;
        }
    }
    sum
}

/// The expected gold score of the sample with the best proxy score among k, for every k from 1 to n, without bias.
/// Samples of equal proxy score share the choice equally.
///
/// For each block of ties that takes the ranks (a, b] in ascending order of proxy, its mean gold weighs
/// `(C(b, k) − C(a, k))/C(n, k)`. Takes time n².
pub fn expected_gold(proxies: &[f64], golds: &[f64]) -> Result<Vec<f64>, StudyError> {
    check(proxies)?;
    if proxies.len() != golds.len() {
        return Err(StudyError::Lengths { proxies: proxies.len(), golds: golds.len() });
    }
    check(golds)?;
    let mut order: Vec<usize> = (0..proxies.len()).collect();
    order.sort_by(|a, b| proxies[*a].total_cmp(&proxies[*b]));
    let n = proxies.len();
    let mut expected = vec![0.0; n];
    let mut below = vec![0.0; n];
    let mut rank = 0;
    for tied in order.chunk_by(|a, b| proxies[*a] == proxies[*b]) {
        let gold = tied.iter().map(|index| golds[*index]).sum::<f64>() / tied.len() as f64;
        rank += tied.len();
        for ((expected, below), reached) in expected.iter_mut().zip(&mut below).zip(shares_within(rank, n)) {
            *expected += (reached - *below) * gold;
            *below = reached;
        }
    }
    Ok(expected)
}

/// `C(m, k)/C(n, k)` for every k from 1 to n: the share of subsets of size k that lie within the lowest m of n. Each is
/// the one before times (m−k+1)/(n−k+1), and 0 once k is above m.
fn shares_within(m: usize, n: usize) -> impl Iterator<Item = f64> {
    (0..n).scan(1.0, move |share, taken| {
        *share *= m.saturating_sub(taken) as f64 / (n - taken) as f64;
        Some(*share)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every subset of size k, as index lists.
    fn subsets(n: usize, k: usize) -> Vec<Vec<usize>> {
        let bits = (0..1_u32 << n).filter(|mask| mask.count_ones() as usize == k);
        bits.map(|mask| (0..n).filter(|index| mask >> index & 1 == 1).collect()).collect()
    }

    fn mean(values: impl Iterator<Item = f64>) -> f64 {
        let values: Vec<f64> = values.collect();
        values.iter().sum::<f64>() / values.len() as f64
    }

    fn chosen_gold(subset: &[usize], proxies: &[f64], golds: &[f64]) -> f64 {
        let best = subset.iter().map(|index| proxies[*index]).fold(f64::NEG_INFINITY, f64::max);
        mean(subset.iter().filter(|index| proxies[**index] == best).map(|index| golds[*index]))
    }

    proptest! {
        #[test]
        fn estimators_equal_full_enumeration(
            samples in prop::collection::vec((-3i32..3, -5.0f64..5.0), 1..9)
        ) {
            // Small whole numbers make ties.
            let proxies: Vec<f64> = samples.iter().map(|(proxy, _)| f64::from(*proxy)).collect();
            let golds: Vec<f64> = samples.iter().map(|(_, gold)| *gold).collect();
            let best = expected_best(&golds).unwrap();
            let gold = expected_gold(&proxies, &golds).unwrap();
            for k in 1..=samples.len() {
                let all = subsets(samples.len(), k);
                let of_best = |subset: &Vec<usize>| subset.iter().map(|i| golds[*i]).fold(f64::NEG_INFINITY, f64::max);
                prop_assert!((best[k - 1] - mean(all.iter().map(of_best))).abs() < 1e-9);
                let of_gold = |subset: &Vec<usize>| chosen_gold(subset, &proxies, &golds);
                prop_assert!((gold[k - 1] - mean(all.iter().map(of_gold))).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn large_pools_are_stable() {
        let samples: Vec<f64> = (0..10_000).map(f64::from).collect();
        let ascending = &samples;
        for k in [1, 2, 10, 5_000, 9_999, 10_000] {
            // The expected maximum of k of 0..n−1 is k(n+1)/(k+1) − 1.
            let exact = k as f64 * 10_001.0 / (k as f64 + 1.0) - 1.0;
            assert!((mean_of_best(ascending, k) - exact).abs() < 1e-6, "k = {k}");
        }
        // A proxy that agrees with gold finds the best of k, in n² steps: n³ of them would take minutes.
        let few = &samples[..3000];
        let (best, gold) = (expected_best(few).unwrap(), expected_gold(few, few).unwrap());
        assert!(best.iter().zip(&gold).all(|(best, gold)| (best - gold).abs() < 1e-6));
    }

    #[test]
    fn bad_samples_are_named() {
        assert_eq!(expected_best(&[]), Err(StudyError::Empty));
        assert!(matches!(expected_best(&[1.0, f64::NAN]), Err(StudyError::NotFinite { index: 1, .. })));
        assert_eq!(expected_gold(&[1.0], &[]), Err(StudyError::Lengths { proxies: 1, golds: 0 }));
    }
}
