//! A reward on people's scale: its scores go through a monotone map.

use std::fmt;
use std::sync::Arc;

use editscale_core::{
    BoxFuture, Failure, FailureKind, Judgement, Part, PartName, RewardBatch, RewardCard, RewardModel, Score,
    ScoreError, Watch,
};
use editscale_study::calibration::MonotoneMap;

use crate::calibration::digest;

/// A reward whose scores go through a monotone map, which may make ties of different scores and never turns an order
/// around.
///
/// The mean becomes its value, and the standard deviation half of what the values of the mean plus and less it are apart.
/// Parts stay as they are; the score before the map is one more part, [`Calibrated::PART`]. The card has the range of the
/// values, and a revision of its own for every map.
pub struct Calibrated {
    inner: Arc<dyn RewardModel>,
    map: MonotoneMap,
    card: RewardCard,
}

impl Calibrated {
    /// The part that has the score before the map, where the reward has no part of this name itself.
    pub const PART: &str = "uncalibrated";

    /// Puts a map before a reward.
    pub fn new(inner: Arc<dyn RewardModel>, map: MonotoneMap) -> Self {
        let mut card = inner.card().clone();
        let digest = digest(&map);
        card.revision = format!("{}, calibrated {}", card.revision, digest.get(..16).unwrap_or(&digest)).into();
        let ends = card.range.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
        card.range = Some((map.apply(ends.0), map.apply(ends.1)));
        Self { inner, map, card }
    }

    fn judgement(&self, judgement: &Judgement) -> Result<Judgement, Failure> {
        let cost = judgement.cost;
        let refused = |error: ScoreError| Failure { cost, ..Failure::new(FailureKind::Malformed, error.to_string()) };
        let score = self.calibrated(&judgement.score).map_err(refused)?;
        Ok(Judgement { score, ..judgement.clone() })
    }

    fn calibrated(&self, raw: &Score) -> Result<Score, ScoreError> {
        let (mean, value) = (raw.mean(), |score: f64| self.map.apply(score));
        // Halved before the difference, which could overflow.
        let sigma = raw.sigma().map(|sigma| value(mean + sigma) / 2.0 - value(mean - sigma) / 2.0);
        let mut parts = raw.parts().to_vec();
        if let Ok(name) = PartName::new(Self::PART)
            && raw.part(Self::PART).is_none()
        {
            parts.push(Part::new(name, mean, raw.sigma())?);
        }
        let score = Score::with_sigma(value(mean), sigma)?.with_parts(parts);
        Ok(match raw.features() {
            Some(features) => score.with_features(Arc::clone(features)),
            None => score,
        })
    }
}

impl RewardModel for Calibrated {
    fn card(&self) -> &RewardCard {
        &self.card
    }

    fn score<'a>(&'a self, batch: RewardBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Judgement, Failure>>> {
        Box::pin(async move {
            let said = self.inner.score(batch, watch).await;
            said.into_iter().map(|said| self.judgement(&said?)).collect()
        })
    }

    fn trouble(&self) -> Option<String> {
        self.inner.trouble()
    }
}

impl fmt::Debug for Calibrated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calibrated").field("card", &self.card).field("map", &self.map).finish_non_exhaustive()
    }
}
