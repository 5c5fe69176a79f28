//! The editors that recipes can name. To add one, write its options in a file here and register them below; whoever
//! builds editors matches on the enum.

mod ark;
mod comfyui;
mod darkroom;
mod diffusion;
mod entries;
mod flux_kontext;
mod gemini;
mod instruct_pix2pix;
mod openai_images;
mod sdcpp_jobs;
mod sglang_rollout;
mod submit_poll;

pub use ark::{ArkOptions, GenerationChoice, SizeWord};
pub use comfyui::ComfyUiOptions;
pub use darkroom::Darkroom;
pub use diffusion::{DiffusionSettings, ResultSize};
pub(crate) use entries::{EDITOR, EDITORS, read_editors};
pub use flux_kontext::{FluxKontextOptions, TextDevice};
pub use gemini::{GeminiOptions, ResolutionChoice};
pub use instruct_pix2pix::{InstructPix2PixOptions, SamplerChoice};
pub use openai_images::{ImagesProfile, MaskChoice, OpenAiImagesOptions, SeedChoice, SizeChoice};
pub use sdcpp_jobs::{PictureChoice, SdCppJobsOptions};
pub use sglang_rollout::{RolloutChoice, SgLangRolloutOptions};
pub(crate) use submit_poll::INPUT_KEYS;
pub use submit_poll::{InputSettings, ServiceChoice, SubmitPollOptions};

use crate::remote::RemoteSettings;
use crate::schema::options::alternatives;

alternatives! {
    /// Which editor, with its options.
    EditorModel, "an editor", "editor":
    /// The photographic editor that is built in.
    Darkroom(Darkroom),
    /// InstructPix2Pix, from the folder of a pipeline.
    InstructPix2Pix(InstructPix2PixOptions),
    /// FLUX.1 Kontext, from the folder of a pipeline.
    FluxKontext(FluxKontextOptions),
    /// An editor behind `/v1/images/edits`.
    OpenAiImages(OpenAiImagesOptions),
    /// An editor behind the native jobs of stable-diffusion.cpp.
    SdCppJobs(SdCppJobsOptions),
    /// An editor behind a service that takes jobs.
    SubmitPoll(SubmitPollOptions),
    /// A workflow of `ComfyUI`.
    ComfyUi(ComfyUiOptions),
    /// Google's models that make pictures.
    Gemini(GeminiOptions),
    /// `Seedream` and `SeedEdit`.
    Ark(ArkOptions),
    /// An editor behind `/rollout/generate`.
    SgLangRollout(SgLangRolloutOptions),
}

impl EditorModel {
    /// Its servers, where it is behind HTTP.
    pub fn remote(&self) -> Option<&RemoteSettings> {
        match self {
            Self::OpenAiImages(options) => Some(&options.remote),
            Self::SdCppJobs(options) => Some(&options.remote),
            Self::SubmitPoll(options) => Some(&options.remote),
            Self::ComfyUi(options) => Some(&options.remote),
            Self::Gemini(options) => Some(&options.remote),
            Self::Ark(options) => Some(&options.remote),
            Self::SgLangRollout(options) => Some(&options.remote),
            Self::Darkroom(_) | Self::InstructPix2Pix(_) | Self::FluxKontext(_) => None,
        }
    }

    /// The same with one of its servers alone, by its place in the recipe.
    #[must_use]
    pub fn on_server(&self, place: usize) -> Self {
        let mut model = self.clone();
        if let Some(remote) = model.remote_mut() {
            remote.servers = remote.servers.get(place).cloned().into_iter().collect();
        }
        model
    }

    pub(crate) fn remote_mut(&mut self) -> Option<&mut RemoteSettings> {
        match self {
            Self::OpenAiImages(options) => Some(&mut options.remote),
            Self::SdCppJobs(options) => Some(&mut options.remote),
            Self::SubmitPoll(options) => Some(&mut options.remote),
            Self::ComfyUi(options) => Some(&mut options.remote),
            Self::Gemini(options) => Some(&mut options.remote),
            Self::Ark(options) => Some(&mut options.remote),
            Self::SgLangRollout(options) => Some(&mut options.remote),
            Self::Darkroom(_) | Self::InstructPix2Pix(_) | Self::FluxKontext(_) => None,
        }
    }
}
