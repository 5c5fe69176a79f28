//! The components of a folder of the authors' fork of diffusers, and whether they belong together.

use std::path::Path;

use crate::editors::class::{ClassFacts, Component, DIFFUSERS, PipelineClass, TRANSFORMERS};
use crate::editors::fit::Fit;
use crate::editors::flux::{FluxTransformer, Naming};
use crate::editors::samplers::FlowConfig;
use crate::editors::step1x_edit::DenoiserConfig;
use crate::editors::step1x_edit::denoiser::Denoiser;
use crate::editors::verify::{AUTOENCODER, Look, Network, compute};
use crate::encoders::vision_language::EncoderFacts;
use crate::layers::autoencoder_kl;

/// The classes of its pipelines: v1.1, and v1.2 with its preview.
pub const CLASSES: [PipelineClass; 2] = [PipelineClass::of(&FACTS), PipelineClass::of(&FACTS_V1_2)];

const COMPONENTS: &[Component] = &[
    Component::small("scheduler"),
    Component::small("processor"),
    Component::large("vae", DIFFUSERS),
    Component::large("text_encoder", TRANSFORMERS),
    Component::large("transformer", DIFFUSERS),
];

static FACTS: ClassFacts = ClassFacts { name: "Step1XEditPipeline", components: COMPONENTS, verify };
static FACTS_V1_2: ClassFacts = ClassFacts { name: "Step1XEditPipelineV1P2", components: COMPONENTS, verify };

const TRANSFORMER: Network<DenoiserConfig> = Network {
    config: DenoiserConfig::read,
    open: FluxTransformer::open,
    build: |checkpoint, config| Denoiser::of_checkpoint((checkpoint, Naming::Step1x), &config, &compute()).map(drop),
    is_all: true,
};

fn verify(look: &mut Look) -> Fit {
    look.scheduler(FlowConfig::read);
    let encoder = look.encoder();
    let autoencoder = look.network("vae", &AUTOENCODER);
    let denoiser = look.network("transformer", &TRANSFORMER);
    let parts = Parts { encoder, autoencoder: autoencoder.as_ref(), denoiser: denoiser.as_ref() };
    let folder = look.folder.path();
    fit(&folder.join("processor"), &folder.join("transformer").join("config.json"), &parts)
}

/// What is known of the components.
#[derive(Debug, Default)]
pub(super) struct Parts<'a> {
    pub(super) encoder: EncoderFacts,
    pub(super) autoencoder: Option<&'a autoencoder_kl::Config>,
    pub(super) denoiser: Option<&'a DenoiserConfig>,
}

/// Compares them; the tokenizer and the denoiser's file are what errors point at.
pub(super) fn fit(tokenizer: &Path, file: &Path, parts: &Parts<'_>) -> Fit {
    let mut fit = Fit::default();
    let denoiser = |number: fn(&DenoiserConfig) -> usize| parts.denoiser.map(number);
    // A token is a square of two by two latents.
    let latents = parts.autoencoder.map(|config| 4 * config.latent_channels);
    fit.same(file, "input channels", denoiser(|config| config.transformer.in_channels), latents);
    fit.same(file, "output channels", denoiser(|config| config.transformer.out_channels), latents);
    fit.same(file, "a connector for a width of", denoiser(|config| config.connector.in_width), parts.encoder.width());
    fit.ids(tokenizer, parts.encoder.largest_id, parts.encoder.rows);
    fit
}
