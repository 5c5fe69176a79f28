//! Reward-weighted sampling: draw from the candidates with probability ∝ exp(u/β) instead of taking the best.
//!
//! Soft best-of-N (Verdun et al., arXiv:2505.03156) with importance resampling: `w_i ∝ exp((u_i − max u)/β)`. β is
//! given, or found so that the weights have a wanted effective sample size `ESS = (Σw)²/Σw²` or a wanted divergence
//! `KL(w‖uniform) = Σ w ln(w·n)`, which is free of the reward's scale. Several are drawn by systematic resampling
//! (Kitagawa 1996): one uniform number, evenly spaced pointers, so that a candidate comes ⌊n·w⌋ or ⌈n·w⌉ times.

mod recipe;

use editscale_core::{
    Cards, Decision, EditRequest, Need, Ranked, Remaining, Search, SearchFactory, StopReason, Trial, Verdict,
};

use crate::archive::{Archive, Placed};
use crate::policy::{PolicyError, Rules, check_count};
use crate::proposals::choice_seed;
use crate::sampling::{Sampler, Sampling};
use crate::weighting::{Weighting, drawn_order, figures, weights};

pub use recipe::RewardWeightedRecipe;

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
    let (order, drawn) = drawn_order(&weights, lot.draw, lot.unit);
    let report = figures(&weights, temperature, drawn);
    let rank = |placed: Placed, weight: f64| Ranked {
        id: archive.id(placed),
        utility: placed.utility,
        selection_probability: Some(weight),
    };
    let ranked = order.into_iter().map(|place| rank(placed[place], weights[place])).collect();
    Verdict { ranked, draw: Some(report), ..verdict }
}
