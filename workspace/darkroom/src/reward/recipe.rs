//! How a recipe sets the reward `photometric`.

use std::sync::Arc;

use editscale_core::{LocalReward, RewardName};
use editscale_picture::DecodeCache;
use editscale_schema::{Fields, House, Keys, Made, MadeReward, MakeError, Options, RewardChoice, Yaml};

use crate::reward::PhotometricReward;
use crate::scenes::Scenes;

/// Photographic measurements of how well an edit follows the instruction, preserves the rest, and looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PhotometricRecipe {}

impl Options for PhotometricRecipe {
    const NAME: &'static str = "photometric";
    const ABOUT: &'static str = "Photographic measurements, from 0 to 1, with the parts `instruction_following`, \
                                 `preservation` and `visual_quality`. It has no options.";
    const KEYS: Keys = &[];

    fn read(_: &Fields<'_>) -> Option<Self> {
        Some(Self {})
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        Vec::new()
    }
}

impl RewardChoice for PhotometricRecipe {
    fn make(&self, name: &RewardName, house: &House) -> Result<MadeReward, MakeError> {
        let name = name.clone();
        let (pictures, scenes) = (house.shared::<DecodeCache>(), house.shared::<Scenes>());
        Ok(Made::local(move || {
            let (pictures, scenes) = (Arc::clone(&pictures), Arc::clone(&scenes));
            Ok(Box::new(PhotometricReward::new(name.clone(), pictures, scenes)) as Box<dyn LocalReward>)
        }))
    }
}
