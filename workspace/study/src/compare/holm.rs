//! Several comparisons at once: Holm's correction.

/// p-values as they are when all of them are looked at (Holm 1979): in ascending order each is taken as many times as there
/// are others left to reject, and none is below one before it. The chance that any true hypothesis has a corrected p of at most
/// α is at most α. Order is kept; NaN counts as 1.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let raw: Vec<f64> = p.iter().map(|p| if p.is_nan() { 1.0 } else { p.clamp(0.0, 1.0) }).collect();
    let mut order: Vec<usize> = (0..raw.len()).collect();
    order.sort_by(|a, b| raw[*a].total_cmp(&raw[*b]));
    let (mut corrected, mut least) = (vec![1.0; raw.len()], 0.0_f64);
    for (place, index) in order.into_iter().enumerate() {
        least = least.max((raw[index] * (raw.len() - place) as f64).min(1.0));
        corrected[index] = least;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_worked_out_by_hand() {
        // 0.01·4, 0.02·3 = 0.06, 0.03·2 = 0.06, 0.9·1.
        let found = holm(&[0.02, 0.9, 0.01, 0.03]);
        let expected = [0.06, 0.9, 0.04, 0.06];
        assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-12), "{found:?}");
        assert_eq!(holm(&[0.5, f64::NAN]), [1.0, 1.0]);
        assert_eq!(holm(&[0.2]), [0.2]);
        assert!(holm(&[]).is_empty());
    }
}
