//! What a recipe's `config` may say.

use std::num::NonZeroU32;

use editscale_models::editors::diffusion::ResultSize;
use editscale_models::editors::samplers::SamplerKind;
use serde::Deserialize;
use thiserror::Error;

/// The settings, called as those of editscale's own editor `instruct_pix2pix` where they mean the same.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The pipeline's folder as diffusers writes it.
    pub dir: String,
    /// Denoising steps.
    #[serde(default = "steps")]
    pub steps: u32,
    /// How strongly the instruction counts.
    #[serde(default = "guidance")]
    pub guidance: f64,
    /// How strongly the source counts.
    #[serde(default = "image_guidance")]
    pub image_guidance: f64,
    /// What leads from noise to picture.
    #[serde(default)]
    pub sampler: SamplerWord,
    /// Noise that `ddim` adds at each step.
    #[serde(default)]
    pub eta: f64,
    /// The most pixels that are worked on.
    #[serde(default = "max_pixels")]
    pub max_pixels: u64,
    /// The size of pictures where the request does not say.
    #[serde(default)]
    pub result_size: ResultWord,
    /// A safetensors file with the noise of candidates; that of their seeds where absent.
    #[serde(default)]
    pub latents: Option<String>,
    /// Whether candidates carry their trajectories.
    #[serde(default)]
    pub trajectory: bool,
    /// `cpu`, `cuda`, or `cuda:1`.
    #[serde(default = "device")]
    pub device: String,
    /// Threads of libtorch on the processor; as many as it finds cores where absent.
    #[serde(default)]
    pub threads: Option<NonZeroU32>,
    /// The most memory for candidates that wait half way, in MiB.
    #[serde(default = "paused_mib")]
    pub paused_mib: u64,
    /// The most candidates of one call.
    #[serde(default = "batch")]
    pub batch: NonZeroU32,
    /// The most memory for encoded texts and sources, in MiB.
    #[serde(default = "cache_mib")]
    pub cache_mib: u64,
}

/// The samplers by their words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SamplerWord {
    /// What the pipeline's folder names.
    #[default]
    File,
    /// Euler's method with ancestral noise.
    EulerAncestral,
    /// Denoising diffusion implicit models.
    Ddim,
}

impl SamplerWord {
    /// The sampler; none for the one that the folder names.
    pub fn kind(self) -> Option<SamplerKind> {
        match self {
            Self::File => None,
            Self::EulerAncestral => Some(SamplerKind::EulerAncestral),
            Self::Ddim => Some(SamplerKind::Ddim),
        }
    }
}

/// The sizes of results by their words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultWord {
    /// As the model makes them.
    #[default]
    Model,
    /// That of the request's source.
    Source,
}

impl ResultWord {
    /// The size as the shared loop takes it.
    pub fn size(self) -> ResultSize {
        match self {
            Self::Model => ResultSize::Model,
            Self::Source => ResultSize::Source,
        }
    }
}

const fn steps() -> u32 {
    20
}

const fn guidance() -> f64 {
    7.5
}

const fn image_guidance() -> f64 {
    1.5
}

const fn max_pixels() -> u64 {
    768 * 512
}

fn device() -> String {
    "cpu".to_owned()
}

const fn paused_mib() -> u64 {
    1024
}

const fn batch() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(7)
}

const fn cache_mib() -> u64 {
    256
}

/// What is wrong with a recipe's `config`.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// A key that is missing, unknown, or of another type.
    #[error("the plugin's `config` cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// A number outside its range.
    #[error("`{key}` is {found}: expected {low} to {high}")]
    OutOfRange {
        /// Its key.
        key: &'static str,
        /// What was found.
        found: f64,
        /// The least.
        low: f64,
        /// The greatest.
        high: f64,
    },
    /// Noise for a sampler that has its own.
    #[error(
        "`eta` has no meaning with `sampler: euler_ancestral`, whose noise is fixed: leave it out, or write `ddim`"
    )]
    EtaOfEuler,
    /// Not a device.
    #[error("`device` is `{found}`: expected `cpu`, `cuda`, or `cuda:` and a number, as in `cuda:1`")]
    NotADevice {
        /// What was found.
        found: String,
    },
    /// A card that libtorch does not see.
    #[error("`device` is `{found}`: libtorch sees {cards} cards here")]
    NoSuchCard {
        /// What was found.
        found: String,
        /// How many there are.
        cards: i64,
    },
}

impl Settings {
    /// Reads and checks a `config`.
    pub fn read(config: serde_json::Map<String, serde_json::Value>) -> Result<Self, SettingsError> {
        let settings: Self = serde_json::from_value(serde_json::Value::Object(config))?;
        settings.check()?;
        Ok(settings)
    }

    /// Checks the numbers, and what goes together.
    pub fn check(&self) -> Result<(), SettingsError> {
        let ranges = [
            ("steps", f64::from(self.steps), 1.0, 1000.0),
            ("guidance", self.guidance, 0.0, 50.0),
            ("image_guidance", self.image_guidance, 0.0, 50.0),
            ("eta", self.eta, 0.0, 1.0),
            ("max_pixels", self.max_pixels as f64, 1.0, f64::from(1 << 24)),
            ("threads", self.threads.map_or(1.0, |threads| f64::from(threads.get())), 1.0, 1024.0),
            ("paused_mib", self.paused_mib as f64, 0.0, f64::from(1 << 20)),
            ("batch", f64::from(self.batch.get()), 1.0, 1024.0),
            ("cache_mib", self.cache_mib as f64, 0.0, f64::from(1 << 20)),
        ];
        if let Some((key, found, low, high)) =
            ranges.into_iter().find(|(_, found, low, high)| found < low || found > high)
        {
            return Err(SettingsError::OutOfRange { key, found, low, high });
        }
        if self.sampler == SamplerWord::EulerAncestral && self.eta > 0.0 {
            return Err(SettingsError::EtaOfEuler);
        }
        Ok(())
    }

    /// Where libtorch is to compute.
    pub fn device(&self) -> Result<tch::Device, SettingsError> {
        let found = self.device.clone();
        let number = match found.strip_prefix("cuda") {
            _ if found == "cpu" => return Ok(tch::Device::Cpu),
            Some("") => Some(0),
            Some(rest) => rest.strip_prefix(':').and_then(|number| number.parse::<u16>().ok()),
            None => None,
        };
        let Some(number) = number else { return Err(SettingsError::NotADevice { found }) };
        let cards = tch::Cuda::device_count();
        if i64::from(number) < cards {
            return Ok(tch::Device::Cuda(usize::from(number)));
        }
        Err(SettingsError::NoSuchCard { found, cards })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(config: &serde_json::Value) -> Result<Settings, SettingsError> {
        Settings::read(config.as_object().unwrap().clone())
    }

    #[test]
    fn a_folder_is_enough() {
        let settings = read(&json!({"dir": "pix2pix"})).unwrap();
        assert_eq!((settings.steps, settings.guidance, settings.image_guidance), (20, 7.5, 1.5));
        assert_eq!((settings.sampler.kind(), settings.max_pixels), (None, 768 * 512));
        assert_eq!(settings.device().unwrap(), tch::Device::Cpu);
    }

    #[test]
    fn mistakes_are_named() {
        let table = [
            (json!({}), "missing field `dir`"),
            (json!({"dir": "x", "step": 3}), "unknown field `step`"),
            (json!({"dir": "x", "steps": 0}), "`steps` is 0: expected 1 to 1000"),
            (json!({"dir": "x", "guidance": -1}), "`guidance` is -1: expected 0 to 50"),
            (json!({"dir": "x", "sampler": "heun"}), "unknown variant `heun`"),
            (json!({"dir": "x", "sampler": "euler_ancestral", "eta": 0.5}), "`eta` has no meaning"),
            (json!({"dir": "x", "batch": 0}), "nonzero"),
        ];
        for (config, expected) in table {
            let said = read(&config).unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
        }
        for device in ["tpu", "cuda0", "cuda:x", "cuda:9999"] {
            let said = read(&json!({"dir": "x", "device": device})).unwrap().device().unwrap_err().to_string();
            assert!(said.contains(device), "{said}");
        }
    }
}
