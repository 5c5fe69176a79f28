//! Weights as logarithms, so that no strength is too great for them.

/// Weights that sum to 1, in the order of their logarithms. Where one is infinitely heavier, it has all; where nothing tells
/// them apart, or no logarithm is a number, all weigh the same.
pub(super) fn normalised(logarithms: &[f64]) -> Vec<f64> {
    let high = logarithms.iter().copied().filter(|value| !value.is_nan()).fold(f64::NEG_INFINITY, f64::max);
    let weigh = |value: f64| match (high.is_finite(), value == high) {
        (true, _) if value.is_nan() => 0.0,
        (true, _) => (value - high).exp(),
        (false, is_highest) => f64::from(u8::from(is_highest)),
    };
    let raw: Vec<f64> = logarithms.iter().map(|value| weigh(*value)).collect();
    let sum: f64 = raw.iter().sum();
    if sum > 0.0 {
        return raw.into_iter().map(|weight| weight / sum).collect();
    }
    vec![1.0 / logarithms.len().max(1) as f64; logarithms.len()]
}

/// The standard deviation of numbers, about their mean; nothing where there is none that could be divided by.
pub(super) fn spread(values: &[f64]) -> Option<f64> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let spread = variance.sqrt();
    (spread > 0.0 && spread.is_finite()).then_some(spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_logarithms_are_weights() {
        let (inf, nan) = (f64::INFINITY, f64::NAN);
        for (logarithms, expected) in [
            (vec![0.0, 0.0], vec![0.5, 0.5]),
            (vec![1e300, 1e300, -1e300], vec![0.5, 0.5, 0.0]),
            (vec![1000.0, 1000.0 + 3f64.ln()], vec![0.25, 0.75]),
            (vec![inf, 5.0, inf], vec![0.5, 0.0, 0.5]),
            (vec![-inf, 2.0, nan], vec![0.0, 1.0, 0.0]),
            (vec![-inf, -inf], vec![0.5, 0.5]),
            (vec![nan, nan, nan, nan], vec![0.25; 4]),
            (vec![], vec![]),
        ] {
            let found = normalised(&logarithms);
            let is_near = found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-12);
            assert!(is_near && found.len() == expected.len(), "{found:?} of {logarithms:?}");
        }
    }

    #[test]
    fn a_spread_is_one_that_could_be_divided_by() {
        assert_eq!(spread(&[1.0, 3.0]), Some(2f64.sqrt()));
        for none in [vec![], vec![1.0], vec![2.0, 2.0], vec![1e300, -1e300]] {
            assert_eq!(spread(&none), None, "{none:?}");
        }
    }
}
