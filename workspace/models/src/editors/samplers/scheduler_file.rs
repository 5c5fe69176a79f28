//! What all kinds of `scheduler_config.json` have in common.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::load::{LoadError, read_json};

/// Settings that change what a sampler does and that no sampler here heeds: they must be absent, null or off.
const UNHEEDED: [&str; 9] = [
    "trained_betas",
    "rescale_betas_zero_snr",
    "thresholding",
    "use_karras_sigmas",
    "use_exponential_sigmas",
    "use_beta_sigmas",
    "invert_sigmas",
    "stochastic_sampling",
    "sigma_min",
];

/// A file, parsed.
pub(super) struct SchedulerFile<'a> {
    path: &'a Path,
    /// The class that it names.
    pub(super) class: String,
    keys: Map<String, Value>,
}

impl<'a> SchedulerFile<'a> {
    /// Reads a file that names a class.
    pub(super) fn read(path: &'a Path) -> Result<Self, LoadError> {
        let keys: Map<String, Value> = read_json(path)?;
        match keys.get("_class_name") {
            Some(Value::String(class)) => Ok(Self { path, class: class.clone(), keys }),
            _ => Err(LoadError::content(path, "names no scheduler: expected the text `_class_name`")),
        }
    }

    /// The settings of one of the expected classes; none may be in the way.
    pub(super) fn settings<T: DeserializeOwned>(&self, classes: &[&str], expected: &str) -> Result<T, LoadError> {
        if !classes.contains(&self.class.as_str()) {
            return Err(self.refuse(format!("names the scheduler `{}`: expected {expected}", self.class)));
        }
        let is_off = |value: &Value| matches!(value, Value::Null | Value::Bool(false));
        for key in UNHEEDED {
            if let Some(value) = self.keys.get(key).filter(|value| !is_off(value)) {
                return Err(self.refuse(format!("has `{key}` {value}: that is not supported")));
            }
        }
        serde_json::from_value(Value::Object(self.keys.clone())).map_err(|error| self.refuse(error.to_string()))
    }

    /// The error for what the file says.
    pub(super) fn refuse(&self, reason: impl Into<String>) -> LoadError {
        LoadError::content(self.path, reason)
    }

    /// The alternative of a table that a word names; nothing where the file has none.
    pub(super) fn word<T: Copy>(
        &self,
        key: &str,
        found: Option<&str>,
        table: &[(&str, T)],
    ) -> Result<Option<T>, LoadError> {
        let Some(found) = found else { return Ok(None) };
        let known = table.iter().find(|(name, _)| *name == found).map(|(_, value)| *value);
        let names = || table.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
        known.map(Some).ok_or_else(|| self.refuse(format!("has `{key}` `{found}`: expected {}", names())))
    }
}
