//! How a recipe sets the reward `photometric`.

use std::sync::Arc;

use editscale_core::{LocalReward, RewardName};
use editscale_picture::DecodeCache;
use editscale_schema::{
    Absent, Fields, Flag, House, Key, Keys, Made, MadeReward, MakeError, Options, RewardChoice, Yaml,
};

use crate::reward::{PARTS, PhotometricReward};
use crate::scenes::Scenes;

/// Photographic measurements of how well an edit follows the instruction, preserves the rest, and looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PhotometricRecipe {
    /// Whether each score tells what the edit did to the picture.
    pub features: bool,
}

const FEATURES: Key<Flag> = Key {
    name: "features",
    rule: Flag,
    absent: Absent::Unset("no features"),
    meaning: "whether each score tells what the edit did (97 numbers, about 1 KB in the journal), for `deduplicate.cosine` and \
              `ties`",
};

impl Options for PhotometricRecipe {
    const NAME: &'static str = "photometric";
    const ABOUT: &'static str = "Photographic measurements, from 0 to 1, with the parts `instruction_following`, \
                                 `preservation` and `visual_quality`.";
    const KEYS: Keys = &[&FEATURES];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        Some(Self { features: fields.take(&FEATURES) == Some(true) })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        // What it is without is not written: resolved recipes of before have no such key.
        FEATURES.write(self.features.then_some(&true)).into_iter().collect()
    }
}

impl RewardChoice for PhotometricRecipe {
    fn parts(&self) -> Option<&'static [&'static str]> {
        Some(&PARTS)
    }

    fn make(&self, name: &RewardName, house: &House) -> Result<MadeReward, MakeError> {
        let (name, features) = (name.clone(), self.features);
        let (pictures, scenes) = (house.shared::<DecodeCache>(), house.shared::<Scenes>());
        Ok(Made::local(move || {
            let (pictures, scenes) = (Arc::clone(&pictures), Arc::clone(&scenes));
            let reward = PhotometricReward::new(name.clone(), pictures, scenes);
            Ok(Box::new(if features { reward.with_features() } else { reward }) as Box<dyn LocalReward>)
        }))
    }
}
