//! What a `scheduler_config.json` says of a rectified flow.

use std::path::Path;

use serde::Deserialize;

use crate::editors::samplers::scheduler_file::SchedulerFile;
use crate::load::LoadError;

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

const CLASS: &str = "FlowMatchEulerDiscreteScheduler";

/// More than any released flow is shifted by.
const MOST_SHIFT: f64 = 1e3;

#[derive(Deserialize)]
struct Raw {
    shift: Option<f64>,
    use_dynamic_shifting: Option<bool>,
    base_shift: Option<f64>,
    max_shift: Option<f64>,
    base_image_seq_len: Option<usize>,
    max_image_seq_len: Option<usize>,
    time_shift_type: Option<String>,
    num_train_timesteps: Option<usize>,
}

impl FlowConfig {
    /// Reads and checks a file.
    pub fn read(path: &Path) -> Result<Self, LoadError> {
        let file = SchedulerFile::read(path)?;
        let raw: Raw = file.settings(&[CLASS], &format!("`{CLASS}`"))?;
        if let Some(count) = raw.num_train_timesteps.filter(|count| *count != 1000) {
            return Err(file.refuse(format!("has `num_train_timesteps` {count}: expected 1000")));
        }
        let shift = number(&file, "shift", raw.shift, 1.0)?;
        let is_dynamic = raw.use_dynamic_shifting.unwrap_or(false);
        Ok(Self { shift: if is_dynamic { dynamic(&file, &raw)? } else { Shift::Static(shift) } })
    }

    /// As published with FLUX.1 and all that is of its shape.
    pub(in crate::editors) fn published() -> Self {
        Self { shift: Shift::Dynamic { slope: 0.65 / 3840.0, base: 0.5 - 256.0 * (0.65 / 3840.0), exponential: true } }
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

fn number(file: &SchedulerFile<'_>, key: &str, found: Option<f64>, default: f64) -> Result<f64, LoadError> {
    match found.unwrap_or(default) {
        value if value > 0.0 && value < MOST_SHIFT => Ok(value),
        value => Err(file.refuse(format!("has `{key}` {value}: expected a number above 0 and below {MOST_SHIFT}"))),
    }
}

fn dynamic(file: &SchedulerFile<'_>, raw: &Raw) -> Result<Shift, LoadError> {
    let least = number(file, "base_shift", raw.base_shift, 0.5)?;
    let most = number(file, "max_shift", raw.max_shift, 1.15)?;
    let (from, to) = (raw.base_image_seq_len.unwrap_or(256), raw.max_image_seq_len.unwrap_or(4096));
    if from >= to {
        let found = format!("has `base_image_seq_len` {from} and `max_image_seq_len` {to}");
        return Err(file.refuse(format!("{found}: expected a larger second")));
    }
    let types = [("exponential", true), ("linear", false)];
    let exponential = file.word("time_shift_type", raw.time_shift_type.as_deref(), &types)?.unwrap_or(true);
    let slope = (most - least) / (to - from) as f64;
    let base = least - slope * from as f64;
    // A linear shift is a weight itself: one that is not above 0 leads to levels that are none.
    if !exponential && (slope < 0.0 || slope + base <= 0.0) {
        let found = format!("has `base_shift` {least} and `max_shift` {most}, which are not above 0 for every size");
        return Err(file.refuse(format!("{found}: expected them to be for a linear shift")));
    }
    Ok(Shift::Dynamic { slope, base, exponential })
}
