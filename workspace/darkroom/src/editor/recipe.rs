//! How a recipe sets the editor `darkroom`.

use std::num::NonZeroU32;
use std::sync::Arc;

use editscale_core::{EditorName, LocalEditor};
use editscale_picture::DecodeCache;
use editscale_schema::{
    Absent, EditorChoice, Fields, Flag, House, Key, Keys, Made, MadeEditor, MakeError, Options, Reading, Whole, Yaml,
};

use super::reading::reading;
use crate::editor::DarkroomEditor;
use crate::scenes::Scenes;

/// The photographic editor that is built in: it reads plain English and needs no weights.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DarkroomRecipe {
    /// Whether it does the part of an instruction that it understands and that the picture allows, and says what it left out,
    /// instead of refusing the whole.
    pub partial: bool,
    /// How many candidates are made at a time; two where absent. While one is encoded, which is work for one thread, another
    /// can be developed, which is work for all.
    pub workers: Option<NonZeroU32>,
}

const PARTIAL: Key<Flag> = Key {
    name: "partial",
    rule: Flag,
    absent: Absent::Default(false),
    meaning: "whether to do what is understood of an instruction of which a part is not, instead of refusing it",
};

const WORKERS: Key<Whole> = Key {
    name: "workers",
    rule: Whole { low: 1, high: 256 },
    absent: Absent::Unset("2"),
    meaning: "how many candidates are made at a time",
};

impl DarkroomRecipe {
    /// How many candidates are made at a time. Two keep the cores busy while one of them is encoded; more would only take
    /// memory.
    pub(super) fn slots(&self) -> NonZeroU32 {
        self.workers.unwrap_or(NonZeroU32::MIN.saturating_add(1))
    }
}

impl Options for DarkroomRecipe {
    const NAME: &'static str = "darkroom";
    const ABOUT: &'static str =
        "The photographic editor that is built in: it reads plain English and needs no weights.";
    const KEYS: Keys = &[&PARTIAL, &WORKERS];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let partial = fields.take(&PARTIAL);
        let workers = fields.take(&WORKERS).and_then(|workers| NonZeroU32::new(workers as u32));
        Some(Self { partial: partial?, workers })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let workers = self.workers.map(|workers| u64::from(workers.get()));
        [PARTIAL.write(Some(&self.partial)), WORKERS.write(workers.as_ref())].into_iter().flatten().collect()
    }
}

impl EditorChoice for DarkroomRecipe {
    fn make(&self, name: &EditorName, house: &House) -> Result<MadeEditor, MakeError> {
        let (name, recipe) = (name.clone(), self.clone());
        let (pictures, scenes) = (house.shared::<DecodeCache>(), house.shared::<Scenes>());
        Ok(Made::local(move || {
            let (pictures, scenes) = (Arc::clone(&pictures), Arc::clone(&scenes));
            let editor = DarkroomEditor::new(name.clone(), &recipe, pictures, scenes)?;
            Ok(Box::new(editor) as Box<dyn LocalEditor>)
        }))
    }

    fn do_parts(&mut self) {
        self.partial = true;
    }

    fn reading(&self, instruction: &str) -> Option<Result<Reading, String>> {
        Some(reading(instruction, self.partial))
    }
}
