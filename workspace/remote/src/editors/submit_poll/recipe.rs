//! How recipes set such an editor.

use std::sync::Arc;
use std::time::Duration;

use editscale_core::EditorName;
use editscale_schema::remote::{
    CALLS, FIELDS, FieldValue, KNOBS, KnobSetting, POLLS, PRICES, PollSettings, REVISION, RemoteSettings, SERVERS,
    read_fields, read_knobs, section, write_fields, write_knobs,
};
use editscale_schema::{
    Absent, EditorChoice, Fields, Flag, FreeQuestion, House, Key, Keys, MadeEditor, MakeError, Mistake, Number,
    Options, Section, Subtable, Text, Word, Yaml,
};

use super::{InputFields, Service, SizePlace, SubmitPoll, SubmitPollOptions};
use crate::editors::keys::{NFE, model, read_sizes, sizes, write_sizes};
use crate::editors::size::SizeRule;
use crate::recipe::{connection, json_fields, knobs, polls, prices};

/// An editor behind a service that takes jobs.
#[derive(Debug, Clone, PartialEq)]
pub struct SubmitPollRecipe {
    /// Which service it is.
    pub service: Service,
    /// The model, as the service's addresses name it.
    pub model: String,
    /// What the model calls its inputs.
    pub inputs: InputSettings,
    /// Which sizes can be asked for, where one of the inputs is a size.
    pub sizes: Option<SizeRule>,
    /// How long a job may take by the service's own clock.
    pub server_limit: Option<Duration>,
    /// Denoiser evaluations that one edit counts as.
    pub nfe: u64,
    /// Inputs that every request carries.
    pub fields: Vec<(String, FieldValue)>,
    /// Inputs that a search may turn.
    pub knobs: Vec<KnobSetting>,
    /// How jobs are asked about.
    pub polls: PollSettings,
    /// The servers and what is told of them.
    pub remote: RemoteSettings,
}

/// What a model calls its inputs; what is `None` is as the service usually has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InputSettings {
    /// The instruction.
    pub prompt: Option<String>,
    /// The picture to edit.
    pub picture: Option<String>,
    /// Whether that is a list.
    pub picture_list: bool,
    /// The seed.
    pub seed: Option<String>,
    /// The mask.
    pub mask: Option<String>,
    /// The width, which goes with the height.
    pub width: Option<String>,
    /// The height, which goes with the width.
    pub height: Option<String>,
    /// The size, as an object.
    pub size: Option<String>,
    /// The proportion of width to height.
    pub proportion: Option<String>,
}

const SERVICE: Key<Word<Service>> = Key {
    name: "service",
    rule: Word(&[
        (Service::Bfl.word(), Service::Bfl),
        (Service::Fal.word(), Service::Fal),
        (Service::Replicate.word(), Service::Replicate),
    ]),
    absent: Absent::Refused,
    meaning: "which service it is: Black Forest Labs, fal or Replicate",
};

const MODEL: Key<Text> = model(
    "the model as the service's addresses name it, such as `flux-kontext-pro`, `fal-ai/flux-pro/kontext`, or at \
              Replicate `OWNER/NAME`, `OWNER/NAME:VERSION` or `deployments/OWNER/NAME`",
);

const SERVER_LIMIT: Key<Number> = Key {
    name: "server_limit_secs",
    rule: Number::from(5.0, 604_800.0),
    absent: Absent::Unset("at Replicate as long as our own deadline usually is, 1800; else none"),
    meaning: "how many seconds a job may take by the service's own clock: all of it at Replicate, the time before it begins at \
              fal; BFL has no such limit",
};

const INPUTS: Section =
    Section { name: "inputs", allowed: "a map", default: "`{}`", meaning: "what the model calls its inputs" };

const fn input(name: &'static str, absent: &'static str, meaning: &'static str) -> Key<Text> {
    Key { name, rule: Text, absent: Absent::Unset(absent), meaning }
}

const PROMPT: Key<Text> = input("prompt", "`prompt`", "the input that takes the instruction");
const PICTURE: Key<Text> =
    input("picture", "`input_image`, at fal `image_url`", "the input that takes the picture to edit");
const PICTURE_LIST: Key<Flag> = Key {
    name: "picture_list",
    rule: Flag,
    absent: Absent::Default(false),
    meaning: "whether that input takes a list of pictures",
};
const SEED: Key<Text> = input(
    "seed",
    "`seed` at BFL, else none is sent",
    "the input that takes the seed; naming it says that the same seed gives the same picture",
);
const MASK: Key<Text> =
    input("mask", "masks are refused", "the input that takes a mask, white where editing is allowed");
const WIDTH: Key<Text> = input("width", "not sent", "the input that takes the width; it goes with `height`");
const HEIGHT: Key<Text> = input("height", "not sent", "the input that takes the height; it goes with `width`");
const SIZE: Key<Text> =
    input("size", "not sent", "the input that takes the size as an object with `width` and `height`");
const PROPORTION: Key<Text> =
    input("proportion", "not sent", "the input that takes the proportion of width to height, such as `16:9`");

const INPUT_KEYS: Keys = &[&PROMPT, &PICTURE, &PICTURE_LIST, &SEED, &MASK, &WIDTH, &HEIGHT, &SIZE, &PROPORTION];

const SIZES: Section = sizes("`any`");

impl Options for SubmitPollRecipe {
    const NAME: &'static str = "submit_poll";
    const ABOUT: &'static str = "An editor behind a service that takes jobs: Black Forest Labs, fal or Replicate. What was \
                                 submitted is never submitted again by itself.";
    const KEYS: Keys = &[
        &SERVICE,
        &MODEL,
        &SERVERS,
        &INPUTS,
        &FIELDS,
        &KNOBS,
        &SIZES,
        &SERVER_LIMIT,
        &NFE,
        &POLLS,
        &CALLS,
        &PRICES,
        &REVISION,
    ];
    const SUBTABLES: &'static [Subtable] =
        &[Subtable { path: INPUTS.name, about: "What a model calls its inputs.", keys: INPUT_KEYS }];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (service, model, nfe) = (fields.take(&SERVICE), fields.take(&MODEL), fields.take(&NFE));
        let inputs = section(fields, &INPUTS, INPUT_KEYS, InputSettings::read);
        let (sizes, polls) = (read_sizes(fields, &SIZES), PollSettings::read(fields));
        let server_limit = fields.take(&SERVER_LIMIT).map(Duration::from_secs_f64);
        let (fixed, knobs) = (read_fields(fields, &FIELDS), read_knobs(fields));
        let remote = RemoteSettings::read(fields);
        let (service, mut remote) = (service?, remote?);
        remote.usual_header = service.secret_header();
        Some(Self {
            service,
            model: model?,
            inputs: inputs?,
            sizes,
            server_limit,
            nfe: nfe?,
            fields: fixed?,
            knobs: knobs?,
            polls: polls?,
            remote,
        })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let own = [
            SERVICE.write(Some(&self.service)),
            MODEL.write(Some(&self.model)),
            Some((INPUTS.name.to_owned(), self.inputs.write())),
            write_fields(&FIELDS, &self.fields),
            write_knobs(&self.knobs),
            write_sizes(&SIZES, self.sizes.as_ref()),
            SERVER_LIMIT.write(self.server_limit.map(|limit| limit.as_secs_f64()).as_ref()),
            NFE.write(Some(&self.nfe)),
            Some(self.polls.write()),
        ];
        own.into_iter().flatten().chain(self.remote.write()).collect()
    }
}

impl EditorChoice for SubmitPollRecipe {
    fn make(&self, name: &EditorName, _: &House) -> Result<MadeEditor, MakeError> {
        let remote = &self.remote;
        let usual = SubmitPollOptions::new(name.clone(), self.service, &self.model, connection(remote));
        let options = SubmitPollOptions {
            revision: remote.revision.clone(),
            prices: prices(&remote.prices),
            nfe: self.nfe,
            size: self.inputs.size_place(),
            inputs: self.inputs.fields(usual.inputs),
            fields: json_fields(&self.fields),
            knobs: knobs(&self.knobs),
            sizes: self.sizes.clone().unwrap_or(usual.sizes),
            // A job that nobody waits for any more is not to go on for longer, nor to be ended while it is waited for.
            server_limit: self.server_limit.or(usual.server_limit.map(|_| self.polls.deadline)),
            polls: polls(self.polls),
            ..usual
        };
        Ok(MadeEditor::Ready(Arc::new(SubmitPoll::new(options)?)))
    }

    fn remote(&self) -> Option<&RemoteSettings> {
        Some(&self.remote)
    }

    fn remote_mut(&mut self) -> Option<&mut RemoteSettings> {
        Some(&mut self.remote)
    }

    /// What the account is like. The queue of fal has nothing of the kind.
    fn free_question(&self) -> FreeQuestion<'_> {
        let path = match self.service {
            Service::Bfl => "credits",
            Service::Fal => "",
            Service::Replicate => "account",
        };
        (path.into(), None)
    }
}

impl InputSettings {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let picture_list = fields.take(&PICTURE_LIST);
        let inputs = Self {
            prompt: fields.take(&PROMPT),
            picture: fields.take(&PICTURE),
            picture_list: picture_list?,
            seed: fields.take(&SEED),
            mask: fields.take(&MASK),
            width: fields.take(&WIDTH),
            height: fields.take(&HEIGHT),
            size: fields.take(&SIZE),
            proportion: fields.take(&PROPORTION),
        };
        check(fields);
        Some(inputs)
    }

    /// What the model calls its inputs, where `usual` has those that are left out.
    fn fields(&self, usual: InputFields) -> InputFields {
        InputFields {
            prompt: self.prompt.clone().unwrap_or(usual.prompt),
            picture: self.picture.clone().unwrap_or(usual.picture),
            picture_is_list: self.picture_list,
            seed: self.seed.clone().or(usual.seed),
            mask: self.mask.clone(),
        }
    }

    fn size_place(&self) -> SizePlace {
        match self {
            Self { width: Some(width), height: Some(height), .. } => {
                SizePlace::Sides { width: width.clone(), height: height.clone() }
            }
            Self { size: Some(size), .. } => SizePlace::Object(size.clone()),
            Self { proportion: Some(proportion), .. } => SizePlace::Proportion(proportion.clone()),
            _ => SizePlace::Nowhere,
        }
    }

    fn write(&self) -> Yaml {
        let written = [
            PROMPT.write(self.prompt.as_ref()),
            PICTURE.write(self.picture.as_ref()),
            PICTURE_LIST.write(Some(&self.picture_list)),
            SEED.write(self.seed.as_ref()),
            MASK.write(self.mask.as_ref()),
            WIDTH.write(self.width.as_ref()),
            HEIGHT.write(self.height.as_ref()),
            SIZE.write(self.size.as_ref()),
            PROPORTION.write(self.proportion.as_ref()),
        ];
        Yaml::Map(written.into_iter().flatten().collect())
    }
}

/// A size is asked for in one way.
fn check(fields: &Fields<'_>) {
    for (given, other) in [(&WIDTH, &HEIGHT), (&HEIGHT, &WIDTH)] {
        if fields.has(given.name) && !fields.has(other.name) {
            let mistake = Mistake::new(format!("`{}` has no meaning without `{}`", given.name, other.name));
            fields.error(&fields.span_of(given.name), mistake);
        }
    }
    let ways: Vec<&str> = [WIDTH.name, SIZE.name, PROPORTION.name].into_iter().filter(|way| fields.has(way)).collect();
    if let [_, second, ..] = ways.as_slice() {
        let mistake = Mistake::new("a size can be asked for in one way only")
            .hint("keep `width` with `height`, or `size`, or `proportion`");
        fields.error(&fields.span_of(second), mistake);
    }
}
