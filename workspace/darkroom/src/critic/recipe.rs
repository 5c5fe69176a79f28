//! How a recipe sets the critic `darkroom_critic`.

use std::sync::Arc;

use editscale_core::{CriticName, LocalCritic};
use editscale_picture::DecodeCache;
use editscale_schema::{CriticChoice, Fields, House, Keys, Made, MadeCritic, MakeError, Options, Yaml};

use super::DarkroomCritic;
use crate::scenes::Scenes;

/// A critic that measures what is missing of a photographic edit, and asks the darkroom for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DarkroomCriticRecipe {}

impl Options for DarkroomCriticRecipe {
    const NAME: &'static str = "darkroom_critic";
    const ABOUT: &'static str = "Measures as `photometric` does how much of each asked edit was done, and rewrites the \
                                 instruction in words that `darkroom` understands. Asked before the first edit, it puts words \
                                 of amount into numbers, and does not look at the source. It has no options.";
    const KEYS: Keys = &[];

    fn read(_: &Fields<'_>) -> Option<Self> {
        Some(Self {})
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        Vec::new()
    }
}

impl CriticChoice for DarkroomCriticRecipe {
    fn make(&self, name: &CriticName, house: &House) -> Result<MadeCritic, MakeError> {
        let name = name.clone();
        let (pictures, scenes) = (house.shared::<DecodeCache>(), house.shared::<Scenes>());
        Ok(Made::local(move || {
            let (pictures, scenes) = (Arc::clone(&pictures), Arc::clone(&scenes));
            Ok(Box::new(DarkroomCritic::new(name.clone(), pictures, scenes)) as Box<dyn LocalCritic>)
        }))
    }
}
