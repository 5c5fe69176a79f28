//! The mean of a candidate's ranks under several rewards (Ma et al., arXiv:2501.09732): free of every scale.

use std::sync::Arc;

use editscale_core::{Objective, RewardName, Scale, ScoreCard, Utility};
use editscale_schema::{Fields, Keys, Options, Yaml};

use crate::{ObjectiveChoice, PolicyError};

/// The negated mean, over the rewards, of a candidate's rank among all candidates that have every reward's score; the
/// best rank is 1, and ties share the mean of the ranks they take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeanRank {
    rewards: Vec<RewardName>,
}

impl MeanRank {
    /// Over these rewards, alike: at least one.
    pub fn new(rewards: Vec<RewardName>) -> Result<Self, PolicyError> {
        if rewards.is_empty() {
            let expected = "at least one reward".to_owned();
            return Err(PolicyError { setting: "mean_rank", expected, found: "over none".to_owned() });
        }
        Ok(Self { rewards })
    }

    fn scores(&self, card: &ScoreCard) -> Option<Vec<f64>> {
        self.rewards.iter().map(|reward| Some(card.score(reward)?.mean())).collect()
    }
}

/// The rank of each value, the greatest being 1, ties sharing the mean.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for tied in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let rank = before as f64 + f64::midpoint(tied.len() as f64, 1.0);
        for index in tied {
            ranks[*index] = rank;
        }
        before += tied.len();
    }
    ranks
}

impl Objective for MeanRank {
    fn utilities(&self, cards: &[&ScoreCard]) -> Vec<Option<Utility>> {
        let scored: Vec<(usize, Vec<f64>)> =
            cards.iter().enumerate().filter_map(|(index, card)| Some((index, self.scores(card)?))).collect();
        let mut sums = vec![0.0; scored.len()];
        for reward in 0..self.rewards.len() {
            let column: Vec<f64> = scored.iter().map(|(_, scores)| scores[reward]).collect();
            sums.iter_mut().zip(ranks(&column)).for_each(|(sum, rank)| *sum += rank);
        }
        let mut utilities = vec![None; cards.len()];
        for ((index, _), sum) in scored.iter().zip(sums) {
            utilities[*index] = Utility::new(-sum / self.rewards.len() as f64);
        }
        utilities
    }

    fn scale(&self) -> Scale {
        Scale::Relative
    }

    fn revision(&self) -> String {
        let names: Vec<&str> = self.rewards.iter().map(RewardName::as_str).collect();
        format!("mean_rank/1 {}", names.join(" "))
    }
}

/// How recipes name it; it has no options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MeanRankRecipe {}

impl Options for MeanRankRecipe {
    const NAME: &'static str = "mean_rank";
    const ABOUT: &'static str = "The mean of a candidate's ranks under each reward, free of the rewards' scales. Ranks \
                                 compare only within one run, so that `target_score` cannot be set, and no weights.";
    const KEYS: Keys = &[];

    fn read(_: &Fields<'_>) -> Option<Self> {
        Some(Self {})
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        Vec::new()
    }
}

impl ObjectiveChoice for MeanRankRecipe {
    fn objective(&self, rewards: Vec<(RewardName, f64)>) -> Result<Arc<dyn Objective>, PolicyError> {
        Ok(Arc::new(MeanRank::new(rewards.into_iter().map(|(reward, _)| reward).collect())?))
    }

    fn uses_weights(&self) -> bool {
        false
    }

    fn scale(&self) -> Scale {
        Scale::Relative
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_the_mean_of_their_ranks() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [1.5, 4.0, 1.5, 3.0]);
        assert_eq!(ranks(&[5.0; 3]), [2.0; 3]);
        assert!(ranks(&[]).is_empty());
    }
}
