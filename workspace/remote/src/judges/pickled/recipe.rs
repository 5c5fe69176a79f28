//! How recipes set `pickled_reward`.

use std::num::NonZeroU32;
use std::sync::Arc;

use editscale_core::RewardName;
use editscale_schema::remote::{FieldValue, read_fields, write_fields};
use editscale_schema::{
    Absent, Fields, Flag, House, Key, Keys, Made, MadeReward, MakeError, Mistake, Options, RewardChoice, Section, Text,
    Whole, Word, Yaml,
};

use super::{PickledFields, PickledReward, PickledRewardOptions};
use crate::judges::recipe::{servers_of, take_count};
use crate::judges::scoring::recipe::{ScoringRecipe, batch, keys};
use crate::recipe::json_fields;

/// What a recipe says of a reward server of `flow_grpo`, which speaks in pickles.
#[derive(Debug, Clone, PartialEq)]
pub struct PickledRewardRecipe {
    /// Whose keys it knows.
    profile: Profile,
    /// What `GenEval` looks for in the picture.
    metadata: Vec<(String, FieldValue)>,
    /// The key of the list of scores in the answer, where it is not the profile's.
    scores: Option<String>,
    /// Whether the server opens nothing but JPEG.
    only_jpeg: bool,
    /// The most candidates of one call.
    batch: NonZeroU32,
    /// What is told of any judge that answers with numbers.
    scoring: ScoringRecipe,
}

/// Whose keys a server knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Profile {
    /// Pictures alone.
    Deqa,
    /// Pictures and instructions.
    UnifiedReward,
    /// Pictures and what is looked for in them.
    Geneval,
}

const PROFILE: Key<Word<Profile>> = Key {
    name: "profile",
    rule: Word(&[("deqa", Profile::Deqa), ("unified_reward", Profile::UnifiedReward), ("geneval", Profile::Geneval)]),
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

impl Options for PickledRewardRecipe {
    const NAME: &'static str = "pickled_reward";
    const ABOUT: &'static str = "A reward server of flow_grpo, which speaks in pickles at `/`. It sees the candidate alone. \
                                 Pickles are read as data and never run.";
    const KEYS: Keys = keys!(&PROFILE, &METADATA, &SCORES, &ONLY_JPEG, &BATCH);

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (profile, metadata) = (fields.take(&PROFILE), read_fields(fields, &METADATA));
        let (scores, only_jpeg) = (fields.take(&SCORES), fields.take(&ONLY_JPEG));
        let (batch, scoring) = (take_count(fields, &BATCH), ScoringRecipe::read(fields));
        match (profile, fields.has(METADATA.name)) {
            (Some(Profile::Geneval), false) => {
                let mistake = Mistake::new("the profile `geneval` needs `metadata`").hint(
                    "write what it is to look for, such as `metadata: {tag: counting, include: [{class: dog, count: 3}]}`",
                );
                fields.error(&fields.span_of(PROFILE.name), mistake);
            }
            (Some(Profile::Deqa | Profile::UnifiedReward), true) => {
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
            scoring: scoring?,
        })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        // `GenEval`'s stands there though it is empty: it is required.
        let empty = || (METADATA.name.to_owned(), Yaml::Map(Vec::new()));
        let needs_metadata = self.profile == Profile::Geneval;
        let own = [
            PROFILE.write(Some(&self.profile)),
            write_fields(&METADATA, &self.metadata).or_else(|| needs_metadata.then(empty)),
            SCORES.write(self.scores.as_ref()),
            ONLY_JPEG.write(Some(&self.only_jpeg)),
            BATCH.write(Some(&u64::from(self.batch.get()))),
        ];
        own.into_iter().flatten().chain(self.scoring.write()).collect()
    }
}

impl RewardChoice for PickledRewardRecipe {
    fn make(&self, name: &RewardName, _: &House) -> Result<MadeReward, MakeError> {
        let usual = PickledRewardOptions::new(name.clone(), self.fields(), self.scoring.connection());
        let judge = PickledReward::new(PickledRewardOptions {
            scoring: self.scoring.options(usual.scoring),
            fields: usual.fields,
            largest_batch: self.batch,
        })?;
        Ok(Made::Ready(Arc::new(judge)))
    }

    servers_of!(scoring);
}

impl PickledRewardRecipe {
    fn fields(&self) -> PickledFields {
        let usual = match self.profile {
            Profile::Deqa => PickledFields::deqa(),
            Profile::UnifiedReward => PickledFields::unified_reward(),
            Profile::Geneval => PickledFields::geneval(json_fields(&self.metadata)),
        };
        let scores = self.scores.clone().unwrap_or(usual.scores);
        PickledFields { scores, only_jpeg: self.only_jpeg, ..usual }
    }
}
