//! The components of a FLUX.1 Kontext: what they are called, and whether they belong together.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::editors::class::{ClassFacts, Component, DIFFUSERS, PipelineClass, TRANSFORMERS};
use crate::editors::fit::Fit;
use crate::editors::flux::{FluxConfig, FluxTransformer, Naming};
use crate::editors::samplers::FlowConfig;
use crate::editors::verify::{AUTOENCODER, CLIP, Look, Network, T5, compute};
use crate::layers::autoencoder_kl;
use crate::layers::clip_text::ClipTextConfig;
use crate::layers::t5::T5Config;
use crate::text::{ClipTokens, T5Tokens};

/// The class of its pipelines.
pub const CLASS: PipelineClass = PipelineClass::of(&FACTS);

/// What is known of them.
static FACTS: ClassFacts = ClassFacts {
    name: "FluxKontextPipeline",
    components: &[
        Component::small("scheduler"),
        Component::small("tokenizer"),
        Component::small("tokenizer_2"),
        Component::large("text_encoder", TRANSFORMERS),
        Component::large("text_encoder_2", TRANSFORMERS),
        Component::large("vae", DIFFUSERS),
        Component::large("transformer", DIFFUSERS),
    ],
    verify,
};

const TRANSFORMER: Network<FluxConfig> = Network {
    config: FluxConfig::read,
    open: FluxTransformer::open,
    build: |checkpoint, config| {
        let named = (Arc::clone(checkpoint), Naming::Diffusers);
        FluxTransformer::of_checkpoint(named, config, &compute()).map(drop)
    },
    is_all: true,
};

fn verify(look: &mut Look) -> Fit {
    look.scheduler(FlowConfig::read);
    let clip_tokens = look.small("tokenizer", ClipTokens::load);
    let t5_tokens = look.small("tokenizer_2", T5Tokens::load);
    let clip = look.network("text_encoder", &CLIP);
    let t5 = look.network("text_encoder_2", &T5);
    let autoencoder = look.network("vae", &AUTOENCODER);
    let transformer = look.network("transformer", &TRANSFORMER);
    look.verified.vocabulary = clip.as_ref().map_or(0, |config| config.vocab_size);
    let parts = Parts {
        largest_ids: [clip_tokens.map(|tokens| tokens.largest_id()), t5_tokens.map(|tokens| tokens.largest_id())],
        clip: clip.as_ref(),
        t5: t5.as_ref(),
        autoencoder: autoencoder.as_ref(),
        transformer: transformer.as_ref(),
    };
    let folder = look.folder.path();
    let tokenizers = [folder.join("tokenizer"), folder.join("tokenizer_2")];
    fit(&tokenizers, &folder.join("transformer").join("config.json"), &parts)
}

/// What is known of the components.
#[derive(Debug, Default)]
pub(super) struct Parts<'a> {
    /// The greatest ids of the two tokenizers.
    pub(super) largest_ids: [Option<u32>; 2],
    pub(super) clip: Option<&'a ClipTextConfig>,
    pub(super) t5: Option<&'a T5Config>,
    pub(super) autoencoder: Option<&'a autoencoder_kl::Config>,
    pub(super) transformer: Option<&'a FluxConfig>,
}

/// Compares them; the folders of the tokenizers and the transformer's file are what errors point at.
pub(super) fn fit(tokenizers: &[PathBuf; 2], file: &Path, parts: &Parts<'_>) -> Fit {
    let mut fit = Fit::default();
    let transformer = |number: fn(&FluxConfig) -> usize| parts.transformer.map(number);
    // A token is a square of two by two latents.
    let latents = parts.autoencoder.map(|config| 4 * config.latent_channels);
    fit.same(file, "input channels", transformer(|config| config.in_channels), latents);
    fit.same(file, "output channels", transformer(|config| config.out_channels), latents);
    let width = parts.t5.map(|config| config.d_model);
    fit.same(file, "a text width of", transformer(|config| config.text_width), width);
    let width = parts.clip.map(|config| config.hidden_size);
    fit.same(file, "a pooled width of", transformer(|config| config.pooled_width), width);
    let rows = [parts.clip.map(|config| config.vocab_size), parts.t5.map(|config| config.vocab_size)];
    for ((tokenizer, largest), rows) in tokenizers.iter().zip(parts.largest_ids).zip(rows) {
        fit.ids(tokenizer, largest, rows);
    }
    fit
}
