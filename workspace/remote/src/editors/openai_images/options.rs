//! What such an editor is told.

use std::collections::BTreeMap;

use editscale_core::EditorName;

use super::arguments;
use super::profile::{MaskRule, OWN_FIELDS, Profile, SeedPlace};
use crate::SetupError;
use crate::editors::knobs::{FieldKnob, check_foreign, check_free, names};
use crate::editors::size::SizeRule;
use crate::fleet::Connection;
use crate::picture::PictureLimits;
use crate::price::{Prices, TokenBounds};
use crate::trouble::retry::Repeat;

/// What an editor behind `/images/edits` is told. What is `None` follows from the profile.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenAiImagesOptions {
    /// Its name among the editors of a recipe.
    pub name: EditorName,
    /// Which server it is.
    pub profile: Profile,
    /// The model's name as the server knows it; empty where the server has only one.
    pub model: String,
    /// The servers, and how they are spoken to.
    pub connection: Connection,
    /// What else tells one revision of the answers from another, such as the commit of the weights.
    pub revision: Option<String>,
    /// What edits cost.
    pub prices: Prices,
    /// The most tokens that one edit takes.
    pub bounds: TokenBounds,
    /// Denoiser evaluations that one edit counts as.
    pub nfe: u64,
    /// Fields that every request carries, such as `quality` or `num_inference_steps`.
    pub fields: BTreeMap<String, String>,
    /// Fields that a search may turn.
    pub knobs: Vec<FieldKnob>,
    /// Where the seed is written.
    pub seeds: Option<SeedPlace>,
    /// How a mask is sent.
    pub masks: Option<MaskRule>,
    /// Which sizes can be asked for.
    pub sizes: Option<SizeRule>,
    /// Whether an edit that may have been done is sent again.
    pub repeat: Option<Repeat>,
    /// Asks for the answer as a stream with so many pictures of what there is so far, from 0 to 3; each costs tokens. Only
    /// GPT-Image and what passes its answers on know it.
    pub partial_images: Option<u8>,
    /// Asks for the answer as a stream of `vLLM-Omni`'s own kind, which only its models of several stages have: the
    /// connection stays in use while they think, and an error comes with its words.
    pub stream: bool,
    /// Limits on what comes back.
    pub limits: PictureLimits,
}

impl OpenAiImagesOptions {
    /// A model on these servers, with nothing special about it.
    pub fn new(name: EditorName, profile: Profile, model: &str, connection: Connection) -> Self {
        // A GPT-Image edit of the largest size and highest quality takes a little over 6000 tokens out.
        let is_counted = matches!(profile, Profile::OpenAi | Profile::LiteLlm);
        let bounds = if is_counted { TokenBounds { input: 16_000, output: 16_000 } } else { TokenBounds::default() };
        Self {
            name,
            profile,
            model: model.to_owned(),
            connection,
            revision: None,
            prices: Prices::default(),
            bounds,
            nfe: 0,
            fields: BTreeMap::new(),
            knobs: Vec::new(),
            seeds: None,
            masks: None,
            sizes: None,
            repeat: None,
            partial_images: None,
            stream: false,
            limits: PictureLimits::default(),
        }
    }

    /// Whether the answer is to come as a stream, of either kind.
    pub(crate) fn streams(&self) -> bool {
        self.stream || self.partial_images.is_some()
    }

    /// Whether settings are written into the prompt, where stable-diffusion.cpp looks for them.
    pub(crate) fn writes_arguments(&self) -> bool {
        self.profile == Profile::SdCpp || self.seeds == Some(SeedPlace::PromptArguments)
    }

    /// Refuses what would contradict what this program writes itself.
    pub(crate) fn check(&self) -> Result<(), SetupError> {
        check_foreign("fields", self.fields.keys().map(String::as_str).chain(names(&self.knobs)), &OWN_FIELDS)?;
        check_free(&self.knobs, |name| self.fields.contains_key(name))?;
        let knows_streams = matches!(self.profile, Profile::OpenAi | Profile::LiteLlm | Profile::Generic);
        if let Some(count) = self.partial_images.filter(|count| *count > 3 || !knows_streams) {
            return Err(SetupError::setting("partial_images", "0 to 3, on a server that streams pictures", &count));
        }
        if self.stream && self.profile != Profile::VllmOmni {
            let found = format!("`stream` for `{}`", self.profile);
            return Err(SetupError::setting("stream", "vllm_omni, whose own stream it is", &found));
        }
        if self.profile == Profile::LiteLlm {
            Repeat::check_unkeyed(self.repeat, "this proxy passes on")?;
        }
        if self.writes_arguments() {
            arguments::check(&self.fields, names(&self.knobs))?;
        }
        self.prices.check_repeat(self.repeat)?;
        self.prices.check_bounds(self.bounds)?;
        self.sizes.as_ref().map_or(Ok(()), SizeRule::check)
    }
}
