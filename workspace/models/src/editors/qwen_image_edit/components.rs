//! The components of a Qwen-Image-Edit: what they are called, and whether they belong together.

use std::path::Path;
use std::sync::Arc;

use crate::editors::class::{ClassFacts, Component, DIFFUSERS, PipelineClass, TRANSFORMERS};
use crate::editors::fit::Fit;
use crate::editors::qwen_image::{QwenConfig, QwenTransformer};
use crate::editors::samplers::FlowConfig;
use crate::editors::verify::{Look, Network, compute};
use crate::encoders::vision_language::EncoderFacts;
use crate::layers::Scope;
use crate::layers::autoencoder_qwen::{self, AutoencoderQwen};

/// The class of pipelines of the release of August 2025.
pub const EDIT: PipelineClass = PipelineClass::of(&FACTS);

/// That of later ones, which take several pictures.
pub const EDIT_PLUS: PipelineClass = PipelineClass::of(&PLUS_FACTS);

const COMPONENTS: &[Component] = &[
    Component::small("scheduler"),
    // One of the two holds `tokenizer.json`, depending on the release.
    Component::small("tokenizer"),
    Component::small("processor"),
    Component::large("vae", DIFFUSERS),
    Component::large("text_encoder", TRANSFORMERS),
    Component::large("transformer", DIFFUSERS),
];

static FACTS: ClassFacts = ClassFacts { name: "QwenImageEditPipeline", components: COMPONENTS, verify };
static PLUS_FACTS: ClassFacts = ClassFacts { name: "QwenImageEditPlusPipeline", components: COMPONENTS, verify };

const TRANSFORMER: Network<QwenConfig> = Network {
    config: QwenConfig::read,
    open: QwenTransformer::open,
    build: |checkpoint, config| QwenTransformer::of_checkpoint(Arc::clone(checkpoint), config, &compute()).map(drop),
    is_all: true,
};

const AUTOENCODER: Network<autoencoder_qwen::Config> = Network {
    config: autoencoder_qwen::Config::read,
    open: AutoencoderQwen::open,
    build: |checkpoint, config| Ok(AutoencoderQwen::of(&Scope::root(checkpoint, &compute()), config).map(drop)?),
    is_all: false,
};

fn verify(look: &mut Look) -> Fit {
    look.scheduler(FlowConfig::read);
    let encoder = look.encoder();
    let autoencoder = look.network("vae", &AUTOENCODER);
    let transformer = look.network("transformer", &TRANSFORMER);
    let parts = Parts { encoder, autoencoder: autoencoder.as_ref(), transformer: transformer.as_ref() };
    let folder = look.folder.path();
    fit(&folder.join("processor"), &folder.join("transformer").join("config.json"), &parts)
}

/// What is known of the components.
#[derive(Debug, Default)]
pub(super) struct Parts<'a> {
    pub(super) encoder: EncoderFacts,
    pub(super) autoencoder: Option<&'a autoencoder_qwen::Config>,
    pub(super) transformer: Option<&'a QwenConfig>,
}

/// Compares them; the tokenizer's folder and the transformer's file are what errors point at.
pub(super) fn fit(tokenizer: &Path, file: &Path, parts: &Parts<'_>) -> Fit {
    let mut fit = Fit::default();
    let transformer = |number: fn(&QwenConfig) -> usize| parts.transformer.map(number);
    // A token is a square of two by two latents.
    let latents = parts.autoencoder.map(|config| 4 * config.latent_channels);
    fit.same(file, "input channels", transformer(|config| config.in_channels), latents);
    fit.same(file, "a text width of", transformer(|config| config.text_width), parts.encoder.width());
    fit.ids(tokenizer, parts.encoder.largest_id, parts.encoder.rows);
    fit
}
