//! What a `scheduler_config.json` says of a diffusion with a noise schedule, and the samplers that walk along it.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use crate::editors::samplers::noise_schedule::{BetaSchedule, NoiseSchedule, Prediction, Spacing};
use crate::editors::samplers::scheduler_file::SchedulerFile;
use crate::editors::samplers::{Ddim, EulerAncestral, Sampler};
use crate::load::LoadError;

/// A sampler of a diffusion with a noise schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SamplerKind {
    /// Euler's method with ancestral noise: `EulerAncestralDiscreteScheduler`.
    EulerAncestral,
    /// Denoising diffusion implicit models: `DDIMScheduler`.
    Ddim,
}

/// What a user asks of a sampler.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SamplerChoice {
    /// Which one; none for the one that the file names.
    pub kind: Option<SamplerKind>,
    /// How many steps it is to make.
    pub steps: usize,
    /// DDIM's noise, 0 for none to 1 for that of the original diffusion.
    pub eta: f64,
}

/// What a file says of a diffusion with a noise schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct DiffusionConfig {
    /// The sampler that the file names; none where it is another of the family, whose schedule serves all the same.
    pub kind: Option<SamplerKind>,
    /// The class that the file names.
    pub class: String,
    /// ᾱ of the training.
    pub schedule: NoiseSchedule,
    /// What the denoiser predicts.
    pub prediction: Prediction,
    /// How timesteps are spaced; the sampler's own way where the file does not say.
    pub spacing: Option<Spacing>,
    /// What is added to timesteps whose spacing is leading.
    pub steps_offset: usize,
    /// DDIM keeps clean latents within plus and minus this.
    pub clip: Option<f32>,
    /// DDIM's last step goes to ᾱ = 1, rather than to that of the first timestep.
    pub set_alpha_to_one: bool,
}

/// Classes whose files describe the same kind of noise schedule.
const FAMILY: [&str; 12] = [
    "EulerAncestralDiscreteScheduler",
    "DDIMScheduler",
    "PNDMScheduler",
    "EulerDiscreteScheduler",
    "LMSDiscreteScheduler",
    "HeunDiscreteScheduler",
    "DDPMScheduler",
    "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler",
    "KDPM2DiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "UniPCMultistepScheduler",
];

const BETA_SCHEDULES: [(&str, BetaSchedule); 3] = [
    ("scaled_linear", BetaSchedule::ScaledLinear),
    ("linear", BetaSchedule::Linear),
    ("squaredcos_cap_v2", BetaSchedule::SquaredCosine),
];
const PREDICTIONS: [(&str, Prediction); 2] = [("epsilon", Prediction::Epsilon), ("v_prediction", Prediction::Velocity)];
const SPACINGS: [(&str, Spacing); 3] =
    [("linspace", Spacing::Linspace), ("leading", Spacing::Leading), ("trailing", Spacing::Trailing)];

/// More timesteps than any model was trained with.
const MOST_TIMESTEPS: usize = 100_000;

#[derive(Deserialize)]
struct Raw {
    num_train_timesteps: Option<usize>,
    beta_start: Option<f64>,
    beta_end: Option<f64>,
    beta_schedule: Option<String>,
    prediction_type: Option<String>,
    timestep_spacing: Option<String>,
    steps_offset: Option<usize>,
    clip_sample: Option<bool>,
    clip_sample_range: Option<f64>,
    set_alpha_to_one: Option<bool>,
}

impl SamplerKind {
    /// How it spaces timesteps where a file does not say.
    fn usual_spacing(self) -> Spacing {
        match self {
            Self::EulerAncestral => Spacing::Linspace,
            Self::Ddim => Spacing::Leading,
        }
    }
}

impl DiffusionConfig {
    /// Reads and checks a file; absent keys are what diffusers takes them to be.
    pub fn read(path: &Path) -> Result<Self, LoadError> {
        let file = SchedulerFile::read(path)?;
        let raw: Raw = file.settings(&FAMILY, "`EulerAncestralDiscreteScheduler` or `DDIMScheduler`")?;
        let kind = match file.class.as_str() {
            "EulerAncestralDiscreteScheduler" => Some(SamplerKind::EulerAncestral),
            "DDIMScheduler" => Some(SamplerKind::Ddim),
            _ => None,
        };
        let schedule = schedule(&file, &raw)?;
        let prediction = file.word("prediction_type", raw.prediction_type.as_deref(), &PREDICTIONS)?;
        let spacing = file.word("timestep_spacing", raw.timestep_spacing.as_deref(), &SPACINGS)?;
        let steps_offset = raw.steps_offset.unwrap_or(0);
        if steps_offset >= schedule.count() {
            let expected = format!("a number below the {} timesteps", schedule.count());
            return Err(file.refuse(format!("has `steps_offset` {steps_offset}: expected {expected}")));
        }
        let range = raw.clip_sample_range.unwrap_or(1.0);
        if !(range > 0.0 && range.is_finite()) {
            return Err(file.refuse(format!("has `clip_sample_range` {range}: expected a number above 0")));
        }
        Ok(Self {
            kind,
            schedule,
            prediction: prediction.unwrap_or(Prediction::Epsilon),
            spacing,
            steps_offset,
            clip: raw.clip_sample.unwrap_or(true).then_some(range as f32),
            set_alpha_to_one: raw.set_alpha_to_one.unwrap_or(true),
            class: file.class,
        })
    }

    /// The sampler that the file and a user ask for; `path` is the file, which errors point at.
    pub fn sampler(&self, path: &Path, choice: SamplerChoice) -> Result<Arc<dyn Sampler>, LoadError> {
        let SamplerChoice { kind, steps, eta } = choice;
        let Some(kind) = kind.or(self.kind) else {
            let expected = "set `sampler` to `euler_ancestral` or `ddim` in the recipe";
            let reason = format!("names the scheduler `{}`, which is not supported: {expected}", self.class);
            return Err(LoadError::content(path, reason));
        };
        if !self.has_steps(kind, steps) {
            let count = self.schedule.count();
            let reason = format!("has {count} timesteps, too few for the recipe's `steps: {steps}`");
            return Err(LoadError::content(path, reason));
        }
        match kind {
            SamplerKind::EulerAncestral if eta > 0.0 => {
                let expected = "leave it out of the recipe, or set `sampler: ddim`";
                let reason = format!("leads to Euler's ancestral method, which has no `eta`: {expected}");
                Err(LoadError::content(path, reason))
            }
            SamplerKind::EulerAncestral => Ok(Arc::new(EulerAncestral::new(self, steps))),
            SamplerKind::Ddim => Ok(Arc::new(Ddim::new(self, steps, eta))),
        }
    }

    /// How a sampler's timesteps are spaced.
    pub(super) fn spacing(&self, kind: SamplerKind) -> Spacing {
        self.spacing.unwrap_or(kind.usual_spacing())
    }

    /// Whether a sampler that makes so many steps finds a timestep for each, none twice.
    fn has_steps(&self, kind: SamplerKind, steps: usize) -> bool {
        let last = self.schedule.count().saturating_sub(1) as f64;
        let is_counted = (1..=self.schedule.count()).contains(&steps);
        let visited = || self.spacing(kind).timesteps(steps, self.schedule.count(), self.steps_offset);
        is_counted && visited().first().is_some_and(|most| *most <= last)
    }
}

fn schedule(file: &SchedulerFile<'_>, raw: &Raw) -> Result<NoiseSchedule, LoadError> {
    let kind = file.word("beta_schedule", raw.beta_schedule.as_deref(), &BETA_SCHEDULES)?;
    let (start, end) = (raw.beta_start.unwrap_or(0.0001), raw.beta_end.unwrap_or(0.02));
    if !(start > 0.0 && start <= end && end < 1.0) {
        let found = format!("has `beta_start` {start} and `beta_end` {end}");
        return Err(file.refuse(format!("{found}: expected 0 < start ≤ end < 1")));
    }
    let count = raw.num_train_timesteps.unwrap_or(1000);
    if !(1..=MOST_TIMESTEPS).contains(&count) {
        return Err(file.refuse(format!("has `num_train_timesteps` {count}: expected 1 to {MOST_TIMESTEPS}")));
    }
    Ok(NoiseSchedule::new(kind.unwrap_or(BetaSchedule::Linear), start, end, count))
}
