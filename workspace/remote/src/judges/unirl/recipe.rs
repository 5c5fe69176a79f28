//! How recipes set `unirl_score`.

use std::num::NonZeroU32;
use std::sync::Arc;

use editscale_core::RewardName;
use editscale_schema::{
    Absent, Fields, House, Key, Keys, Made, MadeReward, MakeError, Options, RewardChoice, Text, Whole, Yaml,
};

use super::{UnirlScore, UnirlScoreOptions};
use crate::judges::chat::AspectPictures;
use crate::judges::recipe::{servers_of, take_count};
use crate::judges::scoring::recipe::{PICTURES, ScoringRecipe, batch, keys};

/// What a recipe says of a reward of `UniRL`'s reward service.
#[derive(Debug, Clone, PartialEq)]
pub struct UnirlScoreRecipe {
    /// The reward's name in the server's configuration.
    reward: String,
    /// Which of its numbers is the score; their mean where it is not said.
    metric: Option<String>,
    /// Which pictures are shown.
    pictures: AspectPictures,
    /// The most candidates of one call.
    batch: NonZeroU32,
    /// What is told of any judge that answers with numbers.
    scoring: ScoringRecipe,
}

const REWARD: Key<Text> = Key {
    name: "reward",
    rule: Text,
    absent: Absent::Refused,
    meaning: "the reward's name in the server's configuration, such as `editreward`",
};

const METRIC: Key<Text> = Key {
    name: "metric",
    rule: Text,
    absent: Absent::Unset("their mean"),
    meaning: "which of the reward's numbers is the score, such as `edit_following`; all of them are its parts",
};

const BATCH: Key<Whole> = batch(8);

impl Options for UnirlScoreRecipe {
    const NAME: &'static str = "unirl_score";
    const ABOUT: &'static str = "A reward of UniRL's reward service, at `/score`.";
    const KEYS: Keys = keys!(&REWARD, &METRIC, &PICTURES, &BATCH);

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (reward, metric, pictures) = (fields.take(&REWARD), fields.take(&METRIC), fields.take(&PICTURES));
        let (batch, scoring) = (take_count(fields, &BATCH), ScoringRecipe::read(fields));
        Some(Self { reward: reward?, metric, pictures: pictures?, batch: batch?, scoring: scoring? })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let own = [
            REWARD.write(Some(&self.reward)),
            METRIC.write(self.metric.as_ref()),
            PICTURES.write(Some(&self.pictures)),
            BATCH.write(Some(&u64::from(self.batch.get()))),
        ];
        own.into_iter().flatten().chain(self.scoring.write()).collect()
    }
}

impl RewardChoice for UnirlScoreRecipe {
    fn make(&self, name: &RewardName, _: &House) -> Result<MadeReward, MakeError> {
        let usual = UnirlScoreOptions::new(name.clone(), &self.reward, self.scoring.connection());
        let judge = UnirlScore::new(UnirlScoreOptions {
            scoring: self.scoring.options(usual.scoring),
            reward: usual.reward,
            metric: self.metric.clone(),
            pictures: self.pictures,
            largest_batch: self.batch,
        })?;
        Ok(Made::Ready(Arc::new(judge)))
    }

    servers_of!(scoring);
}
