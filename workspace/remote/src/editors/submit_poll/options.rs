//! What such an editor is told.

use std::time::Duration;

use editscale_core::EditorName;
use serde_json::{Map, Value};

use super::service::Service;
use crate::SetupError;
use crate::editors::knobs::{FieldKnob, check_foreign, check_free, names};
use crate::editors::size::SizeRule;
use crate::fleet::{Connection, PollRules};
use crate::picture::PictureLimits;
use crate::price::{Counted, Prices};

/// What a model calls its inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFields {
    /// The instruction.
    pub prompt: String,
    /// The picture to edit.
    pub picture: String,
    /// Whether that is a list, here of one picture.
    pub picture_is_list: bool,
    /// The seed. Naming it says that the same seed gives the same picture.
    pub seed: Option<String>,
    /// The mask, white where editing is allowed.
    pub mask: Option<String>,
}

/// How a size is asked for. Where a request leaves it open, none is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SizePlace {
    /// Not at all: the model decides.
    Nowhere,
    /// As two numbers, in fields of these names.
    Sides {
        /// The field of the width.
        width: String,
        /// The field of the height.
        height: String,
    },
    /// As an object with `width` and `height`, in the field of this name.
    Object(String),
    /// As a proportion such as `16:9`, in the field of this name.
    Proportion(String),
}

/// What an editor behind a service that takes jobs is told.
#[derive(Debug, Clone, PartialEq)]
pub struct SubmitPollOptions {
    /// Its name among the editors of a recipe.
    pub name: EditorName,
    /// Which service it is.
    pub service: Service,
    /// The model as the service's addresses name it: `flux-kontext-pro` at BFL, `fal-ai/flux-pro/kontext` at fal,
    /// `OWNER/NAME`, `OWNER/NAME:VERSION` or `deployments/OWNER/NAME` at Replicate.
    pub model: String,
    /// The servers, and how they are spoken to; see [`Service::base`] and [`Service::secret_header`].
    pub connection: Connection,
    /// What else tells one revision of the answers from another.
    pub revision: Option<String>,
    /// What edits cost.
    pub prices: Prices,
    /// Denoiser evaluations that one edit counts as.
    pub nfe: u64,
    /// What the model calls its inputs.
    pub inputs: InputFields,
    /// Inputs that every request carries.
    pub fields: Map<String, Value>,
    /// Inputs that a search may turn.
    pub knobs: Vec<FieldKnob>,
    /// How a size is asked for.
    pub size: SizePlace,
    /// Which sizes can be asked for.
    pub sizes: SizeRule,
    /// How long a job may take by the server's own clock: at Replicate all of it, at fal the time before it begins. BFL has
    /// no such limit.
    pub server_limit: Option<Duration>,
    /// How a job is asked about.
    pub polls: PollRules,
    /// Limits on what comes back.
    pub limits: PictureLimits,
}

impl SubmitPollOptions {
    /// A model of this service, with nothing special about it.
    pub fn new(name: EditorName, service: Service, model: &str, connection: Connection) -> Self {
        let polls = PollRules::default();
        Self {
            name,
            service,
            model: model.to_owned(),
            connection,
            revision: None,
            prices: Prices::default(),
            nfe: 0,
            inputs: service.inputs(),
            fields: Map::new(),
            knobs: Vec::new(),
            size: SizePlace::Nowhere,
            sizes: SizeRule::Any,
            // A job that nobody finds again is not paid for longer than this.
            server_limit: (service == Service::Replicate).then_some(polls.deadline),
            polls,
            limits: PictureLimits::default(),
        }
    }

    /// Refuses what would contradict what this program writes itself.
    pub(super) fn check(&self) -> Result<(), SetupError> {
        if self.model.is_empty() || self.model.contains(['?', '#', ' ']) {
            return Err(SetupError::setting("model", "a model's name as the service's addresses have it", &self.model));
        }
        self.check_fields()?;
        if self.service == Service::Bfl && self.server_limit.is_some() {
            return Err(SetupError::setting("server_limit", "none: BFL has no such limit", &"one"));
        }
        self.prices.only(&[Counted::Call, Counted::Picture])?;
        if self.service == Service::Bfl && self.prices.are_nothing() {
            return Err(SetupError::setting("prices", "call or picture: the most that one edit costs", &"none"));
        }
        self.sizes.check()?;
        self.polls.check()
    }

    fn check_fields(&self) -> Result<(), SetupError> {
        let own = self.own_fields();
        let named = self.fields.keys().map(String::as_str).chain(names(&self.knobs));
        check_foreign("fields", named, &[&own[..], &FORBIDDEN].concat())?;
        check_free(&self.knobs, |name| self.fields.contains_key(name))?;
        let mut distinct = own.clone();
        distinct.sort_unstable();
        distinct.dedup();
        if own.iter().any(|name| name.is_empty()) || distinct.len() < own.len() {
            return Err(SetupError::setting("inputs", "a name of its own for each", &own.join(", ")));
        }
        Ok(())
    }

    /// Inputs that are written for each edit.
    fn own_fields(&self) -> Vec<&str> {
        let InputFields { prompt, picture, seed, mask, .. } = &self.inputs;
        let size: Vec<&str> = match &self.size {
            SizePlace::Nowhere => Vec::new(),
            SizePlace::Sides { width, height } => vec![width, height],
            SizePlace::Object(name) | SizePlace::Proportion(name) => vec![name],
        };
        [prompt.as_str(), picture.as_str()]
            .into_iter()
            .chain(seed.as_deref())
            .chain(mask.as_deref())
            .chain(size)
            .collect()
    }
}

/// Inputs that would change what a candidate is: several pictures at once, another instruction than the proposal's, an
/// answer to somebody else.
const FORBIDDEN: [&str; 9] = [
    "batch_size",
    "enhance_prompt",
    "expand_prompt",
    "num_images",
    "num_outputs",
    "prompt_upsampling",
    "webhook",
    "webhook_secret",
    "webhook_url",
];
