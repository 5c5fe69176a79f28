//! Options of the editor `openai_images`.

use editscale_core::ImageSize;

use crate::document::scalar::Scalar;
use crate::document::tree::Value;
use crate::document::yaml::Yaml;
use crate::remote::{
    CALLS, FIELDS, FieldValue, KNOBS, KnobSetting, PRICES, REPEAT, REVISION, RemoteSettings, SERVERS, read_fields,
    read_knobs, write_fields, write_knobs,
};
use crate::report::mistakes::Mistake;
use crate::report::quote::quote;
use crate::schema::fields::Fields;
use crate::schema::key::{Absent, Key, Keys, Section};
use crate::schema::options::Options;
use crate::schema::rule::{Flag, Text, Whole, Word};

/// An editor behind `/v1/images/edits`.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenAiImagesOptions {
    /// Which server it is.
    pub profile: ImagesProfile,
    /// The model's name as the server knows it.
    pub model: Option<String>,
    /// Where the seed is written.
    pub seeds: Option<SeedChoice>,
    /// How a mask is sent.
    pub masks: Option<MaskChoice>,
    /// Which sizes can be asked for.
    pub sizes: Option<SizeChoice>,
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

/// Which server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImagesProfile {
    /// GPT-Image at `OpenAI`.
    OpenAi,
    /// `vLLM-Omni`.
    VllmOmni,
    /// `SGLang` Diffusion.
    SgLang,
    /// stable-diffusion.cpp.
    SdCpp,
    /// The `LiteLLM` proxy.
    LiteLlm,
    /// Anything else.
    Generic,
}

/// Where the seed is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeedChoice {
    /// Nowhere.
    None,
    /// Into the field `seed`.
    Field,
    /// Into the arguments at the end of the prompt.
    Prompt,
}

/// How a mask is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaskChoice {
    /// Not at all.
    None,
    /// As the alpha of a PNG.
    Transparent,
    /// As it is.
    White,
}

/// Which sizes can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SizeChoice {
    /// Any.
    Any,
    /// Sides that are multiples of this.
    MultipleOf(u32),
    /// These alone.
    OneOf(Vec<ImageSize>),
}

const PROFILE: Key<Word<ImagesProfile>> = Key {
    name: "profile",
    rule: Word(&[
        ("openai", ImagesProfile::OpenAi),
        ("vllm_omni", ImagesProfile::VllmOmni),
        ("sglang", ImagesProfile::SgLang),
        ("sdcpp", ImagesProfile::SdCpp),
        ("litellm", ImagesProfile::LiteLlm),
        ("generic", ImagesProfile::Generic),
    ]),
    absent: Absent::Refused,
    meaning: "which server it is: they differ in seeds, masks, sizes and errors, see docs/remote.md",
};

pub(super) const MODEL: Key<Text> = Key {
    name: "model",
    rule: Text,
    absent: Absent::Unset("not sent"),
    meaning: "the model's name as the server knows it",
};

const SEEDS: Key<Word<SeedChoice>> = Key {
    name: "seeds",
    rule: Word(&[("none", SeedChoice::None), ("field", SeedChoice::Field), ("prompt", SeedChoice::Prompt)]),
    absent: Absent::Unset("by `profile`"),
    meaning: "where the seed is written: nowhere, into the field `seed`, or into the arguments at the end of the prompt that \
              stable-diffusion.cpp reads",
};

const MASKS: Key<Word<MaskChoice>> = Key {
    name: "masks",
    rule: Word(&[("none", MaskChoice::None), ("transparent", MaskChoice::Transparent), ("white", MaskChoice::White)]),
    absent: Absent::Unset("by `profile`"),
    meaning: "how the server marks where editing is allowed: not at all, transparent in a PNG, or white",
};

const SIZES: Section = Section {
    name: "sizes",
    allowed: "`any`, a whole number from 1 to 4096, or a list of sizes such as `1024x1536`",
    default: "by `profile`",
    meaning: "which sizes can be asked for: any, sides that are multiples of a number, or these alone; a wish for another \
              size becomes the nearest",
};

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

pub(super) const NFE: Key<Whole> = Key {
    name: "nfe",
    rule: Whole { low: 0, high: 1_000_000 },
    absent: Absent::Default(0),
    meaning: "denoiser evaluations that one edit counts as, in `budget: {nfe}`",
};

impl Options for OpenAiImagesOptions {
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
            self.sizes.as_ref().map(|sizes| (SIZES.name.to_owned(), write_sizes(sizes))),
            PARTIAL_IMAGES.write(self.partial_images.map(u64::from).as_ref()),
            STREAM.write(Some(&self.stream)),
            NFE.write(Some(&self.nfe)),
        ];
        own.into_iter().flatten().chain(self.remote.write()).collect()
    }
}

/// The sizes, where they are given and right.
pub(super) fn read_sizes(fields: &Fields<'_>, section: &Section) -> Option<SizeChoice> {
    let entry = fields.entry(section.name)?;
    let found = match &entry.node.value {
        Value::Refused => return None,
        Value::Scalar(Scalar::Text(text)) if text == "any" => Some(SizeChoice::Any),
        Value::Scalar(Scalar::Whole(step @ 1..=4096)) => Some(SizeChoice::MultipleOf(*step as u32)),
        Value::List(items) if !items.is_empty() && items.len() <= 100 => {
            let size = |value: &Value| match value {
                Value::Scalar(Scalar::Text(text)) => size(text),
                _ => None,
            };
            items.iter().map(|item| size(&item.value)).collect::<Option<Vec<_>>>().map(SizeChoice::OneOf)
        }
        _ => None,
    };
    if found.is_none() {
        fields.error(entry.place(), Mistake::new(format!("{} must be {}", quote(section.name), section.allowed)));
    }
    found
}

fn size(text: &str) -> Option<ImageSize> {
    let (width, height) = text.split_once('x')?;
    let side = |side: &str| side.parse().ok().filter(|side| (1..=16_384).contains(side));
    Some(ImageSize { width: side(width)?, height: side(height)? })
}

pub(super) fn write_sizes(sizes: &SizeChoice) -> Yaml {
    match sizes {
        SizeChoice::Any => Yaml::text("any"),
        SizeChoice::MultipleOf(step) => Yaml::plain(step),
        SizeChoice::OneOf(sizes) => Yaml::List(sizes.iter().map(|size| Yaml::text(&size.to_string())).collect()),
    }
}
