//! Advantages: what a reward is worth within its group.
//!
//! GRPO for pictures divides by a standard deviation: `flow_grpo` (`flow_grpo/stat_tracking.py`) takes the one of the population
//! (`numpy.std`, n in the denominator) with 1e-4 added to it, and clips at ±5 in training (`adv_clip_max`). Here a floor takes the
//! place of what is added: above the floor an advantage does not depend on the scale of the reward, and the two differ by
//! 1e-4/std, which is 0.1% at a spread of 0.1. RLOO is that of Kool et al. 2019 and Ahmadian et al. 2024 (arXiv 2402.14740).
//! Ranks are centred as in the evolution strategies of Salimans et al. 2017 (arXiv 1703.03864), at twice the width.

/// The floor that `flow_grpo`'s 1e-4 stands for.
pub const GRPO_FLOOR: f64 = 1e-4;

/// Where `flow_grpo` clips.
pub const GRPO_CLIP: f64 = 5.0;

/// How a reward becomes an advantage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AdvantageKind {
    /// (r − mean) / max(std, floor), with the standard deviation of the population.
    Grpo {
        /// The least that is divided by, such as [`GRPO_FLOOR`].
        floor: f64,
        /// Advantages are kept within ± this, such as [`GRPO_CLIP`]; as they are where there is none.
        clip: Option<f64>,
    },
    /// r − mean of the others.
    LeaveOneOut,
    /// The rank among the rewards, from -1 for the lowest to 1 for the highest; equal rewards share the mean of their ranks.
    Rank,
}

/// What each reward is worth within the group. A candidate without a reward, or with one that is not finite, has no advantage
/// and does not count; where fewer than two have a reward, nobody has an advantage.
pub fn advantages(kind: AdvantageKind, rewards: &[Option<f64>]) -> Vec<Option<f64>> {
    let known = finite(rewards);
    if known.len() < 2 {
        return vec![None; rewards.len()];
    }
    let worth = match kind {
        AdvantageKind::Grpo { floor, clip } => grpo(&known, floor, clip),
        AdvantageKind::LeaveOneOut => leave_one_out(&known),
        AdvantageKind::Rank => ranks(&known),
    };
    let mut worth = worth.into_iter();
    rewards.iter().map(|reward| reward.filter(|value| value.is_finite()).and_then(|_| worth.next())).collect()
}

/// Whether the rewards of a group do not differ: their standard deviation is not above the floor. There is nothing to learn from
/// such a group, nor from one where fewer than two have a reward.
pub fn is_flat(rewards: &[Option<f64>], floor: f64) -> bool {
    let known = finite(rewards);
    known.len() < 2 || spread(&known) <= floor.max(0.0)
}

fn finite(rewards: &[Option<f64>]) -> Vec<f64> {
    rewards.iter().flatten().copied().filter(|value| value.is_finite()).collect()
}

/// The mean, without overflow; exact where all values are equal.
fn mean(values: &[f64]) -> f64 {
    let first = values.first().copied().unwrap_or_default();
    let count = values.len() as f64;
    first + values.iter().map(|value| value / count - first / count).sum::<f64>()
}

/// The standard deviation of the population, without overflow.
fn spread(values: &[f64]) -> f64 {
    let centre = mean(values);
    let widest = values.iter().map(|value| (value - centre).abs()).fold(0.0, f64::max).min(f64::MAX);
    if widest == 0.0 {
        return 0.0;
    }
    let squares = values.iter().map(|value| ((value / widest) - (centre / widest)).powi(2));
    widest * (squares.sum::<f64>() / values.len() as f64).sqrt()
}

fn grpo(rewards: &[f64], floor: f64, clip: Option<f64>) -> Vec<f64> {
    let (centre, unit) = (mean(rewards), spread(rewards).max(floor));
    // All are equal, and there is no floor.
    if unit <= 0.0 {
        return vec![0.0; rewards.len()];
    }
    let most = clip.unwrap_or(f64::MAX).abs();
    rewards.iter().map(|reward| (reward / unit - centre / unit).max(-most).min(most)).collect()
}

fn leave_one_out(rewards: &[f64]) -> Vec<f64> {
    // r − (sum − r)/(n − 1) is (r − mean)·n/(n − 1).
    let (centre, count) = (mean(rewards), rewards.len() as f64);
    let most = f64::MAX;
    rewards.iter().map(|reward| ((reward - centre) * (count / (count - 1.0))).max(-most).min(most)).collect()
}

fn ranks(rewards: &[f64]) -> Vec<f64> {
    let mut sorted = rewards.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = (rewards.len() - 1) as f64;
    let rank = |reward: &f64| {
        let below = sorted.partition_point(|other| other < reward);
        let not_above = sorted.partition_point(|other| other <= reward);
        // The places of equal rewards are `below` to `not_above - 1`: their mean, from 0 to `last`, twice.
        (below + not_above - 1) as f64
    };
    rewards.iter().map(|reward| rank(reward) / last - 1.0).collect()
}
