//! The weights of χ² pessimism: `w_i = relu((u_i − λ)/β)`, where λ is the number for which the mean weight is 1.
//!
//! They are what a policy comes to that wants much utility and pays β/2 for each unit of χ² by which it leaves the draws as they
//! came (Huang et al., arXiv:2503.21878). As β goes to 0 all weight goes to the best; as it grows the weights become equal.
//! Because the mean is over all draws, more of them do not make the choice any greedier: the weights settle where those of endless
//! draws are. The paper then samples by rejection; with all candidates at hand the weights themselves are drawn from.
//!
//! λ needs no search. If the k best have weight, `λ = (Σ of the k best − nβ)/k`, and the right k is the first whose next best is
//! not above its λ.

/// What β is worth at least and at most against the largest utility: beyond, the weights no longer change by what a number can tell.
const RANGE: (f64, f64) = (1e-290, 1e15);

/// The weights, divided by their sum. Equal ones for utilities that are all equal.
pub(super) fn weights(utilities: &[f64], beta: f64) -> Vec<f64> {
    let count = utilities.len() as f64;
    let largest = utilities.iter().fold(0.0, |largest: f64, utility| largest.max(utility.abs()));
    if largest == 0.0 || beta.is_nan() {
        return vec![1.0 / count; utilities.len()];
    }
    let best = utilities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    // Counted from the best, which is then exactly 0, in units of the largest: neither sums nor small β get lost.
    let below: Vec<f64> = utilities.iter().map(|utility| utility / largest - best / largest).collect();
    let level = level(&below, (beta / largest).clamp(RANGE.0, RANGE.1));
    let raw: Vec<f64> = below.into_iter().map(|below| (below - level).max(0.0)).collect();
    let sum: f64 = raw.iter().sum();
    raw.into_iter().map(|weight| weight / sum).collect()
}

/// λ for these utilities, of which the greatest is 0. It is below 0.
fn level(below: &[f64], beta: f64) -> f64 {
    let mut descending = below.to_vec();
    descending.sort_by(|a, b| b.total_cmp(a));
    let (count, mut sum, mut level) = (below.len() as f64, 0.0, f64::NEG_INFINITY);
    for (place, utility) in descending.into_iter().enumerate() {
        if place > 0 && utility <= level {
            break;
        }
        sum += utility;
        level = (sum - count * beta) / (place as f64 + 1.0);
    }
    level
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_mean_weight_is_1(
            utilities in prop::collection::vec(-5.0f64..5.0, 1..60), exponent in -6.0f64..4.0
        ) {
            let beta = 10f64.powf(exponent);
            let level = level(&utilities.iter().map(|utility| utility - 5.0).collect::<Vec<_>>(), beta) + 5.0;
            let raw: Vec<f64> = utilities.iter().map(|utility| ((utility - level) / beta).max(0.0)).collect();
            let mean = raw.iter().sum::<f64>() / raw.len() as f64;
            prop_assert!((mean - 1.0).abs() < 1e-8, "{}", mean);
            for (weight, raw) in weights(&utilities, beta).into_iter().zip(raw) {
                prop_assert!((weight * utilities.len() as f64 - raw).abs() < 1e-8);
            }
        }

        #[test]
        fn a_small_beta_takes_the_best_and_a_large_one_takes_all_alike(
            utilities in prop::collection::vec(-5.0f64..5.0, 2..60)
        ) {
            let best = utilities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let next = utilities.iter().copied().filter(|utility| *utility < best).fold(f64::NEG_INFINITY, f64::max);
            prop_assume!(best - next > 1e-9);
            for (weight, utility) in weights(&utilities, 1e-12).into_iter().zip(&utilities) {
                prop_assert!((weight - f64::from(u8::from(*utility == best))).abs() < 1e-9);
            }
            for weight in weights(&utilities, 1e9) {
                prop_assert!((weight * utilities.len() as f64 - 1.0).abs() < 1e-6);
            }
        }

        #[test]
        fn weights_are_weights_at_any_scale(
            utilities in prop::collection::vec(prop_oneof![any::<f64>(), -1.0f64..1.0, Just(0.0)], 1..20),
            beta in prop_oneof![any::<f64>().prop_map(f64::abs), Just(f64::MIN_POSITIVE)],
        ) {
            prop_assume!(utilities.iter().all(|utility| utility.is_finite()) && beta > 0.0);
            let weights = weights(&utilities, beta);
            prop_assert!(weights.iter().all(|weight| (0.0..=1.0).contains(weight)), "{:?}", weights);
            prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            for (a, first) in utilities.iter().zip(&weights) {
                prop_assert!(utilities.iter().zip(&weights).all(|(b, second)| a < b || first >= second));
            }
        }
    }

    #[test]
    fn an_example_by_hand() {
        // λ of 3, 2, 0 at β = 1: with two of them (5 − 3)/2 = 1, which 0 is not above. Weights 2 and 1, of mean 1.
        let found = weights(&[3.0, 0.0, 2.0], 1.0);
        for (found, expected) in found.into_iter().zip([2.0 / 3.0, 0.0, 1.0 / 3.0]) {
            assert!((found - expected).abs() < 1e-12);
        }
    }
}
