//! Editors, a folder a dialect.

pub(crate) mod ark;
pub(crate) mod card;
pub(crate) mod comfyui;
pub(crate) mod gemini;
pub(crate) mod item;
pub(crate) mod keys;
pub(crate) mod knobs;
pub(crate) mod masks;
pub(crate) mod openai_images;
pub(crate) mod sdcpp_jobs;
pub(crate) mod sglang_rollout;
pub(crate) mod sglang_weights;
pub(crate) mod size;
pub(crate) mod submit_poll;
pub(crate) mod wish;

pub use ark::{Ark, ArkGeneration, ArkOptions, ArkRecipe};
pub use comfyui::{ComfyUi, ComfyUiOptions, ComfyUiRecipe, WorkflowBindings, WorkflowFinding, WorkflowKnob};
pub use gemini::{Gemini, GeminiOptions, GeminiRecipe};
pub use knobs::FieldKnob;
pub use openai_images::{MaskRule, OpenAiImages, OpenAiImagesOptions, OpenAiImagesRecipe, Profile, SeedPlace};
pub use sdcpp_jobs::{PictureUse, SdCppCapabilities, SdCppJobs, SdCppJobsOptions, SdCppJobsRecipe};
pub use sglang_rollout::{GeneratorDevice, RolloutSampler, SgLangRollout, SgLangRolloutOptions, SgLangRolloutRecipe};
pub use size::SizeRule;
pub use submit_poll::{
    InputFields, InputSettings, Service, SizePlace, SubmitPoll, SubmitPollOptions, SubmitPollRecipe,
};

use editscale_schema::EditorKind;

/// The editors behind HTTP that recipes can name. To add one, write its folder and a line here.
pub const EDITORS: &[EditorKind] = &[
    EditorKind::of::<openai_images::OpenAiImagesRecipe>(),
    EditorKind::of::<sdcpp_jobs::SdCppJobsRecipe>(),
    EditorKind::of::<submit_poll::SubmitPollRecipe>(),
    EditorKind::of::<comfyui::ComfyUiRecipe>(),
    EditorKind::of::<gemini::GeminiRecipe>(),
    EditorKind::of::<ark::ArkRecipe>(),
    EditorKind::of::<sglang_rollout::SgLangRolloutRecipe>(),
];
