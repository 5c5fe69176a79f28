//! How recipes set `editscale`.

use std::num::NonZeroU32;
use std::sync::Arc;

use editscale_core::RewardName;
use editscale_schema::{
    Absent, Fields, Flag, House, Key, Keys, Made, MadeReward, MakeError, Options, RewardChoice, Text, Whole, Yaml,
};

use super::{EditscaleScore, EditscaleScoreOptions};
use crate::judges::recipe::{servers_of, take_count};
use crate::judges::scoring::recipe::{ScoringRecipe, batch, keys};

/// What a recipe says of a reward of our own server.
#[derive(Debug, Clone, PartialEq)]
pub struct EditscaleScoreRecipe {
    /// The reward's name at the server.
    reward: Option<String>,
    /// Whether its scores carry a standard deviation.
    gives_sigma: bool,
    /// The most candidates of one call.
    batch: NonZeroU32,
    /// What is told of any judge that answers with numbers.
    scoring: ScoringRecipe,
}

const REWARD: Key<Text> = Key {
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

const BATCH: Key<Whole> = batch(16);

impl Options for EditscaleScoreRecipe {
    const NAME: &'static str = "editscale";
    const ABOUT: &'static str = "A reward of another editscale, at `/v1/score`; the contract is in docs/remote.md.";
    const KEYS: Keys = keys!(&REWARD, &GIVES_SIGMA, &BATCH);

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (reward, gives_sigma) = (fields.take(&REWARD), fields.take(&GIVES_SIGMA));
        let (batch, scoring) = (take_count(fields, &BATCH), ScoringRecipe::read(fields));
        Some(Self { reward, gives_sigma: gives_sigma?, batch: batch?, scoring: scoring? })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let own = [
            REWARD.write(self.reward.as_ref()),
            GIVES_SIGMA.write(Some(&self.gives_sigma)),
            BATCH.write(Some(&u64::from(self.batch.get()))),
        ];
        own.into_iter().flatten().chain(self.scoring.write()).collect()
    }
}

impl RewardChoice for EditscaleScoreRecipe {
    fn make(&self, name: &RewardName, _: &House) -> Result<MadeReward, MakeError> {
        let usual = EditscaleScoreOptions::new(name.clone(), self.scoring.connection());
        let judge = EditscaleScore::new(EditscaleScoreOptions {
            scoring: self.scoring.options(usual.scoring),
            reward: self.reward.clone(),
            gives_sigma: self.gives_sigma,
            largest_batch: self.batch,
        })?;
        Ok(Made::Ready(Arc::new(judge)))
    }

    servers_of!(scoring);
}
