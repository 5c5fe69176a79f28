//! Options of the editor `sdcpp_jobs`.

use super::openai_images::{MODEL, NFE, SizeChoice, read_sizes, write_sizes};
use crate::document::yaml::Yaml;
use crate::remote::{
    CALLS, FIELDS, FieldValue, KNOBS, KnobSetting, POLLS, PRICES, PollSettings, REPEAT, REVISION, RemoteSettings,
    SERVERS, read_fields, read_knobs, write_fields, write_knobs,
};
use crate::schema::fields::Fields;
use crate::schema::key::{Absent, Key, Keys, Section};
use crate::schema::options::Options;
use crate::schema::rule::Word;

/// An editor behind the native jobs of stable-diffusion.cpp.
#[derive(Debug, Clone, PartialEq)]
pub struct SdCppJobsOptions {
    /// The model, for people and revisions: the server has only one.
    pub model: Option<String>,
    /// What the picture is to the model.
    pub picture: PictureChoice,
    /// Which sizes can be asked for.
    pub sizes: Option<SizeChoice>,
    /// Denoiser evaluations that one edit counts as.
    pub nfe: u64,
    /// Fields that every request carries.
    pub fields: Vec<(String, FieldValue)>,
    /// Fields that a search may turn.
    pub knobs: Vec<KnobSetting>,
    /// How jobs are asked about.
    pub polls: PollSettings,
    /// The servers and what is told of them.
    pub remote: RemoteSettings,
}

/// What the picture is to the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureChoice {
    /// A reference, as models for editing take it.
    Reference,
    /// Where denoising starts.
    Start,
}

const PICTURE: Key<Word<PictureChoice>> = Key {
    name: "picture",
    rule: Word(&[("reference", PictureChoice::Reference), ("start", PictureChoice::Start)]),
    absent: Absent::Default(PictureChoice::Reference),
    meaning: "what the picture is to the model: a reference, as models for editing take it, or where denoising starts, from \
              which the field or knob `strength` leads away",
};

const SIZES: Section = Section {
    name: "sizes",
    allowed: "`any`, a whole number from 1 to 4096, or a list of sizes such as `1024x1536`",
    default: "`16`",
    meaning: "which sizes can be asked for: any, sides that are multiples of a number, or these alone; a wish for another \
              size becomes the nearest",
};

impl Options for SdCppJobsOptions {
    const NAME: &'static str = "sdcpp_jobs";
    const ABOUT: &'static str = "An editor behind the native jobs of stable-diffusion.cpp, `/sdcpp/v1`, which take masks \
                                 and are found again after a crash.";
    const KEYS: Keys =
        &[&MODEL, &SERVERS, &PICTURE, &FIELDS, &KNOBS, &SIZES, &NFE, &POLLS, &CALLS, &PRICES, &REVISION, &REPEAT];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (model, picture, nfe) = (fields.take(&MODEL), fields.take(&PICTURE), fields.take(&NFE));
        let (sizes, polls) = (read_sizes(fields, &SIZES), PollSettings::read(fields));
        let (fixed, knobs) = (read_fields(fields, &FIELDS), read_knobs(fields));
        let remote = RemoteSettings::read(fields);
        Some(Self {
            model,
            picture: picture?,
            sizes,
            nfe: nfe?,
            fields: fixed?,
            knobs: knobs?,
            polls: polls?,
            remote: remote?,
        })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let own = [
            MODEL.write(self.model.as_ref()),
            PICTURE.write(Some(&self.picture)),
            write_fields(&FIELDS, &self.fields),
            write_knobs(&self.knobs),
            self.sizes.as_ref().map(|sizes| (SIZES.name.to_owned(), write_sizes(sizes))),
            NFE.write(Some(&self.nfe)),
            Some(self.polls.write()),
        ];
        own.into_iter().flatten().chain(self.remote.write()).collect()
    }
}
