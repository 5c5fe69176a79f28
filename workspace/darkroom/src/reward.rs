//! The reward `photometric` behind its port.

mod recipe;

use std::sync::Arc;

use editscale_core::{
    Cost, Counters, Failure, FailureKind, Judgement, LocalReward, Part, PartName, RewardBatch, RewardCard, RewardItem,
    RewardName, Score, Watch,
};
use editscale_picture::DecodeCache;

use crate::decoded::decoded;
use crate::language::read;
use crate::photometric::{Assessment, assess, assess_and_describe};
use crate::scenes::Scenes;

pub use recipe::PhotometricRecipe;

/// The version of everything that decides a score.
const REVISION: &str = "photometric/4";

/// The same where it gives features, whose version is told apart.
const REVISION_WITH_FEATURES: &str = "photometric/4 features/1";

/// Measures how well a photographic edit was done.
#[derive(Debug)]
pub struct PhotometricReward {
    card: RewardCard,
    pictures: Arc<DecodeCache>,
    scenes: Arc<Scenes>,
    gives_features: bool,
}

impl PhotometricReward {
    /// The reward under a name.
    pub fn new(name: RewardName, pictures: Arc<DecodeCache>, scenes: Arc<Scenes>) -> Self {
        let card = RewardCard { range: Some((0.0, 1.0)), ..RewardCard::plain(name, REVISION) };
        Self { card, pictures, scenes, gives_features: false }
    }

    /// The same, which tells with each score what the edit did: the change in 4×4 cells of the picture, as 97 numbers.
    #[must_use]
    pub fn with_features(mut self) -> Self {
        self.card.revision = REVISION_WITH_FEATURES.into();
        Self { gives_features: true, ..self }
    }

    fn judge(&self, item: &RewardItem) -> Result<Judgement, Failure> {
        let plan = read(item.request.instruction.as_str());
        if plan.edits.is_empty() {
            let message = "the instruction asks for no photographic edit that `photometric` can measure";
            return Err(Failure::new(FailureKind::Invalid, message));
        }
        let source = decoded(&self.pictures, &item.request.source)?;
        let edited = decoded(&self.pictures, &item.candidate)?;
        let view = self.scenes.view(*item.request.source.digest().as_bytes(), &source.pixels);
        let (assessment, features) = if self.gives_features {
            assess_and_describe(&view, &edited.pixels, &plan)
        } else {
            (assess(&view, &edited.pixels, &plan), Vec::new())
        };
        let score = score(&assessment).map_err(|why| Failure::new(FailureKind::Malformed, why))?;
        let score = score.with_features(features.into());
        Ok(Judgement { score, cost: Cost::default(), counters: Counters::default() })
    }
}

/// What its scores are made of, in their order.
pub(crate) const PARTS: [&str; 3] = ["instruction_following", "preservation", "visual_quality"];

fn score(assessment: &Assessment) -> Result<Score, String> {
    let means = [assessment.instruction_following, assessment.preservation, assessment.visual_quality];
    let part = |(name, mean): (&str, f64)| {
        let name = PartName::new(name).map_err(|error| error.to_string())?;
        Part::new(name, mean, None).map_err(|error| error.to_string())
    };
    let parts = PARTS.into_iter().zip(means).map(part).collect::<Result<_, String>>()?;
    Ok(Score::new(assessment.score).map_err(|error| error.to_string())?.with_parts(parts))
}

impl LocalReward for PhotometricReward {
    fn card(&self) -> &RewardCard {
        &self.card
    }

    fn score(&mut self, batch: &RewardBatch, watch: &dyn Watch) -> Vec<Result<Judgement, Failure>> {
        batch.each(watch, |item| self.judge(item))
    }
}
