//! Options of the rewards `unirl_score`, `flow_factory` and `editscale`.

use std::num::NonZeroU32;

use super::{PICTURES, PicturesChoice, ScoreSettings, batch, keys, take_batch};
use crate::document::yaml::Yaml;
use crate::schema::fields::Fields;
use crate::schema::key::{Absent, Key, Keys};
use crate::schema::options::Options;
use crate::schema::rule::{Flag, Text, Whole};

/// A reward of `UniRL`'s reward service.
#[derive(Debug, Clone, PartialEq)]
pub struct UnirlScoreOptions {
    /// The reward's name in the server's configuration.
    pub reward: String,
    /// Which of its numbers is the score; their mean where it is not said.
    pub metric: Option<String>,
    /// Which pictures are shown.
    pub pictures: PicturesChoice,
    /// The most candidates of one call.
    pub batch: NonZeroU32,
    /// What all rewards of numbers share.
    pub score: ScoreSettings,
}

/// A remote reward of Flow-Factory.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowFactoryOptions {
    /// Which pictures are shown.
    pub pictures: PicturesChoice,
    /// The most candidates of one call.
    pub batch: NonZeroU32,
    /// What all rewards of numbers share.
    pub score: ScoreSettings,
}

/// A reward of our own server.
#[derive(Debug, Clone, PartialEq)]
pub struct EditscaleOptions {
    /// The reward's name at the server.
    pub reward: Option<String>,
    /// Whether its scores carry a standard deviation.
    pub gives_sigma: bool,
    /// The most candidates of one call.
    pub batch: NonZeroU32,
    /// What all rewards of numbers share.
    pub score: ScoreSettings,
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

const OUR_REWARD: Key<Text> = Key {
    name: "reward",
    rule: Text,
    absent: Absent::Unset("the server's first one"),
    meaning: "the reward's name at the server; answers of another one are refused",
};

const GIVES_SIGMA: Key<Flag> = Key {
    name: "gives_sigma",
    rule: Flag,
    absent: Absent::Default(false),
    meaning: "whether its scores carry a standard deviation, which some searches need",
};

const EIGHT: Key<Whole> = batch(8);
const SIXTEEN: Key<Whole> = batch(16);

impl Options for UnirlScoreOptions {
    const NAME: &'static str = "unirl_score";
    const ABOUT: &'static str = "A reward of UniRL's reward service, at `/score`.";
    const KEYS: Keys = keys!(&REWARD, &METRIC, &PICTURES, &EIGHT);

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (reward, metric, pictures) = (fields.take(&REWARD), fields.take(&METRIC), fields.take(&PICTURES));
        let (batch, score) = (take_batch(fields, &EIGHT), ScoreSettings::read(fields));
        Some(Self { reward: reward?, metric, pictures: pictures?, batch: batch?, score: score? })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let own = [
            REWARD.write(Some(&self.reward)),
            METRIC.write(self.metric.as_ref()),
            PICTURES.write(Some(&self.pictures)),
            EIGHT.write(Some(&u64::from(self.batch.get()))),
        ];
        own.into_iter().flatten().chain(self.score.write()).collect()
    }
}

impl Options for FlowFactoryOptions {
    const NAME: &'static str = "flow_factory";
    const ABOUT: &'static str = "A remote reward of Flow-Factory, at `/compute`.";
    const KEYS: Keys = keys!(&PICTURES, &SIXTEEN);

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (pictures, batch) = (fields.take(&PICTURES), take_batch(fields, &SIXTEEN));
        let score = ScoreSettings::read(fields);
        Some(Self { pictures: pictures?, batch: batch?, score: score? })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let own = [PICTURES.write(Some(&self.pictures)), SIXTEEN.write(Some(&u64::from(self.batch.get())))];
        own.into_iter().flatten().chain(self.score.write()).collect()
    }
}

impl Options for EditscaleOptions {
    const NAME: &'static str = "editscale";
    const ABOUT: &'static str = "A reward of another editscale, at `/v1/score`; the contract is in docs/remote.md.";
    const KEYS: Keys = keys!(&OUR_REWARD, &GIVES_SIGMA, &SIXTEEN);

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (reward, gives_sigma) = (fields.take(&OUR_REWARD), fields.take(&GIVES_SIGMA));
        let (batch, score) = (take_batch(fields, &SIXTEEN), ScoreSettings::read(fields));
        Some(Self { reward, gives_sigma: gives_sigma?, batch: batch?, score: score? })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let own = [
            OUR_REWARD.write(self.reward.as_ref()),
            GIVES_SIGMA.write(Some(&self.gives_sigma)),
            SIXTEEN.write(Some(&u64::from(self.batch.get()))),
        ];
        own.into_iter().flatten().chain(self.score.write()).collect()
    }
}
