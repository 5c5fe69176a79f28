//! Weights that grow with utility: `w_i ∝ exp((u_i − max u)/β)`, the temperature β that a wanted effective sample size or
//! divergence needs ([`sharpness`]), and draws by systematic resampling.
//!
//! `ESS = (Σw)²/Σw²` and `KL(w‖uniform) = Σ w ln(w·n)` are free of the utilities' scale, and β alone decides them.

mod recipe;
mod sharpness;

use editscale_core::Draw;

use crate::PolicyError;

pub(crate) use recipe::{ONE_OF_THREE, TARGET_KL, TEMPERATURE, read_weighting, write_weighting};

/// How β is found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Weighting {
    /// β itself, in units of utility, above 0.
    Temperature(f64),
    /// The effective sample size to reach, from 1 to the number of candidates.
    TargetEss(f64),
    /// The divergence from equal weights to reach, in nats, at least 0.
    TargetKl(f64),
}

impl Weighting {
    pub(crate) fn check(self, samples: u32) -> Result<(), PolicyError> {
        let (setting, value, good, expected) = match self {
            Self::Temperature(value) => ("temperature", value, value > 0.0, "a number above 0".to_owned()),
            Self::TargetEss(value) => {
                let most = f64::from(samples);
                ("target_ess", value, (1.0..=most).contains(&value), format!("a number from 1 to {most}"))
            }
            Self::TargetKl(value) => ("target_kl", value, value >= 0.0, "a number of at least 0".to_owned()),
        };
        if good && value.is_finite() {
            return Ok(());
        }
        Err(PolicyError { setting, expected, found: value.to_string() })
    }

    /// The words in a policy's revision, which journals hold: they stay whatever the variants are called here. The number is
    /// that of the way in which the temperature is found, which decides its last digits.
    pub(crate) fn revision(self) -> String {
        match self {
            Self::Temperature(value) => format!("Temperature({value:?})"),
            Self::TargetEss(value) => format!("TargetEss/2({value:?})"),
            Self::TargetKl(value) => format!("TargetKl/2({value:?})"),
        }
    }

    /// β for these utilities: a finite number above 0.
    pub(crate) fn temperature(self, utilities: &[f64]) -> f64 {
        let temperature = match self {
            Self::Temperature(temperature) => temperature,
            Self::TargetEss(target) => {
                sharpness::temperature(utilities, (utilities.len() as f64 / target).ln(), sharpness::squared)
            }
            Self::TargetKl(target) => sharpness::temperature(utilities, target, sharpness::plain),
        };
        temperature.clamp(f64::from_bits(1), f64::MAX)
    }
}

/// `exp((u − max u)/β)`, normalised to sum to 1.
pub(crate) fn weights(utilities: &[f64], temperature: f64) -> Vec<f64> {
    let high = utilities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let raw: Vec<f64> = utilities.iter().map(|utility| ((utility - high) / temperature).exp()).collect();
    let sum: f64 = raw.iter().sum();
    raw.into_iter().map(|weight| weight / sum).collect()
}

/// `1/Σw²` of weights that sum to 1: how many share the weight, from 1 to their number.
pub(crate) fn effective_sample_size(weights: &[f64]) -> f64 {
    1.0 / weights.iter().map(|weight| weight * weight).sum::<f64>()
}

/// `Σ w ln(w·n)` of weights that sum to 1: how far they are from equal ones, in nats.
pub(crate) fn divergence(weights: &[f64]) -> f64 {
    let count = weights.len() as f64;
    let terms = weights.iter().filter(|weight| **weight > 0.0).map(|weight| weight * (weight * count).ln());
    terms.sum::<f64>().max(0.0)
}

/// How often each is drawn when `draw` pointers, evenly spaced from `unit`/`draw`, fall on the weights laid end to end.
fn systematic(weights: &[f64], draw: u32, unit: f64) -> Vec<u32> {
    let mut copies = vec![0; weights.len()];
    let (mut place, mut reached) = (0, weights.first().copied().unwrap_or(1.0));
    for n in 0..draw {
        let pointer = (f64::from(n) + unit) / f64::from(draw);
        while pointer >= reached && place + 1 < weights.len() {
            place += 1;
            reached += weights[place];
        }
        copies[place] += 1;
    }
    copies
}

/// Places in the order in which they are taken, and how many of them are drawn: those drawn more often before the others, then
/// the rest as they stand. What is drawn is no more than there is, and never a place without weight.
pub(crate) fn drawn_order(weights: &[f64], draw: u32, unit: f64) -> (Vec<usize>, u32) {
    let weighty: Vec<usize> = (0..weights.len()).filter(|place| weights[*place] > 0.0).collect();
    let of_weighty: Vec<f64> = weighty.iter().map(|place| weights[*place]).collect();
    let mut copies = vec![0; weights.len()];
    for (place, drawn) in weighty.iter().zip(systematic(&of_weighty, draw.min(weights.len() as u32), unit)) {
        copies[*place] = drawn;
    }
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|place| std::cmp::Reverse(copies[*place]));
    (order, copies.iter().filter(|copies| **copies > 0).count() as u32)
}

/// The figures of these weights for the record, of which so many different ones were drawn.
pub(crate) fn figures(weights: &[f64], temperature: f64, drawn: u32) -> Draw {
    let effective_sample_size = effective_sample_size(weights);
    Draw { temperature, effective_sample_size, kl: divergence(weights), drawn: Some(drawn) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn systematic_copies_are_within_one_of_their_share(
            raw in prop::collection::vec(0.001f64..1.0, 1..40), draw in 1u32..50, unit in 0.0f64..1.0
        ) {
            let sum: f64 = raw.iter().sum();
            let weights: Vec<f64> = raw.iter().map(|weight| weight / sum).collect();
            let copies = systematic(&weights, draw, unit);
            prop_assert_eq!(copies.iter().sum::<u32>(), draw);
            for (copies, weight) in copies.iter().zip(&weights) {
                prop_assert!((f64::from(*copies) - weight * f64::from(draw)).abs() < 1.0 + 1e-9);
            }
        }

        #[test]
        fn the_temperature_reaches_its_target(raw in prop::collection::vec(-5.0f64..5.0, 2..40), share in 0.05f64..0.95) {
            let count = raw.len() as f64;
            let best = raw.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let near = raw.iter().filter(|value| best - **value < 1e-6).count();
            prop_assume!(near == 1);
            let ess = 1.0 + share * (count - 1.0);
            let found = effective_sample_size(&weights(&raw, Weighting::TargetEss(ess).temperature(&raw)));
            prop_assert!((found - ess).abs() < 1e-6 * count, "ess {} for {}", found, ess);
            let kl = share * count.ln();
            let found = divergence(&weights(&raw, Weighting::TargetKl(kl).temperature(&raw)));
            prop_assert!((found - kl).abs() < 1e-6, "kl {} for {}", found, kl);
        }
    }

    /// Records are written as JSON, which has no other numbers.
    #[test]
    fn the_figures_of_a_draw_are_finite_at_any_scale() {
        let scales = [f64::MAX, 1e300, 1.0, 1e-300, f64::MIN_POSITIVE, 1e-320, 0.0];
        let ways = [Weighting::Temperature(1e-320), Weighting::TargetEss(2.5), Weighting::TargetKl(0.0)];
        for (scale, weighting) in scales.into_iter().flat_map(|scale| ways.map(|way| (scale, way))) {
            let utilities = [-scale, 0.0, scale / 2.0, scale];
            let temperature = weighting.temperature(&utilities);
            let weights = weights(&utilities, temperature);
            let Draw { temperature, effective_sample_size, kl, .. } = figures(&weights, temperature, 1);
            let all = weights.iter().copied().chain([temperature, effective_sample_size, kl]);
            assert!(all.clone().all(f64::is_finite), "{scale} {weighting:?}: {:?}", all.collect::<Vec<_>>());
        }
    }

    #[test]
    fn figures_of_weights() {
        assert!((effective_sample_size(&[0.25; 4]) - 4.0).abs() < 1e-12 && divergence(&[0.25; 4]).abs() < 1e-12);
        assert!((effective_sample_size(&[1.0, 0.0]) - 1.0).abs() < 1e-12);
        assert!((divergence(&[1.0, 0.0]) - 2f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn those_that_are_drawn_come_first_and_are_counted() {
        // Pointers at 0.1, 0.35, 0.6 and 0.85 fall on the first, the first, the third and the third.
        assert_eq!(drawn_order(&[0.5, 0.0, 0.4, 0.1], 4, 0.4), (vec![0, 2, 1, 3], 2));
        assert_eq!(drawn_order(&[0.5, 0.0, 0.4, 0.1], 1, 0.95), (vec![3, 0, 1, 2], 1));
    }

    #[test]
    fn equal_utilities_weigh_equally() {
        for weighting in [Weighting::Temperature(0.1), Weighting::TargetEss(1.5), Weighting::TargetKl(0.3)] {
            let weights = weights(&[2.0; 4], weighting.temperature(&[2.0; 4]));
            assert!(weights.iter().all(|weight| (weight - 0.25).abs() < 1e-12), "{weighting:?}");
        }
    }
}
