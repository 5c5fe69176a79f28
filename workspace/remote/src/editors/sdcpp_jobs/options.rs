//! What such an editor is told.

use editscale_core::EditorName;
use serde_json::{Map, Value};

use crate::SetupError;
use crate::editors::knobs::{FieldKnob, check_foreign, check_free, names};
use crate::editors::size::SizeRule;
use crate::fleet::{Connection, PollRules};
use crate::picture::PictureLimits;
use crate::price::{Counted, Prices};
use crate::trouble::retry::Repeat;

/// What the picture is to the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureUse {
    /// A reference, as models for editing take it (`ref_images`).
    Reference,
    /// Where denoising starts, as other models take it (`init_image`); the field or knob `strength` says how far it goes.
    Start,
}

impl PictureUse {
    /// The word used in recipes.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Start => "start",
        }
    }
}

/// What an editor behind the jobs of stable-diffusion.cpp is told.
#[derive(Debug, Clone, PartialEq)]
pub struct SdCppJobsOptions {
    /// Its name among the editors of a recipe.
    pub name: EditorName,
    /// The model, for people and revisions; the server has only one.
    pub model: String,
    /// The servers, with addresses such as `http://127.0.0.1:1234/sdcpp/v1`.
    pub connection: Connection,
    /// What else tells one revision of the answers from another, such as a digest of the weights.
    pub revision: Option<String>,
    /// What edits cost.
    pub prices: Prices,
    /// Denoiser evaluations that one edit counts as.
    pub nfe: u64,
    /// What the picture is to the model.
    pub picture: PictureUse,
    /// Fields that every request carries, such as `negative_prompt` or `sample_params`.
    pub fields: Map<String, Value>,
    /// Numbers that a search may turn: `strength`, those of `sample_params` (`sample_steps`, `eta`, `flow_shift`,
    /// `shifted_timestep`) and those of its `guidance` (`txt_cfg`, `img_cfg`, `distilled_guidance`).
    pub knobs: Vec<FieldKnob>,
    /// Which sizes can be asked for.
    pub sizes: SizeRule,
    /// Whether an edit that may have been done is sent again; by default only where it costs no money.
    pub repeat: Option<Repeat>,
    /// How a job is asked about.
    pub polls: PollRules,
    /// Limits on what comes back.
    pub limits: PictureLimits,
}

impl SdCppJobsOptions {
    /// A model on these servers, with nothing special about it.
    pub fn new(name: EditorName, model: &str, connection: Connection) -> Self {
        Self {
            name,
            model: model.to_owned(),
            connection,
            revision: None,
            prices: Prices::default(),
            nfe: 0,
            picture: PictureUse::Reference,
            fields: Map::new(),
            knobs: Vec::new(),
            sizes: SizeRule::MultipleOf(16),
            repeat: None,
            polls: PollRules::default(),
            limits: PictureLimits::default(),
        }
    }

    /// Refuses what would contradict what this program writes itself.
    pub(super) fn check(&self) -> Result<(), SetupError> {
        check_foreign("fields", self.fields.keys().map(String::as_str), &OWN_FIELDS)?;
        if let Some(found) = self.fields.get("sample_params").filter(|value| !value.is_object()) {
            return Err(SetupError::setting("fields", "an object as `sample_params`", found));
        }
        let fixed = Value::Object(self.fields.clone());
        if let Some(name) = names(&self.knobs).find(|name| place(name).is_none()) {
            return Err(SetupError::setting("knobs", "numbers that the server knows, such as txt_cfg", &name));
        }
        let is_fixed =
            |name: &str| place(name).is_some_and(|place| fixed.pointer(&format!("{place}/{name}")).is_some());
        check_free(&self.knobs, is_fixed)?;
        Repeat::check_unkeyed(self.repeat, "this server knows")?;
        self.prices.check_repeat(self.repeat)?;
        self.prices.only(&[Counted::Call, Counted::Picture])?;
        self.sizes.check()?;
        self.polls.check()
    }
}

/// The JSON pointer to the object in which a number stands that a search may turn.
pub(crate) fn place(knob: &str) -> Option<&'static str> {
    match knob {
        "strength" => Some(""),
        "sample_steps" | "eta" | "flow_shift" | "shifted_timestep" => Some("/sample_params"),
        "txt_cfg" | "img_cfg" | "distilled_guidance" => Some("/sample_params/guidance"),
        _ => None,
    }
}

/// Fields that this program writes itself, or that would make the answer another.
const OWN_FIELDS: [&str; 12] = [
    "batch_count",
    "control_frames",
    "end_image",
    "height",
    "init_image",
    "mask_image",
    "prompt",
    "qwen_image_layers",
    "ref_images",
    "seed",
    "upscale_repeats",
    "width",
];
