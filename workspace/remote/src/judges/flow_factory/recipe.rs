//! How recipes set `flow_factory`.

use std::num::NonZeroU32;
use std::sync::Arc;

use editscale_core::RewardName;
use editscale_schema::{Fields, House, Key, Keys, Made, MadeReward, MakeError, Options, RewardChoice, Whole, Yaml};

use super::{FlowFactory, FlowFactoryOptions};
use crate::judges::chat::AspectPictures;
use crate::judges::recipe::{servers_of, take_count};
use crate::judges::scoring::recipe::{PICTURES, ScoringRecipe, batch, keys};

/// What a recipe says of a remote reward of Flow-Factory.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowFactoryRecipe {
    /// Which pictures are shown.
    pictures: AspectPictures,
    /// The most candidates of one call.
    batch: NonZeroU32,
    /// What is told of any judge that answers with numbers.
    scoring: ScoringRecipe,
}

const BATCH: Key<Whole> = batch(16);

impl Options for FlowFactoryRecipe {
    const NAME: &'static str = "flow_factory";
    const ABOUT: &'static str = "A remote reward of Flow-Factory, at `/compute`.";
    const KEYS: Keys = keys!(&PICTURES, &BATCH);

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (pictures, batch) = (fields.take(&PICTURES), take_count(fields, &BATCH));
        let scoring = ScoringRecipe::read(fields);
        Some(Self { pictures: pictures?, batch: batch?, scoring: scoring? })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let own = [PICTURES.write(Some(&self.pictures)), BATCH.write(Some(&u64::from(self.batch.get())))];
        own.into_iter().flatten().chain(self.scoring.write()).collect()
    }
}

impl RewardChoice for FlowFactoryRecipe {
    fn make(&self, name: &RewardName, _: &House) -> Result<MadeReward, MakeError> {
        let usual = FlowFactoryOptions::new(name.clone(), self.scoring.connection());
        let judge = FlowFactory::new(FlowFactoryOptions {
            scoring: self.scoring.options(usual.scoring),
            pictures: self.pictures,
            largest_batch: self.batch,
        })?;
        Ok(Made::Ready(Arc::new(judge)))
    }

    servers_of!(scoring);
}
