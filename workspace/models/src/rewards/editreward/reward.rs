//! EditReward behind its port.

use std::num::NonZeroU32;

use editscale_core::{
    Cost, Failure, FailureKind, Judgement, LocalReward, Part, PartName, RewardBatch, RewardCard, RewardItem,
    RewardKind, RewardName, Score, Watch,
};

use crate::rewards::editreward::{EditReward, JudgeError, PARTS, Pair, Verdict};

/// The most candidates of one call. A call is cut by memory inside; this keeps calls short enough to be cancelled and
/// shared.
const LARGEST_BATCH: u32 = 64;

/// The judge as a reward under a name.
#[derive(Debug)]
pub struct EditRewardModel {
    card: RewardCard,
    judge: EditReward,
}

impl EditRewardModel {
    /// A loaded judge under a name.
    pub fn new(name: RewardName, judge: EditReward) -> Self {
        let card = RewardCard {
            name,
            revision: judge.revision(),
            range: None,
            kind: RewardKind::Pointwise,
            gives_sigma: true,
            pixel_budget: Some(judge.pixel_budget()),
            largest_batch: NonZeroU32::new(LARGEST_BATCH).unwrap_or(NonZeroU32::MIN),
            slots: NonZeroU32::MIN,
            cost: Cost::default(),
        };
        Self { card, judge }
    }
}

impl LocalReward for EditRewardModel {
    fn card(&self) -> &RewardCard {
        &self.card
    }

    fn score(&mut self, batch: &RewardBatch, watch: &dyn Watch) -> Vec<Result<Judgement, Failure>> {
        let pairs: Vec<Pair> = batch.items.iter().map(pair).collect();
        let verdicts = self.judge.judge(&pairs, &|| watch.cancelled());
        verdicts.into_iter().map(|verdict| judgement(verdict.map_err(|error| failure(&error))?)).collect()
    }
}

fn pair(item: &RewardItem) -> Pair {
    Pair {
        source: item.request.source.clone(),
        edited: item.candidate.clone(),
        instruction: item.request.instruction.shared(),
    }
}

fn judgement(verdict: Verdict) -> Result<Judgement, Failure> {
    let malformed = |why: String| Failure::new(FailureKind::Malformed, why);
    let part = |(name, estimate): (&str, super::Estimate)| {
        let name = PartName::new(name).map_err(|error| malformed(error.to_string()))?;
        Part::new(name, estimate.mean, Some(estimate.sigma)).map_err(|error| malformed(error.to_string()))
    };
    let parts = PARTS.into_iter().zip(verdict.parts).map(part).collect::<Result<_, Failure>>()?;
    let score = Score::with_sigma(verdict.fused.mean, Some(verdict.fused.sigma))
        .map_err(|error| malformed(error.to_string()))?
        .with_parts(parts);
    Ok(Judgement { score, cost: Cost::default(), counters: verdict.counters })
}

fn failure(error: &JudgeError) -> Failure {
    let kind = match error {
        JudgeError::Picture { .. } | JudgeError::SpecialToken { .. } | JudgeError::Prompt { .. } => {
            FailureKind::Invalid
        }
        JudgeError::NotFinite { .. } => FailureKind::Malformed,
        JudgeError::Compute(_) => FailureKind::Crashed,
        JudgeError::Cancelled => FailureKind::Cancelled,
    };
    Failure::new(kind, error.to_string())
}
