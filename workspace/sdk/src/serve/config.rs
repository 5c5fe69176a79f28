//! The settings of the recipe, as a type of the plugin.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::protocol::{Failed, Welcome};

impl Welcome {
    /// The recipe's settings as `T`. What does not fit is a failure that names the setting, to be handed on: the plugin
    /// is `unready` then, and the reason is what the user reads.
    ///
    /// `#[serde(default, deny_unknown_fields)]` on `T` gives settings defaults and catches misspelt ones.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, Failed> {
        read(&self.config).map_err(|error| {
            let place = culprit::<T>(&self.config, &error).map_or_else(String::new, |key| format!(" at `{key}`"));
            Failed::invalid(format!("the config of `{}` is not right{place}: {error}", self.name))
        })
    }
}

fn read<T: DeserializeOwned>(config: &Map<String, Value>) -> Result<T, String> {
    serde_json::from_value(Value::Object(config.clone())).map_err(|error| error.to_string())
}

/// The setting that is at fault: the one without which the complaint is another one, or none.
fn culprit<'a, T: DeserializeOwned>(config: &'a Map<String, Value>, complaint: &str) -> Option<&'a str> {
    config.keys().map(String::as_str).find(|key| {
        let mut without = config.clone();
        without.remove(*key);
        read::<T>(&without).err().is_none_or(|other| other != complaint)
    })
}
