//! Steps whose result is a normal distribution around a mean.

use crate::editors::samplers::Stepped;

/// `mean + std · noise`, and the density of that, as a mean over dimensions in single precision.
///
/// The density is taken from the result as it is rounded, as whoever reads the latents later will take it.
pub(super) fn draw(mean: Vec<f32>, std: f32, noise: &[f32]) -> Stepped {
    if std <= 0.0 {
        return Stepped { latents: mean, log_probability: None };
    }
    let latents: Vec<f32> = mean.iter().zip(noise).map(|(mean, noise)| mean + std * noise).collect();
    let log_probability = Some(log_density(&latents, &mean, std));
    Stepped { latents, log_probability }
}

/// The mean over dimensions of `−(x − mean)² / 2 std² − ln std − ln sqrt(2π)`.
fn log_density(values: &[f32], mean: &[f32], std: f32) -> f32 {
    let std = f64::from(std);
    let squares: f64 = values.iter().zip(mean).map(|(x, mean)| f64::from(x - mean).powi(2)).sum();
    let constant = std.ln() + 0.5 * std::f64::consts::TAU.ln();
    (-squares / (2.0 * std * std * values.len().max(1) as f64) - constant) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_density_is_that_of_the_noise() {
        let stepped = draw(vec![1.0, -2.0], 0.5, &[1.0, -0.5]);
        assert_eq!(stepped.latents, [1.5, -2.25]);
        let each = |noise: f64| -0.5 * noise * noise - 0.5_f64.ln() - 0.5 * std::f64::consts::TAU.ln();
        let expected = f64::midpoint(each(1.0), each(-0.5));
        assert!((f64::from(stepped.log_probability.unwrap()) - expected).abs() < 1e-6);
        assert_eq!(draw(vec![1.0], 0.0, &[3.0]), Stepped { latents: vec![1.0], log_probability: None });
    }
}
