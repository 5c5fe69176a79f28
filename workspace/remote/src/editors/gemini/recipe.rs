//! How recipes set such an editor.

use std::sync::Arc;

use editscale_core::EditorName;
use editscale_schema::remote::{
    CALLS, FieldValue, KNOBS, KnobSetting, PRICES, REPEAT, REVISION, RemoteSettings, SERVERS, read_fields, read_knobs,
    write_fields, write_knobs,
};
use editscale_schema::{
    Absent, EditorChoice, Fields, Flag, FreeQuestion, House, Key, Keys, MadeEditor, MakeError, Mistake, Options,
    Section, Text, Word, Yaml,
};

use super::options::HEADER;
use super::{Gemini, GeminiOptions};
use crate::editors::keys::{NFE, model};
use crate::recipe::{bounds, connection, knobs, prices, repeat};

/// An editor behind Google's `generateContent`.
#[derive(Debug, Clone, PartialEq)]
pub struct GeminiRecipe {
    /// The model.
    pub model: String,
    /// The resolution that every request asks for.
    pub resolution: Option<&'static str>,
    /// Whether the same seed is known to give the same picture.
    pub is_reproducible: bool,
    /// Thresholds of the service's own checks by category.
    pub safety: Vec<(String, String)>,
    /// Denoiser evaluations that one edit counts as.
    pub nfe: u64,
    /// Fields of `generationConfig` that a search may turn.
    pub knobs: Vec<KnobSetting>,
    /// The servers and what is told of them.
    pub remote: RemoteSettings,
}

const MODEL: Key<Text> = model("the model's name as the service knows it, such as `gemini-2.5-flash-image`");

const RESOLUTION: Key<Word<&'static str>> = Key {
    name: "resolution",
    rule: Word(&[("512", "512"), ("1K", "1K"), ("2K", "2K"), ("4K", "4K")]),
    absent: Absent::Unset("the one nearest to the wish, from Gemini 3 on"),
    meaning: "the resolution that every request asks for; the price depends on it",
};

const REPRODUCIBLE: Key<Flag> = Key {
    name: "reproducible",
    rule: Flag,
    absent: Absent::Default(false),
    meaning: "whether the same seed is known to give the same picture: the service promises no more than an effort",
};

const SAFETY: Section = Section {
    name: "safety",
    allowed: "a map from names to values",
    default: "`{}`",
    meaning: "thresholds of the service's own checks by category, such as `HARM_CATEGORY_HARASSMENT: BLOCK_ONLY_HIGH`",
};

impl Options for GeminiRecipe {
    const NAME: &'static str = "gemini";
    const ABOUT: &'static str = "A model of Google's that makes pictures (\"Nano Banana\"), through `generateContent`.";
    const KEYS: Keys =
        &[&MODEL, &SERVERS, &RESOLUTION, &REPRODUCIBLE, &SAFETY, &KNOBS, &NFE, &CALLS, &PRICES, &REVISION, &REPEAT];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (model, resolution, nfe) = (fields.take(&MODEL), fields.take(&RESOLUTION), fields.take(&NFE));
        let (is_reproducible, safety) = (fields.take(&REPRODUCIBLE), read_safety(fields));
        let (knobs, remote) = (read_knobs(fields), RemoteSettings::read(fields));
        let mut remote = remote?;
        for server in remote.servers.iter_mut().filter(|server| server.secret.is_some()) {
            server.secret_header.get_or_insert_with(|| HEADER.to_owned());
        }
        Some(Self {
            model: model?,
            resolution,
            is_reproducible: is_reproducible?,
            safety: safety?,
            nfe: nfe?,
            knobs: knobs?,
            remote,
        })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let text = |(name, value): &(String, String)| (name.clone(), FieldValue::Text(value.clone()));
        let safety: Vec<_> = self.safety.iter().map(text).collect();
        let own = [
            MODEL.write(Some(&self.model)),
            RESOLUTION.write(self.resolution.as_ref()),
            REPRODUCIBLE.write(Some(&self.is_reproducible)),
            write_fields(&SAFETY, &safety),
            write_knobs(&self.knobs),
            NFE.write(Some(&self.nfe)),
        ];
        own.into_iter().flatten().chain(self.remote.write()).collect()
    }
}

impl EditorChoice for GeminiRecipe {
    fn make(&self, name: &EditorName, _: &House) -> Result<MadeEditor, MakeError> {
        let remote = &self.remote;
        let usual = GeminiOptions::new(name.clone(), &self.model, connection(remote));
        let options = GeminiOptions {
            revision: remote.revision.clone(),
            prices: prices(&remote.prices),
            bounds: bounds(&remote.prices, usual.bounds),
            nfe: self.nfe,
            knobs: knobs(&self.knobs),
            safety: self.safety.iter().cloned().collect(),
            resolutions: self.resolution.map_or(usual.resolutions, |word| vec![word.to_owned()]),
            is_reproducible: self.is_reproducible,
            repeat: remote.repeat.map_or(usual.repeat, repeat),
            ..usual
        };
        Ok(MadeEditor::Ready(Arc::new(Gemini::new(options)?)))
    }

    fn remote(&self) -> Option<&RemoteSettings> {
        Some(&self.remote)
    }

    fn remote_mut(&mut self) -> Option<&mut RemoteSettings> {
        Some(&mut self.remote)
    }

    fn free_question(&self) -> FreeQuestion<'_> {
        (format!("models/{}", self.model).into(), None)
    }
}

fn read_safety(fields: &Fields<'_>) -> Option<Vec<(String, String)>> {
    let read = read_fields(fields, &SAFETY)?.into_iter().map(|(name, value)| match value {
        FieldValue::Text(text) => Some((name, text)),
        _ => None,
    });
    let found: Option<Vec<_>> = read.collect();
    if found.is_none() {
        let mistake = Mistake::new("`safety` must be a map from categories to thresholds, which are texts")
            .hint("write `safety: {HARM_CATEGORY_HARASSMENT: BLOCK_ONLY_HIGH}`");
        fields.error(&fields.span_of(SAFETY.name), mistake);
    }
    found
}
