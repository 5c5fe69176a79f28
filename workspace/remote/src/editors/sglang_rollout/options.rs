//! What such an editor is told.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use editscale_core::EditorName;

use crate::SetupError;
use crate::editors::card::revised;
use crate::editors::knobs::{FieldKnob, defaults, names};
use crate::editors::size::SizeRule;
use crate::fleet::Connection;
use crate::picture::PictureLimits;
use crate::price::{Counted, Prices};
use crate::trouble::retry::Repeat;

/// Numeric fields of the request that a search may turn. Everything else is written by this program.
const KNOBS: [&str; 3] = ["guidance_scale", "num_inference_steps", "true_cfg_scale"];

/// How a step is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RolloutSampler {
    /// Noise is added at every step (Flow-GRPO, arXiv 2505.05470).
    Sde,
    /// Noise is added so that the level after the step stays what the schedule says (coefficients-preserving sampling).
    Cps,
    /// No noise is added.
    Ode,
}

impl RolloutSampler {
    /// The word used in recipes, and by the server.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sde => "sde",
            Self::Cps => "cps",
            Self::Ode => "ode",
        }
    }
}

/// Where the server draws noise. The same seed gives other noise on each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GeneratorDevice {
    /// On its card.
    Cuda,
    /// On its processor.
    Cpu,
}

impl GeneratorDevice {
    /// The word used in recipes, and by the server.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cuda => "cuda",
            Self::Cpu => "cpu",
        }
    }
}

/// What an editor behind `/rollout/generate` is told.
#[derive(Debug, Clone, PartialEq)]
pub struct SgLangRolloutOptions {
    /// Its name among the editors of a recipe.
    pub name: EditorName,
    /// The model that the servers have. It is not sent, because a server has one, but is a part of the card's revision.
    pub model: String,
    /// The servers, by their addresses without `/v1`, and how they are spoken to.
    pub connection: Connection,
    /// What else tells one revision of the answers from another, such as the checksum of the weights.
    pub revision: Option<String>,
    /// What edits cost.
    pub prices: Prices,
    /// Denoiser evaluations that one edit counts as.
    pub nfe: u64,
    /// How a step is made.
    pub sampler: RolloutSampler,
    /// How much noise a step adds, above 0; nothing to [`RolloutSampler::Ode`].
    pub noise_level: f64,
    /// The steps that add noise, counted from 0, the others being made as by [`RolloutSampler::Ode`]; `None` for all.
    pub noisy_steps: Option<BTreeSet<u32>>,
    /// Whether candidates come with their trajectory.
    pub keeps_trajectory: bool,
    /// What the picture should not show.
    pub negative_prompt: Option<String>,
    /// Where the server draws noise.
    pub generator_device: GeneratorDevice,
    /// Fields that a search may turn: `guidance_scale`, `true_cfg_scale`, `num_inference_steps`.
    pub knobs: Vec<FieldKnob>,
    /// Which sizes can be asked for.
    pub sizes: SizeRule,
    /// Whether an edit that may have been done is sent again; `None` for yes where it is free.
    pub repeat: Option<Repeat>,
    /// Limits on what comes back.
    pub limits: PictureLimits,
}

impl SgLangRolloutOptions {
    /// A model on these servers, with nothing special about it.
    pub fn new(name: EditorName, model: &str, connection: Connection) -> Self {
        Self {
            name,
            model: model.to_owned(),
            connection,
            revision: None,
            prices: Prices::default(),
            nfe: 0,
            sampler: RolloutSampler::Sde,
            // The server's own default.
            noise_level: 0.7,
            noisy_steps: None,
            keeps_trajectory: true,
            negative_prompt: None,
            generator_device: GeneratorDevice::Cuda,
            knobs: Vec::new(),
            sizes: SizeRule::MultipleOf(16),
            repeat: None,
            limits: PictureLimits::default(),
        }
    }

    /// Refuses what the server would refuse, and what would mean nothing.
    pub(crate) fn check(&self) -> Result<(), SetupError> {
        if !(self.noise_level.is_finite() && self.noise_level > 0.0) {
            return Err(SetupError::setting("noise_level", "a number above 0", &self.noise_level));
        }
        if self.noisy_steps.is_some() && self.sampler == RolloutSampler::Ode {
            return Err(SetupError::setting("noisy_steps", "none where no step adds noise", &"some"));
        }
        if let Some(other) = names(&self.knobs).find(|name| !KNOBS.contains(name)) {
            return Err(SetupError::setting("knobs", &KNOBS.join(" or "), &other));
        }
        Repeat::check_unkeyed(self.repeat, "this server knows")?;
        self.sizes.check()?;
        self.prices.only(&[Counted::Call, Counted::Picture])?;
        self.prices.check_repeat(self.repeat)
    }

    /// Whether a step, counted from 0, adds noise.
    pub(crate) fn adds_noise(&self, step: usize) -> bool {
        let is_among = |steps: &BTreeSet<u32>| u32::try_from(step).is_ok_and(|step| steps.contains(&step));
        self.sampler != RolloutSampler::Ode && self.noisy_steps.as_ref().is_none_or(is_among)
    }

    /// Everything that changes a picture and is not in a proposal. The noise level has no place in a trajectory: it is here
    /// that a reader of one finds it.
    pub(crate) fn full_revision(&self, version: u32) -> String {
        let mut text = format!("sglang_rollout/{version} {} {}", self.model, self.sampler.word());
        // Writing to a text cannot fail.
        if self.sampler != RolloutSampler::Ode {
            _ = write!(text, " noise_level={}", self.noise_level);
        }
        if let Some(steps) = &self.noisy_steps {
            _ = write!(text, " noisy_steps={steps:?}");
        }
        _ = write!(text, " generator_device={}", self.generator_device.word());
        if let Some(negative) = &self.negative_prompt {
            _ = write!(text, " negative_prompt={negative}");
        }
        _ = write!(text, " sizes={:?}", self.sizes);
        _ = write!(text, "{}", defaults(self.knobs.iter().map(|knob| &knob.spec)));
        revised(text, self.revision.as_ref())
    }
}
