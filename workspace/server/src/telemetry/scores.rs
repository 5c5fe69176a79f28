//! How the scores of each reward are distributed, in buckets that suit its range.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use editscale_core::RewardCard;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::histogram::{Histogram, linear_buckets};

use crate::offer::Offer;

/// Buckets of a range.
const BUCKETS: u16 = 20;

/// Buckets of a reward without a range: most of such scores are some standard deviations around 0.
const UNBOUNDED: [f64; 17] =
    [-10.0, -5.0, -3.0, -2.0, -1.5, -1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0];

/// A histogram for each reward of each recipe.
#[derive(Debug)]
pub(super) struct Scores(BTreeMap<(String, String), Histogram>);

impl Scores {
    pub(super) fn new(offers: &[Arc<Offer>]) -> Self {
        let of_offer = |offer: &Arc<Offer>| {
            let name = offer.name.clone();
            let of_reward = move |card: &RewardCard| ((name.clone(), card.name.to_string()), histogram(card));
            offer.rewards.iter().map(|reward| of_reward(reward.card())).collect::<Vec<_>>()
        };
        Self(offers.iter().flat_map(of_offer).collect())
    }

    pub(super) fn observe(&self, recipe: &str, reward: &str, score: f64) {
        if let Some(histogram) = self.0.get(&(recipe.to_owned(), reward.to_owned())) {
            histogram.observe(score);
        }
    }
}

fn histogram(card: &RewardCard) -> Histogram {
    match card.range {
        Some((least, greatest)) if greatest > least => {
            let width = (greatest - least) / f64::from(BUCKETS);
            Histogram::new(linear_buckets(least + width, width, BUCKETS))
        }
        _ => Histogram::new(UNBOUNDED),
    }
}

impl Collector for Scores {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let help = "Scores that rewards gave to candidates of runs";
        let mut metric = encoder.encode_descriptor("score", help, None, MetricType::Histogram)?;
        for ((recipe, reward), histogram) in &self.0 {
            let labels = [("recipe", recipe.as_str()), ("reward", reward.as_str())];
            histogram.encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
