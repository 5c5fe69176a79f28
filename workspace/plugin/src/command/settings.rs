//! What a recipe sets of a command.

use std::collections::BTreeMap;
use std::time::Duration;

use editscale_sdk::{Failed, Knob, KnobScale, PluginKind, Welcome};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::line::{Line, LineError};

/// The settings as they are written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// The shell command.
    pub(super) run: String,
    /// How many run at a time.
    #[serde(default = "one")]
    pub(super) slots: u32,
    /// How long one may take.
    #[serde(default = "ten_minutes")]
    call_secs: f64,
    /// What exactly answers, for people who change what the command runs without changing the command.
    #[serde(default)]
    revision: Option<String>,
    /// Of a reward: the key of the score in what it prints, with dots between levels.
    #[serde(default = "score")]
    pub(super) score: String,
    /// Of a reward: the least and the greatest score.
    #[serde(default)]
    pub(super) range: Option<(f64, f64)>,
    /// Of a reward: whether its scores have a standard deviation.
    #[serde(default)]
    pub(super) gives_sigma: bool,
    /// Of an editor: whether the same seed gives the same picture.
    #[serde(default)]
    pub(super) seeds: Option<bool>,
    /// Of an editor: the settings that a search may turn.
    #[serde(default)]
    pub(super) knobs: BTreeMap<String, KnobSettings>,
    /// Of an editor: the format of `{output}`.
    #[serde(default)]
    pub(super) output: OutputFormat,
}

/// A knob as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KnobSettings {
    low: f64,
    high: f64,
    default: f64,
    #[serde(default)]
    scale: KnobScale,
}

/// The ending of the file that a command is to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum OutputFormat {
    #[default]
    Png,
    Jpg,
    Webp,
}

impl OutputFormat {
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpg => "jpg",
            Self::Webp => "webp",
        }
    }
}

fn one() -> u32 {
    1
}

fn ten_minutes() -> f64 {
    600.0
}

fn score() -> String {
    "score".to_owned()
}

/// A command that is ready to be run.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    pub(super) settings: Settings,
    pub(super) line: Line,
    pub(super) revision: String,
    pub(super) limit: Duration,
}

impl Ready {
    /// Reads the settings of the host's `welcome`.
    pub(super) fn of(welcome: &Welcome) -> Result<Self, Failed> {
        Self::check(welcome.settings()?, welcome.kind)
    }

    fn check(settings: Settings, kind: PluginKind) -> Result<Self, Failed> {
        let invalid = |error: LineError| Failed::invalid(error.to_string());
        let line = Line::read(&settings.run, kind).map_err(invalid)?;
        let knobs = settings.knobs.keys().cloned().collect::<Vec<_>>();
        check_knobs(&line, &knobs).map_err(invalid)?;
        settings.check()?;
        let limit = Duration::try_from_secs_f64(settings.call_secs).unwrap_or_default();
        Ok(Self { revision: settings.revision(), line, limit, settings })
    }
}

impl Settings {
    fn check(&self) -> Result<(), Failed> {
        if !(1..=256).contains(&self.slots) {
            return Err(Failed::invalid(format!("`slots` is {}: expected 1 to 256", self.slots)));
        }
        if !(self.call_secs > 0.0 && self.call_secs <= 1e7) {
            let found = self.call_secs;
            return Err(Failed::invalid(format!("`call_secs` is {found}: expected more than 0, at most 10000000")));
        }
        if let Some((low, high)) = self.range.filter(|(low, high)| !(low.is_finite() && high.is_finite() && low < high))
        {
            return Err(Failed::invalid(format!(
                "`range` is {low} to {high}: expected a smaller and a greater number"
            )));
        }
        self.knobs.iter().try_for_each(|(name, knob)| knob.check(name))
    }

    /// What tells this command from others: its text, where the recipe does not say.
    fn revision(&self) -> String {
        let digest = || {
            let digest = Sha256::digest(self.run.as_bytes());
            let start: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            format!("command {start}")
        };
        self.revision.clone().unwrap_or_else(digest)
    }

    pub(super) fn cards(&self) -> Vec<Knob> {
        let knob = |(name, knob): (&String, &KnobSettings)| {
            let KnobSettings { low, high, default, scale } = *knob;
            Knob { name: name.clone(), low, high, default, scale }
        };
        self.knobs.iter().map(knob).collect()
    }
}

impl KnobSettings {
    fn check(&self, name: &str) -> Result<(), Failed> {
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if name.is_empty() || !name.bytes().all(is_name) {
            return Err(Failed::invalid(format!(
                "the knob `{name}`: expected a name of lower case letters, digits, `_`"
            )));
        }
        let Self { low, high, default, scale } = *self;
        let rises = low < high && high.is_finite() && (low..=high).contains(&default);
        if rises && (scale == KnobScale::Linear || low > 0.0) {
            return Ok(());
        }
        Err(Failed::invalid(format!(
            "the knob `{name}` goes from {low} to {high} with {default} as its default: expected low, default, high in \
             rising order, above 0 for a logarithmic scale"
        )))
    }
}

fn check_knobs(line: &Line, known: &[String]) -> Result<(), LineError> {
    let strange = line.knobs().find(|name| known.iter().all(|known| known != name));
    strange.map_or(Ok(()), |name| Err(LineError::NoSuchKnob { name: name.to_owned(), known: known.to_owned() }))
}

/// What is wrong with the settings of a recipe, told before anything is started.
pub(super) fn check_config(kind: PluginKind, config: &Map<String, Value>) -> Result<(), String> {
    let settings: Settings = serde_json::from_value(config.clone().into()).map_err(|error| error.to_string())?;
    Ready::check(settings, kind).map(drop).map_err(|why| why.message)
}
