//! How recipes set such an editor.

use std::sync::Arc;

use editscale_core::EditorName;
use editscale_schema::remote::{
    CALLS, FIELDS, FieldValue, KNOBS, KnobSetting, PRICES, REPEAT, REVISION, RemoteSettings, SERVERS, read_fields,
    read_knobs, write_fields, write_knobs,
};
use editscale_schema::{
    Absent, EditorChoice, Fields, Flag, FreeQuestion, House, Key, Keys, MadeEditor, MakeError, Options, Section, Whole,
    Word, Yaml,
};

use super::{MaskRule, OpenAiImages, OpenAiImagesOptions, Profile, SeedPlace};
use crate::editors::keys::{MODEL, NFE, read_sizes, sizes, write_sizes};
use crate::editors::size::SizeRule;
use crate::recipe::{bounds, connection, form_fields, knobs, prices, repeat};

/// An editor behind `/v1/images/edits`.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenAiImagesRecipe {
    /// Which server it is.
    pub profile: Profile,
    /// The model's name as the server knows it.
    pub model: Option<String>,
    /// Where the seed is written.
    pub seeds: Option<SeedPlace>,
    /// How a mask is sent.
    pub masks: Option<MaskRule>,
    /// Which sizes can be asked for.
    pub sizes: Option<SizeRule>,
    /// Asks for the answer as a stream with so many pictures of what there is so far.
    pub partial_images: Option<u8>,
    /// Asks for the answer as a stream of `vLLM-Omni`'s own kind.
    pub stream: bool,
    /// Denoiser evaluations that one edit counts as.
    pub nfe: u64,
    /// Fields that every request carries.
    pub fields: Vec<(String, FieldValue)>,
    /// Fields that a search may turn.
    pub knobs: Vec<KnobSetting>,
    /// The servers and what is told of them.
    pub remote: RemoteSettings,
}

const PROFILE: Key<Word<Profile>> = Key {
    name: "profile",
    rule: Word(&[
        (Profile::OpenAi.word(), Profile::OpenAi),
        (Profile::VllmOmni.word(), Profile::VllmOmni),
        (Profile::SgLang.word(), Profile::SgLang),
        (Profile::SdCpp.word(), Profile::SdCpp),
        (Profile::LiteLlm.word(), Profile::LiteLlm),
        (Profile::Generic.word(), Profile::Generic),
    ]),
    absent: Absent::Refused,
    meaning: "which server it is: they differ in seeds, masks, sizes and errors, see docs/remote.md",
};

const SEEDS: Key<Word<SeedPlace>> = Key {
    name: "seeds",
    rule: Word(&[("none", SeedPlace::Nowhere), ("field", SeedPlace::Field), ("prompt", SeedPlace::PromptArguments)]),
    absent: Absent::Unset("by `profile`"),
    meaning: "where the seed is written: nowhere, into the field `seed`, or into the arguments at the end of the prompt that \
              stable-diffusion.cpp reads",
};

const MASKS: Key<Word<MaskRule>> = Key {
    name: "masks",
    rule: Word(&[("none", MaskRule::None), ("transparent", MaskRule::Transparent), ("white", MaskRule::White)]),
    absent: Absent::Unset("by `profile`"),
    meaning: "how the server marks where editing is allowed: not at all, transparent in a PNG, or white",
};

const SIZES: Section = sizes("by `profile`");

const PARTIAL_IMAGES: Key<Whole> = Key {
    name: "partial_images",
    rule: Whole { low: 0, high: 3 },
    absent: Absent::Unset("no stream"),
    meaning: "asks for the answer as a stream with so many pictures of what there is so far, each of which costs tokens",
};

const STREAM: Key<Flag> = Key {
    name: "stream",
    rule: Flag,
    absent: Absent::Default(false),
    meaning: "asks for the answer as a stream of vLLM-Omni's own kind, which only its models of several stages have",
};

impl Options for OpenAiImagesRecipe {
    const NAME: &'static str = "openai_images";
    const ABOUT: &'static str = "An editor behind `/v1/images/edits`: GPT-Image, vLLM-Omni, SGLang Diffusion, \
                                 stable-diffusion.cpp, the LiteLLM proxy, and others that speak this dialect.";
    const KEYS: Keys = &[
        &PROFILE,
        &MODEL,
        &SERVERS,
        &FIELDS,
        &KNOBS,
        &SEEDS,
        &MASKS,
        &SIZES,
        &PARTIAL_IMAGES,
        &STREAM,
        &NFE,
        &CALLS,
        &PRICES,
        &REVISION,
        &REPEAT,
    ];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (profile, model, nfe) = (fields.take(&PROFILE), fields.take(&MODEL), fields.take(&NFE));
        let (seeds, masks, sizes) = (fields.take(&SEEDS), fields.take(&MASKS), read_sizes(fields, &SIZES));
        let (partial_images, stream) = (fields.take(&PARTIAL_IMAGES), fields.take(&STREAM));
        let (fixed, knobs) = (read_fields(fields, &FIELDS), read_knobs(fields));
        let remote = RemoteSettings::read(fields);
        Some(Self {
            profile: profile?,
            model,
            seeds,
            masks,
            sizes,
            partial_images: partial_images.map(|count| count as u8),
            stream: stream?,
            nfe: nfe?,
            fields: fixed?,
            knobs: knobs?,
            remote: remote?,
        })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let own = [
            PROFILE.write(Some(&self.profile)),
            MODEL.write(self.model.as_ref()),
            write_fields(&FIELDS, &self.fields),
            write_knobs(&self.knobs),
            SEEDS.write(self.seeds.as_ref()),
            MASKS.write(self.masks.as_ref()),
            write_sizes(&SIZES, self.sizes.as_ref()),
            PARTIAL_IMAGES.write(self.partial_images.map(u64::from).as_ref()),
            STREAM.write(Some(&self.stream)),
            NFE.write(Some(&self.nfe)),
        ];
        own.into_iter().flatten().chain(self.remote.write()).collect()
    }
}

impl EditorChoice for OpenAiImagesRecipe {
    fn make(&self, name: &EditorName, _: &House) -> Result<MadeEditor, MakeError> {
        let (model, remote) = (self.model.as_deref().unwrap_or_default(), &self.remote);
        let usual = OpenAiImagesOptions::new(name.clone(), self.profile, model, connection(remote));
        let options = OpenAiImagesOptions {
            revision: remote.revision.clone(),
            prices: prices(&remote.prices),
            bounds: bounds(&remote.prices, usual.bounds),
            nfe: self.nfe,
            fields: form_fields(&self.fields),
            knobs: knobs(&self.knobs),
            seeds: self.seeds,
            masks: self.masks,
            sizes: self.sizes.clone(),
            repeat: remote.repeat.map(repeat),
            partial_images: self.partial_images,
            stream: self.stream,
            ..usual
        };
        Ok(MadeEditor::Ready(Arc::new(OpenAiImages::new(options)?)))
    }

    fn remote(&self) -> Option<&RemoteSettings> {
        Some(&self.remote)
    }

    fn remote_mut(&mut self) -> Option<&mut RemoteSettings> {
        Some(&mut self.remote)
    }

    fn free_question(&self) -> FreeQuestion<'_> {
        ("models".into(), self.model.as_deref())
    }
}
