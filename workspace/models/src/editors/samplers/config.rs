//! What a pipeline's `scheduler_config.json` says.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::editors::samplers::noise_schedule::{BetaSchedule, NoiseSchedule, Prediction, Spacing};
use crate::load::{LoadError, read_json};

/// Which sampler a file names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `EulerAncestralDiscreteScheduler`.
    EulerAncestral,
    /// `DDIMScheduler`.
    Ddim,
}

/// What a file says of a diffusion with a noise schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct DiffusionConfig {
    /// The sampler that the file names; none where it is another of the family, whose schedule serves all the same.
    pub kind: Option<Kind>,
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

/// What a file says of a rectified flow.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowConfig {
    shift: Shift,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Shift {
    Static(f64),
    /// µ rises by `slope` a token from `base`; shifted exponentially or linearly.
    Dynamic {
        slope: f64,
        base: f64,
        exponential: bool,
    },
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

const FLOW: &str = "FlowMatchEulerDiscreteScheduler";

/// More than any released flow is shifted by.
const MOST_SHIFT: f64 = 1e3;

/// More timesteps than any model was trained with.
const MOST_TIMESTEPS: usize = 100_000;

#[derive(Deserialize)]
struct RawDiffusion {
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

#[derive(Deserialize)]
struct RawFlow {
    shift: Option<f64>,
    use_dynamic_shifting: Option<bool>,
    base_shift: Option<f64>,
    max_shift: Option<f64>,
    base_image_seq_len: Option<usize>,
    max_image_seq_len: Option<usize>,
    time_shift_type: Option<String>,
    num_train_timesteps: Option<usize>,
}

/// Settings that change what a sampler does and that no sampler here heeds: they must be absent, null or off.
const UNHEEDED: [&str; 10] = [
    "trained_betas",
    "rescale_betas_zero_snr",
    "thresholding",
    "use_karras_sigmas",
    "use_exponential_sigmas",
    "use_beta_sigmas",
    "invert_sigmas",
    "shift_terminal",
    "stochastic_sampling",
    "sigma_min",
];

fn class(file: &Path, all: &Map<String, Value>) -> Result<String, LoadError> {
    match all.get("_class_name") {
        Some(Value::String(class)) => Ok(class.clone()),
        _ => Err(LoadError::content(file, "names no scheduler: expected the text `_class_name`")),
    }
}

fn no_unheeded(file: &Path, all: &Map<String, Value>) -> Result<(), LoadError> {
    let is_off = |value: &Value| matches!(value, Value::Null | Value::Bool(false));
    match UNHEEDED.iter().find_map(|key| all.get(*key).filter(|value| !is_off(value)).map(|value| (key, value))) {
        Some((key, value)) => Err(LoadError::content(file, format!("has `{key}` {value}: that is not supported"))),
        None => Ok(()),
    }
}

/// The alternative of a table that a word names.
fn word<T: Copy>(file: &Path, key: &str, found: Option<&str>, table: &[(&str, T)]) -> Result<Option<T>, LoadError> {
    let Some(found) = found else { return Ok(None) };
    let known = table.iter().find(|(name, _)| *name == found).map(|(_, value)| *value);
    let names = || table.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
    known.map(Some).ok_or_else(|| LoadError::content(file, format!("has `{key}` `{found}`: expected {}", names())))
}

fn parsed<T: serde::de::DeserializeOwned>(file: &Path, all: Map<String, Value>) -> Result<T, LoadError> {
    serde_json::from_value(Value::Object(all)).map_err(|error| LoadError::content(file, error.to_string()))
}

impl DiffusionConfig {
    /// Reads and checks a file.
    pub fn read(file: &Path) -> Result<Self, LoadError> {
        let all: Map<String, Value> = read_json(file)?;
        let class = class(file, &all)?;
        if !FAMILY.contains(&class.as_str()) {
            let reason =
                format!("names the scheduler `{class}`: expected `EulerAncestralDiscreteScheduler` or `DDIMScheduler`");
            return Err(LoadError::content(file, reason));
        }
        no_unheeded(file, &all)?;
        Self::check(file, class, &parsed(file, all)?)
    }

    fn check(file: &Path, class: String, raw: &RawDiffusion) -> Result<Self, LoadError> {
        let kind = match class.as_str() {
            "EulerAncestralDiscreteScheduler" => Some(Kind::EulerAncestral),
            "DDIMScheduler" => Some(Kind::Ddim),
            _ => None,
        };
        let schedules = [
            ("scaled_linear", BetaSchedule::ScaledLinear),
            ("linear", BetaSchedule::Linear),
            ("squaredcos_cap_v2", BetaSchedule::SquaredCosine),
        ];
        let schedule = word(file, "beta_schedule", raw.beta_schedule.as_deref(), &schedules)?;
        let predictions = [("epsilon", Prediction::Epsilon), ("v_prediction", Prediction::Velocity)];
        let prediction = word(file, "prediction_type", raw.prediction_type.as_deref(), &predictions)?;
        let spacings =
            [("linspace", Spacing::Linspace), ("leading", Spacing::Leading), ("trailing", Spacing::Trailing)];
        let spacing = word(file, "timestep_spacing", raw.timestep_spacing.as_deref(), &spacings)?;
        let (start, end) = (raw.beta_start.unwrap_or(0.0001), raw.beta_end.unwrap_or(0.02));
        if !(start > 0.0 && start <= end && end < 1.0) {
            let reason = format!("has `beta_start` {start} and `beta_end` {end}: expected 0 < start ≤ end < 1");
            return Err(LoadError::content(file, reason));
        }
        let count = raw.num_train_timesteps.unwrap_or(1000);
        let steps_offset = raw.steps_offset.unwrap_or(0);
        if !(1..=MOST_TIMESTEPS).contains(&count) || steps_offset >= count {
            let reason = format!(
                "has `num_train_timesteps` {count} and `steps_offset` {steps_offset}: expected 1 to {MOST_TIMESTEPS}, and \
                 an offset below it"
            );
            return Err(LoadError::content(file, reason));
        }
        let range = raw.clip_sample_range.unwrap_or(1.0);
        if !(range > 0.0 && range.is_finite()) {
            return Err(LoadError::content(
                file,
                format!("has `clip_sample_range` {range}: expected a number above 0"),
            ));
        }
        Ok(Self {
            kind,
            class,
            schedule: NoiseSchedule::new(schedule.unwrap_or(BetaSchedule::Linear), start, end, count),
            prediction: prediction.unwrap_or(Prediction::Epsilon),
            spacing,
            steps_offset,
            clip: raw.clip_sample.unwrap_or(true).then_some(range as f32),
            set_alpha_to_one: raw.set_alpha_to_one.unwrap_or(true),
        })
    }

    /// Whether a sampler that makes so many steps finds a timestep for each, none twice.
    pub fn has_steps(&self, kind: Kind, steps: usize) -> bool {
        let default = if kind == Kind::Ddim { Spacing::Leading } else { Spacing::Linspace };
        let last = self.schedule.count().saturating_sub(1) as f64;
        let is_counted = (1..=self.schedule.count()).contains(&steps);
        let visited = || self.spacing.unwrap_or(default).timesteps(steps, self.schedule.count(), self.steps_offset);
        is_counted && visited().first().is_some_and(|most| *most <= last)
    }
}

impl FlowConfig {
    /// Reads and checks a file.
    pub fn read(file: &Path) -> Result<Self, LoadError> {
        let all: Map<String, Value> = read_json(file)?;
        let class = class(file, &all)?;
        if class != FLOW {
            return Err(LoadError::content(file, format!("names the scheduler `{class}`: expected `{FLOW}`")));
        }
        no_unheeded(file, &all)?;
        Self::check(file, &parsed(file, all)?)
    }

    /// As published with FLUX.1 Kontext, for weights that come without a pipeline's folder.
    pub fn published() -> Self {
        Self { shift: Shift::Dynamic { slope: 0.65 / 3840.0, base: 0.5 - 256.0 * (0.65 / 3840.0), exponential: true } }
    }

    fn check(file: &Path, raw: &RawFlow) -> Result<Self, LoadError> {
        let number = |key: &str, found: Option<f64>, default: f64| match found.unwrap_or(default) {
            value if value > 0.0 && value < MOST_SHIFT => Ok(value),
            value => {
                let reason = format!("has `{key}` {value}: expected a number above 0 and below {MOST_SHIFT}");
                Err(LoadError::content(file, reason))
            }
        };
        let shift = number("shift", raw.shift, 1.0)?;
        if raw.num_train_timesteps.is_some_and(|count| count != 1000) {
            let count = raw.num_train_timesteps.unwrap_or_default();
            return Err(LoadError::content(file, format!("has `num_train_timesteps` {count}: expected 1000")));
        }
        if !raw.use_dynamic_shifting.unwrap_or(false) {
            return Ok(Self { shift: Shift::Static(shift) });
        }
        let (least, most) = (number("base_shift", raw.base_shift, 0.5)?, number("max_shift", raw.max_shift, 1.15)?);
        let (from, to) = (raw.base_image_seq_len.unwrap_or(256), raw.max_image_seq_len.unwrap_or(4096));
        if from >= to {
            let reason =
                format!("has `base_image_seq_len` {from} and `max_image_seq_len` {to}: expected a larger second");
            return Err(LoadError::content(file, reason));
        }
        let types = [("exponential", true), ("linear", false)];
        let exponential = word(file, "time_shift_type", raw.time_shift_type.as_deref(), &types)?.unwrap_or(true);
        let slope = (most - least) / (to - from) as f64;
        let base = least - slope * from as f64;
        // A linear shift is a weight itself: one that is not above 0 leads to levels that are none.
        if !exponential && (slope < 0.0 || slope + base <= 0.0) {
            let found =
                format!("has `base_shift` {least} and `max_shift` {most}, which are not above 0 for every size");
            return Err(LoadError::content(file, format!("{found}: expected them to be for a linear shift")));
        }
        Ok(Self { shift: Shift::Dynamic { slope, base, exponential } })
    }

    /// A noise level in (0, 1] as the shift moves it.
    pub(super) fn shifted(&self, sigma: f64, tokens: usize) -> f64 {
        match self.shift {
            Shift::Static(shift) => shift * sigma / (1.0 + (shift - 1.0) * sigma),
            Shift::Dynamic { slope, base, exponential } => {
                let mu = slope * tokens as f64 + base;
                let weight = if exponential { mu.exp() } else { mu };
                weight / (weight + (1.0 / sigma - 1.0))
            }
        }
    }
}
