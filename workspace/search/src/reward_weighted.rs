//! Reward-weighted sampling: draw from the candidates with probability ∝ exp(u/β) instead of taking the best.
//!
//! Soft best-of-N (Verdun et al., arXiv:2505.03156) with importance resampling: `w_i ∝ exp((u_i − max u)/β)`. β is
//! given, or found so that the weights have a wanted effective sample size `ESS = (Σw)²/Σw²` or a wanted divergence
//! `KL(w‖uniform) = Σ w ln(w·n)`, which is free of the reward's scale. Several are drawn by systematic resampling
//! (Kitagawa 1996): one uniform number, evenly spaced pointers, so that a candidate comes ⌊n·w⌋ or ⌈n·w⌉ times.

mod recipe;

use editscale_core::{
    Cards, Decision, Draw, EditRequest, Need, Ranked, Remaining, Search, SearchFactory, StopReason, Trial, Verdict,
};

use crate::archive::{Archive, Placed};
use crate::policy::{PolicyError, Rules, check_count};
use crate::proposals::choice_seed;
use crate::sampling::{Sampler, Sampling};

pub use recipe::RewardWeightedRecipe;

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

/// The policy `reward_weighted {samples, draw, temperature | target_ess | target_kl}`.
#[derive(Debug, Clone)]
pub struct RewardWeighted {
    sampling: Sampling,
    draw: u32,
    weighting: Weighting,
}

impl RewardWeighted {
    /// `samples` candidates, of which `draw` are drawn.
    pub fn new(samples: u32, draw: u32, weighting: Weighting, rules: Rules) -> Result<Self, PolicyError> {
        let sampling = Sampling::new(samples, None, rules)?;
        check_count("draw", draw, u64::from(samples))?;
        weighting.check(samples)?;
        Ok(Self { sampling, draw, weighting })
    }
}

impl Weighting {
    fn check(self, samples: u32) -> Result<(), PolicyError> {
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

    /// The words in a policy's revision, which journals hold: they stay whatever the variants are called here.
    fn revision(self) -> String {
        match self {
            Self::Temperature(value) => format!("Temperature({value:?})"),
            Self::TargetEss(value) => format!("TargetEss({value:?})"),
            Self::TargetKl(value) => format!("TargetKl({value:?})"),
        }
    }

    /// β for these utilities.
    fn temperature(self, utilities: &[f64]) -> f64 {
        match self {
            Self::Temperature(temperature) => temperature,
            Self::TargetEss(target) => bisect(utilities, |weights| effective_sample_size(weights) >= target),
            Self::TargetKl(target) => bisect(utilities, |weights| divergence(weights) <= target),
        }
    }
}

/// The least temperature, to a relative 2⁻⁵⁰, whose weights are flat enough. Flatness grows with temperature.
fn bisect(utilities: &[f64], flat_enough: impl Fn(&[f64]) -> bool) -> f64 {
    let high = utilities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let low = utilities.iter().copied().fold(f64::INFINITY, f64::min);
    let spread = high - low;
    // With equal utilities every temperature gives equal weights.
    if spread <= 0.0 || !spread.is_finite() {
        return 1.0;
    }
    let at = |exponent: f64| spread * exponent.exp2();
    let (mut sharp, mut flat) = (-60.0, 60.0);
    for _ in 0..60 {
        let middle = f64::midpoint(sharp, flat);
        if flat_enough(&weights(utilities, at(middle))) {
            flat = middle;
        } else {
            sharp = middle;
        }
    }
    at(flat)
}

/// `exp((u − max u)/β)`, normalised to sum to 1.
fn weights(utilities: &[f64], temperature: f64) -> Vec<f64> {
    let high = utilities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let raw: Vec<f64> = utilities.iter().map(|utility| ((utility - high) / temperature).exp()).collect();
    let sum: f64 = raw.iter().sum();
    raw.into_iter().map(|weight| weight / sum).collect()
}

fn effective_sample_size(weights: &[f64]) -> f64 {
    1.0 / weights.iter().map(|weight| weight * weight).sum::<f64>()
}

fn divergence(weights: &[f64]) -> f64 {
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

impl SearchFactory for RewardWeighted {
    fn revision(&self) -> String {
        let Self { sampling: Sampling { samples, rules, .. }, draw, weighting } = self;
        let weighting = weighting.revision();
        format!("reward_weighted/1 samples={samples} draw={draw} {weighting}{}", rules.revision())
    }

    fn needs(&self) -> Vec<Need> {
        vec![Need::Pointwise]
    }

    fn largest_run(&self) -> u64 {
        u64::from(self.sampling.samples)
    }

    fn start(&self, request: &EditRequest, cards: &Cards) -> Box<dyn Search> {
        let (draw, weighting) = (self.draw, self.weighting);
        Box::new(Running { sampler: self.sampling.start(request, cards), draw, weighting })
    }
}

struct Running {
    sampler: Sampler,
    draw: u32,
    weighting: Weighting,
}

impl Search for Running {
    fn decide(&mut self, trials: &[Trial], left: &Remaining) -> Decision {
        let (draw, weighting) = (self.draw, self.weighting);
        self.sampler.decide(trials, left, |sampler, reason| {
            let unit = choice_seed(sampler.ground.root, 0).unit();
            drawn(&sampler.archive, reason, &Lot { draw, weighting, unit })
        })
    }
}

/// What decides a draw: how many are drawn, by which weights, and the uniform number that places the pointers.
struct Lot {
    draw: u32,
    weighting: Weighting,
    unit: f64,
}

/// The verdict: the drawn ones first, those drawn more often before the others, then the rest in order of preference.
/// `selection_probability` is the chance that one draw falls on the candidate.
fn drawn(archive: &Archive, reason: StopReason, lot: &Lot) -> Verdict {
    let verdict = archive.verdict(reason);
    let placed = archive.placed();
    if placed.is_empty() {
        return verdict;
    }
    let utilities: Vec<f64> = placed.iter().map(|placed| placed.utility.get()).collect();
    let temperature = lot.weighting.temperature(&utilities);
    let weights = weights(&utilities, temperature);
    // What is drawn is no more than there is: a budget may have ended the run early.
    let copies = systematic(&weights, lot.draw.min(placed.len() as u32), lot.unit);
    let mut order: Vec<usize> = (0..placed.len()).collect();
    order.sort_by_key(|place| std::cmp::Reverse(copies[*place]));
    let report = Draw { temperature, effective_sample_size: effective_sample_size(&weights), kl: divergence(&weights) };
    let rank = |placed: Placed, weight: f64| Ranked {
        id: archive.id(placed),
        utility: placed.utility,
        selection_probability: Some(weight),
    };
    let ranked = order.into_iter().map(|place| rank(placed[place], weights[place])).collect();
    Verdict { ranked, draw: Some(report), ..verdict }
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
        fn bisection_reaches_its_target(raw in prop::collection::vec(-5.0f64..5.0, 2..40), share in 0.05f64..0.95) {
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

    #[test]
    fn equal_utilities_weigh_equally() {
        for weighting in [Weighting::Temperature(0.1), Weighting::TargetEss(1.5), Weighting::TargetKl(0.3)] {
            let weights = weights(&[2.0; 4], weighting.temperature(&[2.0; 4]));
            assert!(weights.iter().all(|weight| (weight - 0.25).abs() < 1e-12), "{weighting:?}");
        }
    }
}
