//! Whether the components of an InstructPix2Pix belong together.

use std::path::Path;

use crate::editors::fit::Fit;
use crate::editors::instruct_pix2pix::unet;
use crate::layers::autoencoder_kl;
use crate::layers::clip_text::ClipTextConfig;

/// What is known of the components.
#[derive(Debug, Default)]
pub(in crate::editors) struct Parts<'a> {
    /// The greatest id of the tokenizer.
    pub(in crate::editors) largest_id: Option<u32>,
    pub(in crate::editors) text: Option<&'a ClipTextConfig>,
    pub(in crate::editors) autoencoder: Option<&'a autoencoder_kl::Config>,
    pub(in crate::editors) unet: Option<&'a unet::Config>,
}

/// Compares them; the folders of tokenizer and UNet are what errors point at.
pub(in crate::editors) fn fit(tokenizer: &Path, unet_folder: &Path, parts: &Parts<'_>) -> Fit {
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
