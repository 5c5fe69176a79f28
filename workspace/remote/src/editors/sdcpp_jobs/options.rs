//! What a recipe says of such an editor.

use editscale_core::EditorName;
use serde_json::{Map, Value};

use crate::SetupError;
use crate::editors::knobs::FieldKnob;
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
    pub fn word(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Start => "start",
        }
    }

    /// The use of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Reference, Self::Start].into_iter().find(|place| place.word() == word)
    }
}

/// What a recipe says of an editor behind the jobs of stable-diffusion.cpp.
#[derive(Debug, Clone, PartialEq)]
pub struct SdCppJobsOptions {
    /// What the recipe calls it.
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
        if let Some(field) = self.fields.keys().find(|name| OWN_FIELDS.contains(&name.as_str())) {
            return Err(SetupError::setting("fields", "fields that editscale does not write itself", field));
        }
        if let Some(found) = self.fields.get("sample_params").filter(|value| !value.is_object()) {
            return Err(SetupError::setting("fields", "an object as `sample_params`", found));
        }
        let fixed = Value::Object(self.fields.clone());
        for knob in &self.knobs {
            let name = knob.spec.name.as_str();
            let Some(place) = place(name) else {
                return Err(SetupError::setting("knobs", "numbers that the server knows, such as txt_cfg", &name));
            };
            if fixed.pointer(&format!("{place}/{name}")).is_some() {
                return Err(SetupError::setting("knobs", "knobs that are not also fixed fields", &name));
            }
        }
        if self.repeat == Some(Repeat::Keyed) {
            return Err(SetupError::setting("repeat", "never or harmless: this server knows no keys", &"keyed"));
        }
        self.prices.check_repeat(self.repeat)?;
        self.prices.only(&[Counted::Call, Counted::Picture])?;
        if self.sizes == SizeRule::OneOf(Vec::new()) {
            return Err(SetupError::setting("sizes", "at least one", &"none"));
        }
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
