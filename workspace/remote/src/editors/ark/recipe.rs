//! Options of the editor `ark`.

use super::openai_images::NFE;
use crate::document::yaml::Yaml;
use crate::remote::{
    CALLS, KNOBS, KnobSetting, PRICES, REPEAT, REVISION, RemoteSettings, SERVERS, read_knobs, write_knobs,
};
use crate::schema::fields::Fields;
use crate::schema::key::{Absent, Key, Keys};
use crate::schema::options::Options;
use crate::schema::rule::{Flag, Text, Word};

/// Seedream or `SeedEdit` at Volcengine Ark or `BytePlus` `ModelArk`.
#[derive(Debug, Clone, PartialEq)]
pub struct ArkOptions {
    /// The model, or an inference endpoint.
    pub model: String,
    /// The model's generation, where its name does not tell it.
    pub generation: Option<GenerationChoice>,
    /// A word for the size that requests carry which leave it open.
    pub size: Option<SizeWord>,
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

/// A generation of these models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GenerationChoice {
    /// `SeedEdit` 3.0.
    SeedEdit3,
    /// Seedream 4.0.
    Seedream4,
    /// Seedream 4.5.
    Seedream45,
    /// Seedream 5.0.
    Seedream5,
}

/// A word for a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeWord {
    /// About one million pixels.
    One,
    /// About four million pixels.
    Two,
    /// About nine million pixels.
    Three,
    /// About sixteen million pixels.
    Four,
}

impl SizeWord {
    /// The word of the service.
    pub fn word(self) -> &'static str {
        match self {
            Self::One => "1K",
            Self::Two => "2K",
            Self::Three => "3K",
            Self::Four => "4K",
        }
    }
}

const MODEL: Key<Text> = Key {
    name: "model",
    rule: Text,
    absent: Absent::Refused,
    meaning: "the model, such as `doubao-seedream-4-5-251128`, or an inference endpoint, such as `ep-20260125201054-pfrb4`",
};

const GENERATION: Key<Word<GenerationChoice>> = Key {
    name: "generation",
    rule: Word(&[
        ("seededit_3", GenerationChoice::SeedEdit3),
        ("seedream_4", GenerationChoice::Seedream4),
        ("seedream_4_5", GenerationChoice::Seedream45),
        ("seedream_5", GenerationChoice::Seedream5),
    ]),
    absent: Absent::Unset("by `model`"),
    meaning: "the model's generation, on which sizes and seeds depend; required where the model's name does not tell it",
};

const SIZE: Key<Word<SizeWord>> = Key {
    name: "size",
    rule: Word(&[("1K", SizeWord::One), ("2K", SizeWord::Two), ("3K", SizeWord::Three), ("4K", SizeWord::Four)]),
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

impl Options for ArkOptions {
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
