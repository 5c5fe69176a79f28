//! Options of the reward `pickled_reward`.

use std::num::NonZeroU32;

use super::{ScoreSettings, batch, keys, take_batch};
use crate::document::yaml::Yaml;
use crate::remote::{FieldValue, read_fields, write_fields};
use crate::report::mistakes::Mistake;
use crate::schema::fields::Fields;
use crate::schema::key::{Absent, Key, Keys, Section};
use crate::schema::options::Options;
use crate::schema::rule::{Flag, Text, Whole, Word};

/// A reward server of `flow_grpo`, which speaks in pickles.
#[derive(Debug, Clone, PartialEq)]
pub struct PickledRewardOptions {
    /// Whose keys it knows.
    pub profile: PickledProfile,
    /// What `GenEval` looks for in the picture.
    pub metadata: Vec<(String, FieldValue)>,
    /// The key of the list of scores in the answer, where it is not the profile's.
    pub scores: Option<String>,
    /// Whether the server opens nothing but JPEG.
    pub only_jpeg: bool,
    /// The most candidates of one call.
    pub batch: NonZeroU32,
    /// What all rewards of numbers share.
    pub score: ScoreSettings,
}

/// Whose keys a server knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PickledProfile {
    /// Pictures alone.
    Deqa,
    /// Pictures and instructions.
    UnifiedReward,
    /// Pictures and what is looked for in them.
    Geneval,
}

const PROFILE: Key<Word<PickledProfile>> = Key {
    name: "profile",
    rule: Word(&[
        ("deqa", PickledProfile::Deqa),
        ("unified_reward", PickledProfile::UnifiedReward),
        ("geneval", PickledProfile::Geneval),
    ]),
    absent: Absent::Refused,
    meaning: "whose keys the server knows: `images`; `images` and `prompts`; or `images`, `meta_datas` and `only_strict`",
};

const METADATA: Section = Section {
    name: "metadata",
    allowed: "a map from names to values",
    default: "required by `geneval`",
    meaning: "what GenEval looks for in every candidate, such as `{tag: counting, include: [{class: dog, count: 3}]}`",
};

const SCORES: Key<Text> = Key {
    name: "scores",
    rule: Text,
    absent: Absent::Unset("by the profile"),
    meaning: "the key of the list of scores in the answer: `outputs`, for `geneval` `scores`",
};

const ONLY_JPEG: Key<Flag> = Key {
    name: "only_jpeg",
    rule: Flag,
    absent: Absent::Default(true),
    meaning: "whether the server opens JPEG alone, as all public ones do; other pictures are refused then before they leave",
};

const BATCH: Key<Whole> = batch(64);

impl Options for PickledRewardOptions {
    const NAME: &'static str = "pickled_reward";
    const ABOUT: &'static str = "A reward server of flow_grpo, which speaks in pickles at `/`. It sees the candidate alone. \
                                 Pickles are read as data and never run.";
    const KEYS: Keys = keys!(&PROFILE, &METADATA, &SCORES, &ONLY_JPEG, &BATCH);

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (profile, metadata) = (fields.take(&PROFILE), read_fields(fields, &METADATA));
        let (scores, only_jpeg) = (fields.take(&SCORES), fields.take(&ONLY_JPEG));
        let (batch, score) = (take_batch(fields, &BATCH), ScoreSettings::read(fields));
        match (profile, fields.has(METADATA.name)) {
            (Some(PickledProfile::Geneval), false) => {
                let mistake = Mistake::new("the profile `geneval` needs `metadata`").hint(
                    "write what it is to look for, such as `metadata: {tag: counting, include: [{class: dog, count: 3}]}`",
                );
                fields.error(&fields.span_of(PROFILE.name), mistake);
            }
            (Some(PickledProfile::Deqa | PickledProfile::UnifiedReward), true) => {
                let mistake = Mistake::new("`metadata` is for the profile `geneval` alone").hint("leave it out");
                fields.error(&fields.span_of(METADATA.name), mistake);
            }
            _ => {}
        }
        Some(Self {
            profile: profile?,
            metadata: metadata?,
            scores,
            only_jpeg: only_jpeg?,
            batch: batch?,
            score: score?,
        })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        // `GenEval`'s stands there though it is empty: it is required.
        let empty = || (METADATA.name.to_owned(), Yaml::Map(Vec::new()));
        let needs_metadata = self.profile == PickledProfile::Geneval;
        let own = [
            PROFILE.write(Some(&self.profile)),
            write_fields(&METADATA, &self.metadata).or_else(|| needs_metadata.then(empty)),
            SCORES.write(self.scores.as_ref()),
            ONLY_JPEG.write(Some(&self.only_jpeg)),
            BATCH.write(Some(&u64::from(self.batch.get()))),
        ];
        own.into_iter().flatten().chain(self.score.write()).collect()
    }
}
