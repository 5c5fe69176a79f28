//! What trainers pick from a group by its rewards: pairs to prefer one of, the best and the worst, weights for fine-tuning.

use serde::{Deserialize, Serialize};

/// A candidate with its reward.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rated {
    /// Its place in the group.
    pub candidate: u32,
    /// Higher is better; finite.
    pub reward: f64,
    /// The standard deviation of the reward's estimate, where one is known.
    pub sigma: Option<f64>,
}

/// Which pairs of a group are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairChoice {
    /// Each candidate with each that has a lower reward.
    #[default]
    All,
    /// The best with the worst: one pair.
    BestWorst,
    /// Each candidate with the next lower one.
    Adjacent,
}

/// Which pairs of a group are made, and how sure they have to be.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct PairRules {
    /// Which candidates meet.
    pub choice: PairChoice,
    /// The least difference of the rewards. Equal rewards never make a pair.
    pub margin: f64,
    /// The least difference in standard deviations of the difference, sqrt(σ₁² + σ₂²), for pairs where both are known.
    pub z_margin: Option<f64>,
    /// At most so many pairs a group: those with the largest margins.
    pub most: Option<u32>,
}

/// One candidate that is better than another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// The better one.
    pub chosen: Rated,
    /// The worse one.
    pub rejected: Rated,
}

impl Pair {
    /// By how much.
    pub fn margin(&self) -> f64 {
        self.chosen.reward - self.rejected.reward
    }

    fn passes(&self, rules: &PairRules) -> bool {
        let margin = self.margin();
        let needed = match (rules.z_margin, self.chosen.sigma, self.rejected.sigma) {
            (Some(z), Some(one), Some(other)) => z * one.hypot(other),
            _ => 0.0,
        };
        margin > 0.0 && margin >= rules.margin && margin >= needed
    }
}

/// The pairs of a group, from the best chosen one to the worst, or by their margin where only some are wanted.
pub fn pairs(rules: &PairRules, rated: &[Rated]) -> Vec<Pair> {
    let ranked = ranked(rated);
    let with = |at: usize, others: &[Rated]| {
        let chosen = ranked.get(at).copied();
        others.iter().filter_map(move |&rejected| Some(Pair { chosen: chosen?, rejected })).collect::<Vec<_>>()
    };
    let rest = |at: usize| ranked.get(at + 1..).unwrap_or_default();
    let met: Vec<Pair> = match rules.choice {
        PairChoice::All => (0..ranked.len()).flat_map(|at| with(at, rest(at))).collect(),
        PairChoice::BestWorst => rest(0).last().into_iter().flat_map(|&worst| with(0, &[worst])).collect(),
        PairChoice::Adjacent => {
            (0..ranked.len()).flat_map(|at| with(at, rest(at).get(..1).unwrap_or_default())).collect()
        }
    };
    let mut pairs: Vec<Pair> = met.into_iter().filter(|pair| pair.passes(rules)).collect();
    if let Some(most) = rules.most.map(|most| most as usize).filter(|most| *most < pairs.len()) {
        pairs.sort_by(|one, other| other.margin().total_cmp(&one.margin()));
        pairs.truncate(most);
    }
    pairs
}

/// The `k` best, from the best on, and the `k` worst, from the worst on. Nobody is both: of a smaller group, each half. The i-th
/// worst is below the i-th best; where rewards do not differ, there is neither.
pub fn best_worst(k: usize, rated: &[Rated]) -> (Vec<Rated>, Vec<Rated>) {
    let ranked = ranked(rated);
    let ends = ranked.iter().zip(ranked.iter().rev()).take(k.min(ranked.len() / 2));
    ends.take_while(|(best, worst)| best.reward > worst.reward).map(|(best, worst)| (*best, *worst)).unzip()
}

/// From the best to the worst; equal ones in ask order.
fn ranked(rated: &[Rated]) -> Vec<Rated> {
    let mut ranked: Vec<Rated> = rated.iter().copied().filter(|each| each.reward.is_finite()).collect();
    ranked.sort_by(|one, other| other.reward.total_cmp(&one.reward).then(one.candidate.cmp(&other.candidate)));
    ranked
}

/// Weights of a group's candidates for reward-weighted fine-tuning.
#[derive(Debug, Clone, PartialEq)]
pub struct SftWeights {
    /// One a candidate, in the order given; their mean is 1.
    pub weights: Vec<f64>,
    /// How many candidates share the weight: (Σw)²/Σw², from 1 to their number; 0 without candidates.
    pub effective_sample_size: f64,
}

/// Weights w ∝ exp(r/β) within a group, with mean 1. A low β favours the best, a high one treats all alike; at or below 0, only
/// the best count, equal ones alike.
pub fn sft_weights(temperature: f64, rewards: &[f64]) -> SftWeights {
    let best = rewards.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let raw: Vec<f64> = rewards
        .iter()
        .map(|reward| match reward - best {
            0.0 => 1.0,
            // The best one is the reference, so that no power overflows.
            below if temperature > 0.0 => (below / temperature).exp(),
            _ => 0.0,
        })
        .collect();
    let (sum, squares) = (raw.iter().sum::<f64>(), raw.iter().map(|weight| weight * weight).sum::<f64>());
    if sum <= 0.0 {
        return SftWeights { weights: vec![0.0; rewards.len()], effective_sample_size: 0.0 };
    }
    let scale = rewards.len() as f64 / sum;
    SftWeights {
        weights: raw.iter().map(|weight| weight * scale).collect(),
        effective_sample_size: sum * sum / squares,
    }
}
