//! How recipes set such an editor.

use std::sync::Arc;

use editscale_core::EditorName;
use editscale_schema::remote::{
    CALLS, KNOBS, KnobSetting, PRICES, REPEAT, REVISION, RemoteSettings, SERVERS, read_knobs, write_knobs,
};
use editscale_schema::{
    Absent, EditorChoice, Fields, Flag, FreeQuestion, House, Key, Keys, MadeEditor, MakeError, Options, Text, Word,
    Yaml,
};

use super::{Ark, ArkGeneration, ArkOptions};
use crate::editors::keys::{NFE, model};
use crate::recipe::{bounds, connection, knobs, prices, repeat};

/// Seedream or `SeedEdit` at Volcengine Ark or `BytePlus` `ModelArk`.
#[derive(Debug, Clone, PartialEq)]
pub struct ArkRecipe {
    /// The model, or an inference endpoint.
    pub model: String,
    /// The model's generation, where its name does not tell it.
    pub generation: Option<ArkGeneration>,
    /// A word for the size that requests carry which leave it open.
    pub size: Option<&'static str>,
    /// Whether pictures come within the answer.
    pub is_inline: bool,
    /// Whether seeds are sent and reproduce.
    pub has_seeds: Option<bool>,
    /// Denoiser evaluations that one edit counts as.
    pub nfe: u64,
    /// Fields that a search may turn.
    pub knobs: Vec<KnobSetting>,
    /// The servers and what is told of them.
    pub remote: RemoteSettings,
}

const MODEL: Key<Text> = model(
    "the model, such as `doubao-seedream-4-5-251128`, or an inference endpoint, such as `ep-20260125201054-pfrb4`",
);

const GENERATION: Key<Word<ArkGeneration>> = Key {
    name: "generation",
    rule: Word(&[
        (ArkGeneration::SeedEdit3.word(), ArkGeneration::SeedEdit3),
        (ArkGeneration::Seedream4.word(), ArkGeneration::Seedream4),
        (ArkGeneration::Seedream45.word(), ArkGeneration::Seedream45),
        (ArkGeneration::Seedream5.word(), ArkGeneration::Seedream5),
    ]),
    absent: Absent::Unset("by `model`"),
    meaning: "the model's generation, on which sizes and seeds depend; required where the model's name does not tell it",
};

const SIZE: Key<Word<&'static str>> = Key {
    name: "size",
    rule: Word(&[("1K", "1K"), ("2K", "2K"), ("3K", "3K"), ("4K", "4K")]),
    absent: Absent::Unset("that of the picture, or the nearest that is made"),
    meaning: "a word for the size that requests carry which leave it open: the model then chooses sides itself",
};

const INLINE: Key<Flag> = Key {
    name: "inline",
    rule: Flag,
    absent: Absent::Default(true),
    meaning: "whether pictures come within the answer, or are fetched from where it says",
};

const SEEDS: Key<Flag> = Key {
    name: "seeds",
    rule: Flag,
    absent: Absent::Unset("by `generation`"),
    meaning: "whether seeds are sent and reproduce; only the third generation is documented to have them",
};

impl Options for ArkRecipe {
    const NAME: &'static str = "ark";
    const ABOUT: &'static str = "Seedream or SeedEdit at Volcengine Ark or BytePlus ModelArk.";
    const KEYS: Keys =
        &[&MODEL, &SERVERS, &GENERATION, &SIZE, &INLINE, &SEEDS, &KNOBS, &NFE, &CALLS, &PRICES, &REVISION, &REPEAT];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (model, generation, size) = (fields.take(&MODEL), fields.take(&GENERATION), fields.take(&SIZE));
        let (is_inline, has_seeds, nfe) = (fields.take(&INLINE), fields.take(&SEEDS), fields.take(&NFE));
        let (knobs, remote) = (read_knobs(fields), RemoteSettings::read(fields));
        Some(Self {
            model: model?,
            generation,
            size,
            is_inline: is_inline?,
            has_seeds,
            nfe: nfe?,
            knobs: knobs?,
            remote: remote?,
        })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let own = [
            MODEL.write(Some(&self.model)),
            GENERATION.write(self.generation.as_ref()),
            SIZE.write(self.size.as_ref()),
            INLINE.write(Some(&self.is_inline)),
            SEEDS.write(self.has_seeds.as_ref()),
            write_knobs(&self.knobs),
            NFE.write(Some(&self.nfe)),
        ];
        own.into_iter().flatten().chain(self.remote.write()).collect()
    }
}

impl EditorChoice for ArkRecipe {
    fn make(&self, name: &EditorName, _: &House) -> Result<MadeEditor, MakeError> {
        let remote = &self.remote;
        let usual = ArkOptions::new(name.clone(), &self.model, connection(remote));
        let options = ArkOptions {
            generation: self.generation,
            revision: remote.revision.clone(),
            prices: prices(&remote.prices),
            bounds: bounds(&remote.prices, usual.bounds),
            nfe: self.nfe,
            knobs: knobs(&self.knobs),
            size: self.size.map(str::to_owned),
            is_inline: self.is_inline,
            has_seeds: self.has_seeds,
            repeat: remote.repeat.map_or(usual.repeat, repeat),
            ..usual
        };
        Ok(MadeEditor::Ready(Arc::new(Ark::new(options)?)))
    }

    fn remote(&self) -> Option<&RemoteSettings> {
        Some(&self.remote)
    }

    fn remote_mut(&mut self) -> Option<&mut RemoteSettings> {
        Some(&mut self.remote)
    }

    fn free_question(&self) -> FreeQuestion<'_> {
        ("models".into(), None)
    }
}
