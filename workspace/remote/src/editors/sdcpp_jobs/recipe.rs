//! How recipes set such an editor.

use std::sync::Arc;

use editscale_core::EditorName;
use editscale_schema::remote::{
    CALLS, FIELDS, FieldValue, KNOBS, KnobSetting, POLLS, PRICES, PollSettings, REPEAT, REVISION, RemoteSettings,
    SERVERS, read_fields, read_knobs, write_fields, write_knobs,
};
use editscale_schema::{
    Absent, EditorChoice, Fields, FreeQuestion, House, Key, Keys, MadeEditor, MakeError, Options, Section, Word, Yaml,
};

use super::{PictureUse, SdCppJobs, SdCppJobsOptions};
use crate::editors::keys::{MODEL, NFE, read_sizes, sizes, write_sizes};
use crate::editors::size::SizeRule;
use crate::recipe::{connection, json_fields, knobs, polls, prices, repeat};

/// An editor behind the native jobs of stable-diffusion.cpp.
#[derive(Debug, Clone, PartialEq)]
pub struct SdCppJobsRecipe {
    /// The model, for people and revisions: the server has only one.
    pub model: Option<String>,
    /// What the picture is to the model.
    pub picture: PictureUse,
    /// Which sizes can be asked for.
    pub sizes: Option<SizeRule>,
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

const PICTURE: Key<Word<PictureUse>> = Key {
    name: "picture",
    rule: Word(&[(PictureUse::Reference.word(), PictureUse::Reference), (PictureUse::Start.word(), PictureUse::Start)]),
    absent: Absent::Default(PictureUse::Reference),
    meaning: "what the picture is to the model: a reference, as models for editing take it, or where denoising starts, from \
              which the field or knob `strength` leads away",
};

const SIZES: Section = sizes("`16`");

impl Options for SdCppJobsRecipe {
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
            write_sizes(&SIZES, self.sizes.as_ref()),
            NFE.write(Some(&self.nfe)),
            Some(self.polls.write()),
        ];
        own.into_iter().flatten().chain(self.remote.write()).collect()
    }
}

impl EditorChoice for SdCppJobsRecipe {
    fn make(&self, name: &EditorName, _: &House) -> Result<MadeEditor, MakeError> {
        let (model, remote) = (self.model.as_deref().unwrap_or_default(), &self.remote);
        let usual = SdCppJobsOptions::new(name.clone(), model, connection(remote));
        let options = SdCppJobsOptions {
            revision: remote.revision.clone(),
            prices: prices(&remote.prices),
            nfe: self.nfe,
            picture: self.picture,
            fields: json_fields(&self.fields),
            knobs: knobs(&self.knobs),
            sizes: self.sizes.clone().unwrap_or(usual.sizes),
            repeat: remote.repeat.map(repeat),
            polls: polls(self.polls),
            ..usual
        };
        Ok(MadeEditor::Ready(Arc::new(SdCppJobs::new(options)?)))
    }

    fn remote(&self) -> Option<&RemoteSettings> {
        Some(&self.remote)
    }

    fn remote_mut(&mut self) -> Option<&mut RemoteSettings> {
        Some(&mut self.remote)
    }

    fn free_question(&self) -> FreeQuestion<'_> {
        ("capabilities".into(), None)
    }
}
