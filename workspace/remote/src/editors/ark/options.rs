//! What such an editor is told.

use std::fmt::Write as _;

use editscale_core::EditorName;

use super::generation::ArkGeneration;
use crate::SetupError;
use crate::editors::card::revised;
use crate::editors::knobs::{FieldKnob, check_foreign, defaults, names};
use crate::fleet::Connection;
use crate::picture::PictureLimits;
use crate::price::{Counted, Prices, TokenBounds};
use crate::trouble::retry::Repeat;

/// Fields that this program writes itself, or that would make the answer another.
const OWN_FIELDS: [&str; 9] =
    ["image", "model", "n", "prompt", "seed", "sequential_image_generation", "size", "stream", "watermark"];

/// What an editor behind Ark's `images/generations` is told.
#[derive(Debug, Clone, PartialEq)]
pub struct ArkOptions {
    /// Its name among the editors of a recipe.
    pub name: EditorName,
    /// The model, such as `doubao-seedream-4-5-251128`, or an inference endpoint, such as `ep-20260125201054-pfrb4`.
    pub model: String,
    /// The servers, and how they are spoken to.
    pub connection: Connection,
    /// The model's generation; `None` where its name tells it.
    pub generation: Option<ArkGeneration>,
    /// What else tells one revision of the answers from another.
    pub revision: Option<String>,
    /// What edits cost; these models have a price for each picture.
    pub prices: Prices,
    /// The most tokens that one edit takes.
    pub bounds: TokenBounds,
    /// Denoiser evaluations that one edit counts as.
    pub nfe: u64,
    /// Numeric fields that a search may turn, such as `guidance_scale` of the third generation.
    pub knobs: Vec<FieldKnob>,
    /// A word for the size, such as `2K`, that every request carries whose size is left open. `None` asks for the picture's
    /// own size, or the nearest that is made.
    pub size: Option<String>,
    /// Whether the pictures come as base64 in the answer, or are fetched from where the answer says.
    pub is_inline: bool,
    /// Whether seeds are sent and reproduce; `None` follows the generation.
    pub has_seeds: Option<bool>,
    /// Whether an edit that may have been done is sent again. The service knows no keys, and bills whoever hangs up.
    pub repeat: Repeat,
    /// Limits on what comes back.
    pub limits: PictureLimits,
}

impl ArkOptions {
    /// Where Volcengine serves them.
    pub const VOLCENGINE: &'static str = "https://ark.cn-beijing.volces.com/api/v3";
    /// Where `BytePlus` serves them.
    pub const BYTEPLUS: &'static str = "https://ark.ap-southeast.bytepluses.com/api/v3";

    /// A model on these servers, with nothing special about it.
    pub fn new(name: EditorName, model: &str, connection: Connection) -> Self {
        Self {
            name,
            model: model.to_owned(),
            connection,
            generation: None,
            revision: None,
            prices: Prices::default(),
            // A token is 256 pixels that come out, of 16.78 million at most.
            bounds: TokenBounds { input: 0, output: 65_536 },
            nfe: 0,
            knobs: Vec::new(),
            size: None,
            is_inline: true,
            has_seeds: None,
            repeat: Repeat::Never,
            limits: PictureLimits::default(),
        }
    }

    /// Refuses what the service would refuse or ignore, and tells the generation.
    pub(crate) fn check(&self) -> Result<ArkGeneration, SetupError> {
        let model = self.model.to_ascii_lowercase().replace('.', "-");
        if model.contains("seedream-3") {
            return Err(SetupError::setting(
                "model",
                "one that edits: Seedream 3 makes pictures from text only",
                &model,
            ));
        }
        let told = self.generation.or_else(|| ArkGeneration::of_model(&self.model));
        let unknown =
            || SetupError::setting("generation", "one, because the model's name does not tell it", &self.model);
        let generation = told.ok_or_else(unknown)?;
        check_foreign("knobs", names(&self.knobs), &OWN_FIELDS)?;
        if let Some(word) = self.size.as_ref().filter(|word| !generation.words().contains(&word.as_str())) {
            return Err(SetupError::setting("size", &generation.words().join(" or "), word));
        }
        Repeat::check_unkeyed(Some(self.repeat), "this service knows")?;
        self.prices.check_repeat(Some(self.repeat))?;
        // The service counts no tokens that go in.
        self.prices.only(&[Counted::Call, Counted::Picture, Counted::OutputTokens])?;
        self.prices.check_bounds(self.bounds)?;
        Ok(generation)
    }

    /// Everything that changes a picture and is not in a proposal.
    pub(crate) fn full_revision(&self, version: u32) -> String {
        let mut text = format!("ark/{version} {}", self.model);
        // Writing to a text cannot fail.
        if let Some(size) = &self.size {
            _ = write!(text, " size={size}");
        }
        if let Some(generation) = self.generation {
            _ = write!(text, " generation={generation:?}");
        }
        if let Some(has_seeds) = self.has_seeds {
            _ = write!(text, " seeds={has_seeds}");
        }
        _ = write!(text, "{}", defaults(self.knobs.iter().map(|knob| &knob.spec)));
        revised(text, self.revision.as_ref())
    }
}
