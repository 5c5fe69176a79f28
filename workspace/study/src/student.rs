//! Student's t distribution with a whole number of degrees of freedom.

use std::f64::consts::PI;

use crate::normal::normal_quantile;

/// Above this many degrees of freedom the quantile comes of the normal one by its expansion, exact to 10⁻⁷ there.
const MANY: u64 = 2_000;

/// Beyond this a quantile is cut.
const END: f64 = 1e9;

/// P(T ≤ t) with `freedom` degrees of freedom, from 0 to 1. Of none, as of one: the widest distribution there is.
///
/// The finite series of Abramowitz and Stegun 26.7.3 and 26.7.4 in θ = arctan(t/√ν). Takes time ν.
pub fn student_below(t: f64, freedom: u64) -> f64 {
    let freedom = freedom.max(1);
    let angle = (t / (freedom as f64).sqrt()).atan();
    let (sine, squared) = (angle.sin(), angle.cos().powi(2));
    let is_odd = freedom % 2 == 1;
    // Even: 1, ½cos², (1·3)/(2·4)cos⁴ …; odd: cos, ⅔cos³, (2·4)/(3·5)cos⁵ …
    let mut term = if is_odd { angle.cos() } else { 1.0 };
    let mut sum = 0.0;
    let first = if is_odd { 2.0 } else { 1.0 };
    for step in 0..freedom / 2 {
        sum += term;
        let over = first + 2.0 * step as f64;
        term *= over / (over + 1.0) * squared;
    }
    let within = if is_odd { (angle + sine * sum) * 2.0 / PI } else { sine * sum };
    f64::midpoint(1.0, within).clamp(0.0, 1.0)
}

/// The t with P(T ≤ t) = `probability`, from −10⁹ to 10⁹: less likely ends are cut.
pub fn student_quantile(probability: f64, freedom: u64) -> f64 {
    if freedom > MANY {
        let z = normal_quantile(probability);
        let (freedom, cube) = (freedom as f64, z.powi(3));
        return z + (cube + z) / (4.0 * freedom) + (5.0 * z.powi(5) + 16.0 * cube + 3.0 * z) / (96.0 * freedom.powi(2));
    }
    let (mut low, mut high) = (-END, END);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if student_below(middle, freedom) < probability {
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
    fn quantiles_of_printed_tables() {
        for (probability, freedom, expected) in [
            (0.975, 1, 12.7062),
            (0.975, 2, 4.3027),
            (0.975, 3, 3.1824),
            (0.975, 9, 2.2622),
            (0.975, 19, 2.0930),
            (0.95, 10, 1.8125),
            (0.995, 30, 2.7500),
            (0.8, 12, 0.8726),
            (0.975, 1_000, 1.9623),
            (0.5, 5, 0.0),
            (0.025, 19, -2.0930),
        ] {
            let found = student_quantile(probability, freedom);
            assert!((found - expected).abs() < 1e-4, "{probability} {freedom}: {found}");
        }
    }

    #[test]
    fn both_ways_to_a_quantile_agree_where_they_meet() {
        for probability in [0.6, 0.9, 0.975, 0.999] {
            let [at, above] = [MANY, MANY + 1].map(|freedom| student_quantile(probability, freedom));
            assert!((at - above).abs() < 4e-6, "{probability}: {at} {above}");
        }
    }

    #[test]
    fn a_quantile_is_where_that_much_lies_below() {
        for freedom in [0, 1, 2, 5, 6, 60, 501] {
            for probability in [0.01, 0.2, 0.5, 0.77, 0.999] {
                let below = student_below(student_quantile(probability, freedom), freedom);
                assert!((below - probability).abs() < 1e-9, "{freedom} {probability}: {below}");
            }
        }
    }
}
