//! What another draw promises to add to the best so far.

/// `ln E[(v − best)+]` for a normal v: `τ·(φ(z) + z·Φ(z))` with `z = (mean − best)/τ`. As a logarithm it tells arms apart that are
/// all far below the best, where the number itself is 0.
pub(super) fn log_gain(mean: f64, deviation: f64, best: f64) -> f64 {
    let z = (mean - best) / deviation;
    deviation.ln() + log_tail(z)
}

/// `ln(φ(z) + z·Φ(z))`.
fn log_tail(z: f64) -> f64 {
    let log_density = -z * z / 2.0 - (2.0 * std::f64::consts::PI).ln() / 2.0;
    if z > -4.0 {
        return (log_density.exp() + z * editscale_study::normal_below(z)).ln();
    }
    // Where the two terms cancel: φ(z)/z²·(1 − 3/z² + 15/z⁴ − …) as a continued tail, exact to a few in a hundred at −4.
    let square = z * z;
    log_density - (square + 3.0).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gains_are_those_of_tables_and_never_stop_falling() {
        // φ(0) = 0.398942; φ(1) + Φ(1) = 1.083316; φ(2) − 2·(1 − Φ(2)) = 0.008491.
        for (z, gain) in [(0.0, 0.398_942), (1.0, 1.083_316), (-2.0, 0.008_491), (10.0, 10.0)] {
            let found = log_gain(5.0 + 2.0 * z, 2.0, 5.0).exp();
            assert!((found - 2.0 * gain).abs() < 2e-6 * gain.max(1.0), "{found} at {z}");
        }
        // The published values of φ(z) + z·Φ(z): 7.145e-6 at −4, 5.346e-8 at −5.
        for (z, gain) in [(-4.0_f64, 7.145e-6), (-5.0, 5.346e-8)] {
            assert!((log_tail(z).exp() / gain - 1.0).abs() < 0.05, "{} at {z}", log_tail(z).exp());
        }
        let falling: Vec<f64> = (0..400).map(|n| log_tail(3.0 - 0.1 * f64::from(n))).collect();
        assert!(falling.windows(2).all(|pair| pair[0] > pair[1] && pair[1].is_finite()));
    }
}
