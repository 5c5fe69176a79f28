//! The standard normal distribution.

/// Beyond this many standard deviations less than 10⁻¹⁵ is left on each side.
const END: f64 = 8.0;

/// Φ(z), the probability that a standard normal number is at most z, from 0 to 1; exact to about 10⁻¹⁵, not relatively
/// so in the lower tail.
///
/// `½ + φ(z)·(z + z³/3 + z⁵/(3·5) + …)` (Marsaglia 2004).
pub fn normal_below(z: f64) -> f64 {
    if z.abs() > END {
        return if z > 0.0 { 1.0 } else { 0.0 };
    }
    let (mut sum, mut term, mut odd) = (z, z, 1.0);
    while term.abs() > sum.abs() * 1e-17 {
        odd += 2.0;
        term *= z * z / odd;
        sum += term;
    }
    let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    (0.5 + density * sum).clamp(0.0, 1.0)
}

/// The z with Φ(z) = `probability`, from −8 to 8: less likely ends are cut. By halving, 60 times.
pub fn normal_quantile(probability: f64) -> f64 {
    let (mut low, mut high) = (-END, END);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if normal_below(middle) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_printed_tables() {
        for (z, below) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_542_9),
            (-1.0, 0.158_655_253_931_457_07),
            (1.96, 0.975_002_104_851_779_5),
            (-3.0, 0.001_349_898_031_630_094_6),
            (6.0, 0.999_999_999_013_412_4),
            (9.0, 1.0),
            (-9.0, 0.0),
        ] {
            assert!((normal_below(z) - below).abs() < 1e-14, "{z}");
        }
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-12);
        assert!(normal_quantile(0.5).abs() < 1e-12);
        assert!((normal_quantile(0.0) + 8.0).abs() < 1e-12);
        // As near to the end as the probability is told from 1.
        assert!((7.9..=8.0).contains(&normal_quantile(1.0)));
    }
}
