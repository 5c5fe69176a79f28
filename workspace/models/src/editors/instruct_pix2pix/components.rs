//! The components of an InstructPix2Pix: what they are called, and whether they belong together.

use std::path::Path;

use crate::editors::class::{ClassFacts, Component, DIFFUSERS, PipelineClass, TRANSFORMERS};
use crate::editors::fit::Fit;
use crate::editors::instruct_pix2pix::unet::{self, UNet};
use crate::editors::samplers::DiffusionConfig;
use crate::editors::verify::{AUTOENCODER, CLIP, Look, Network, compute};
use crate::layers::Scope;
use crate::layers::autoencoder_kl;
use crate::layers::clip_text::ClipTextConfig;
use crate::text::ClipTokens;

/// The class of its pipelines.
pub const CLASS: PipelineClass = PipelineClass::of(&FACTS);

/// What is known of them.
static FACTS: ClassFacts = ClassFacts {
    name: "StableDiffusionInstructPix2PixPipeline",
    components: &[
        Component::small("scheduler"),
        Component::small("tokenizer"),
        Component::large("text_encoder", TRANSFORMERS),
        Component::large("vae", DIFFUSERS),
        Component::large("unet", DIFFUSERS),
    ],
    verify,
};

const UNET: Network<unet::Config> = Network {
    config: unet::Config::read,
    open: UNet::open,
    build: |checkpoint, config| Ok(UNet::of(&Scope::root(checkpoint, &compute()), config).map(drop)?),
    is_all: false,
};

fn verify(look: &mut Look) -> Fit {
    if let Some(config) = look.scheduler(DiffusionConfig::read)
        && config.kind.is_none()
    {
        let note = format!("names the scheduler `{}`: recipes have to set another `sampler`", config.class);
        look.verified.notes.push(format!("{}: {note}", look.folder.scheduler().display()));
    }
    let tokens = look.small("tokenizer", ClipTokens::load);
    let text = look.network("text_encoder", &CLIP);
    let autoencoder = look.network("vae", &AUTOENCODER);
    let unet = look.network("unet", &UNET);
    look.verified.vocabulary = text.as_ref().map_or(0, |config| config.vocab_size);
    let parts = Parts {
        largest_id: tokens.map(|tokens| tokens.largest_id()),
        text: text.as_ref(),
        autoencoder: autoencoder.as_ref(),
        unet: unet.as_ref(),
    };
    let folder = look.folder.path();
    fit(&folder.join("tokenizer"), &folder.join("unet"), &parts)
}

/// What is known of the components.
#[derive(Debug, Default)]
pub(super) struct Parts<'a> {
    /// The greatest id of the tokenizer.
    pub(super) largest_id: Option<u32>,
    pub(super) text: Option<&'a ClipTextConfig>,
    pub(super) autoencoder: Option<&'a autoencoder_kl::Config>,
    pub(super) unet: Option<&'a unet::Config>,
}

/// Compares them; the folders of tokenizer and UNet are what errors point at.
pub(super) fn fit(tokenizer: &Path, unet_folder: &Path, parts: &Parts<'_>) -> Fit {
    let mut fit = Fit::default();
    let file = unet_folder.join("config.json");
    let latents = parts.autoencoder.map(|config| config.latent_channels);
    let unet = |number: fn(&unet::Config) -> usize| parts.unet.map(number);
    fit.same(&file, "`in_channels`", unet(|config| config.in_channels), latents.map(|latents| 2 * latents));
    fit.same(&file, "`out_channels`", unet(|config| config.out_channels), latents);
    let width = parts.text.map(|config| config.hidden_size);
    fit.same(&file, "`cross_attention_dim`", unet(|config| config.cross_attention_dim), width);
    fit.ids(tokenizer, parts.largest_id, parts.text.map(|config| config.vocab_size));
    fit
}
