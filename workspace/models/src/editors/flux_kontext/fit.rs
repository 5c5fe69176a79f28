//! Whether the components of a FLUX.1 Kontext belong together.

use std::path::Path;

use crate::editors::fit::Fit;
use crate::editors::flux::FluxConfig;
use crate::layers::autoencoder_kl;
use crate::layers::clip_text::ClipTextConfig;
use crate::layers::t5::T5Config;

/// What is known of the components.
#[derive(Debug, Default)]
pub(in crate::editors) struct Parts<'a> {
    /// The greatest ids of the two tokenizers.
    pub(in crate::editors) largest_ids: [Option<u32>; 2],
    pub(in crate::editors) clip: Option<&'a ClipTextConfig>,
    pub(in crate::editors) t5: Option<&'a T5Config>,
    pub(in crate::editors) autoencoder: Option<&'a autoencoder_kl::Config>,
    pub(in crate::editors) transformer: Option<&'a FluxConfig>,
}

/// Compares them; the folders of the tokenizers and the transformer's file are what errors point at.
pub(in crate::editors) fn fit(tokenizers: [&Path; 2], file: &Path, parts: &Parts<'_>) -> Fit {
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
    for ((tokenizer, largest), rows) in tokenizers.into_iter().zip(parts.largest_ids).zip(rows) {
        fit.ids(tokenizer, largest, rows);
    }
    fit
}
