//! What a `scheduler_config.json` says of a rectified flow.

use std::fmt;
use std::path::Path;

use serde::Deserialize;

use crate::editors::samplers::scheduler_file::SchedulerFile;
use crate::load::LoadError;

/// What a file says of a rectified flow.
#[derive(Clone, PartialEq)]
pub struct FlowConfig {
    shift: Shift,
    /// The level that steps end at before the last one leads to 0: shifted levels are stretched to it.
    terminal: Option<f64>,
}

/// Parts of revisions: a file that asks for no terminal level is described as it was before there were such.
impl fmt::Debug for FlowConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut described = f.debug_struct("FlowConfig");
        described.field("shift", &self.shift);
        if let Some(terminal) = &self.terminal {
            described.field("terminal", terminal);
        }
        described.finish()
    }
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
    shift_terminal: Option<f64>,
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
        let shift = if is_dynamic { dynamic(&file, &raw)? } else { Shift::Static(shift) };
        Ok(Self { shift, terminal: terminal(&file, raw.shift_terminal)? })
    }

    /// The levels that few-step distillations of Qwen-Image were trained with (`ModelTC/Qwen-Image-Lightning` at 25d1e99): shifted
    /// by µ = ln 3 whatever the size, and not stretched.
    pub fn lightning() -> Self {
        Self { shift: Shift::Dynamic { slope: 0.0, base: 3.0_f64.ln(), exponential: true }, terminal: None }
    }

    /// As published with FLUX.1 and all that is of its shape.
    pub(in crate::editors) fn published() -> Self {
        let shift = Shift::Dynamic { slope: 0.65 / 3840.0, base: 0.5 - 256.0 * (0.65 / 3840.0), exponential: true };
        Self { shift, terminal: None }
    }

    /// The levels before each step for latents of this many tokens, from levels in (0, 1] that fall evenly.
    pub(super) fn levels(&self, even: impl Iterator<Item = f64>, tokens: usize) -> Vec<f32> {
        let shifted: Vec<f64> = even.map(|sigma| self.shifted(sigma, tokens)).collect();
        // One step has nothing to stretch: it leads from noise to the end.
        let last = shifted.last().copied().filter(|last| *last < 1.0);
        let stretch = self.terminal.zip(last).map_or(1.0, |(terminal, last)| (1.0 - terminal) / (1.0 - last));
        shifted.into_iter().map(|sigma| (1.0 - (1.0 - sigma) * stretch) as f32).collect()
    }

    /// A noise level in (0, 1] as the shift moves it.
    fn shifted(&self, sigma: f64, tokens: usize) -> f64 {
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

/// The level that steps end at; 0 and absent say the same.
fn terminal(file: &SchedulerFile<'_>, found: Option<f64>) -> Result<Option<f64>, LoadError> {
    match found.filter(|found| *found != 0.0) {
        Some(value) if !(value > 0.0 && value < 1.0) => {
            Err(file.refuse(format!("has `shift_terminal` {value}: expected a number from 0 to below 1")))
        }
        found => Ok(found),
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
