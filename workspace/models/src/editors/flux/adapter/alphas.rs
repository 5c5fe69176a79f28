//! How strongly a pair counts: what trainers call alpha, over its rank.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::editors::flux::names;
use crate::load::{LoadError, read_json};

use super::file::AdapterFile;
use super::keys::{Pair, is_wrapped};

/// The entry of a file's header in which diffusers keeps PEFT's configuration.
const HEADER: &str = "lora_adapter_metadata";
/// The file in which PEFT keeps it.
const BESIDE: &str = "adapter_config.json";
/// What diffusers puts before keys in the header.
const COMPONENT: &str = "transformer.";

/// Where alphas come from.
#[derive(Debug)]
pub(super) enum Alphas {
    /// A tensor beside every pair.
    Tensors,
    /// PEFT's configuration.
    Config(Config),
    /// Nothing says so: every pair counts as it is, as with diffusers.
    Ranks,
}

/// What decides strengths in PEFT's configuration.
#[derive(Debug, Deserialize)]
pub(super) struct Config {
    lora_alpha: f64,
    #[serde(default)]
    alpha_pattern: BTreeMap<String, f64>,
    #[serde(default)]
    use_rslora: bool,
    #[serde(default)]
    use_dora: bool,
    #[serde(default)]
    fan_in_fan_out: bool,
}

impl Alphas {
    pub(super) fn of(file: &AdapterFile, pairs: &BTreeMap<String, Pair>) -> Result<Self, LoadError> {
        let refuse = |reason: String| LoadError::content(&file.path, reason);
        let has_tensors = pairs.values().any(|pair| pair.alpha.is_some());
        if let Some(text) = file.note(HEADER) {
            if has_tensors {
                return Err(refuse(format!("has alphas twice: as tensors, and in its header under `{HEADER}`")));
            }
            let object: Map<String, Value> = serde_json::from_str(text)
                .map_err(|error| refuse(format!("has no JSON object in its header under `{HEADER}`: {error}")))?;
            return Config::read(&file.path, &format!("`{HEADER}` of its header"), unprefixed(object))
                .map(Self::Config);
        }
        if has_tensors {
            return match pairs.iter().find(|(_, pair)| pair.alpha.is_none()) {
                Some((layer, _)) => Err(refuse(format!("has alphas, and none for layer `{layer}`"))),
                None => Ok(Self::Tensors),
            };
        }
        let beside = file.path.with_file_name(BESIDE);
        if beside.is_file() {
            return Config::read(&beside, "it", read_json(&beside)?).map(Self::Config);
        }
        match pairs.iter().find_map(|(layer, pair)| peft_name(layer, pair)) {
            Some(name) => {
                let expected = format!("expected `{BESIDE}` beside it, with its `lora_alpha`");
                Err(refuse(format!("holds `{name}` as PEFT writes it, without saying how strong it is: {expected}")))
            }
            None => Ok(Self::Ranks),
        }
    }

    /// What a pair's product is multiplied by. `tensor` reads a layer's own alpha.
    pub(super) fn strength(
        &self,
        layer: &str,
        rank: usize,
        tensor: impl FnOnce() -> Result<f64, LoadError>,
    ) -> Result<f64, LoadError> {
        let rank = rank as f64;
        Ok(match self {
            Self::Ranks => 1.0,
            Self::Tensors => tensor()? / rank,
            Self::Config(config) => config.alpha(layer) / if config.use_rslora { rank.sqrt() } else { rank },
        })
    }
}

/// Keys without the name of the component; those of other components are left out.
fn unprefixed(object: Map<String, Value>) -> Map<String, Value> {
    let has_prefix = object.keys().any(|key| key.starts_with(COMPONENT));
    let own = |(key, value): (String, Value)| match key.strip_prefix(COMPONENT) {
        Some(plain) => Some((plain.to_owned(), value)),
        None => (!has_prefix).then_some((key, value)),
    };
    object.into_iter().filter_map(own).collect()
}

impl Config {
    fn read(file: &Path, place: &str, mut object: Map<String, Value>) -> Result<Self, LoadError> {
        let refuse = |reason: String| LoadError::content(file, reason);
        object.retain(|_, value| !value.is_null());
        let config: Self = serde_json::from_value(Value::Object(object))
            .map_err(|error| refuse(format!("{place} is no configuration of a low-rank adapter: {error}")))?;
        let unsupported = [("use_dora", config.use_dora), ("fan_in_fan_out", config.fan_in_fan_out)];
        if let Some((key, _)) = unsupported.iter().find(|(_, is_set)| *is_set) {
            return Err(refuse(format!("{place} sets `{key}`, which is not supported")));
        }
        let meta = |pattern: &&String| pattern.trim_start_matches('^').contains(|c: char| !is_plain(c));
        if let Some(pattern) = config.alpha_pattern.keys().find(meta) {
            let expected = "expected names of layers, or their ends";
            return Err(refuse(format!("{place} has `{pattern}` in `alpha_pattern`: {expected}")));
        }
        match config.at_odds() {
            Some([one, other]) => Err(refuse(format!(
                "{place} has `{one}` and `{other}` in `alpha_pattern`: expected one alpha for a layer that both name"
            ))),
            None => Ok(config),
        }
    }

    /// Two patterns that name a layer, with different alphas. In PEFT the one that is listed first decides; the order is lost here.
    fn at_odds(&self) -> Option<[&str; 2]> {
        let each = self.alpha_pattern.iter();
        let mut pairs = each.clone().flat_map(|one| each.clone().map(move |other| (one, other)));
        let pair = pairs.find(|((one, a), (other, b))| a != b && fits(one, other.trim_start_matches('^')))?;
        Some([pair.0.0.as_str(), pair.1.0.as_str()])
    }

    /// That of the pattern that names the layer, as in PEFT.
    fn alpha(&self, layer: &str) -> f64 {
        let found = self.alpha_pattern.iter().find(|(pattern, _)| fits(pattern, layer));
        found.map_or(self.lora_alpha, |(_, alpha)| *alpha)
    }
}

/// Whether a pattern is the layer's name or, without a `^`, its end.
fn fits(pattern: &str, layer: &str) -> bool {
    match pattern.strip_prefix('^') {
        Some(whole) => layer == whole,
        None => layer.strip_suffix(pattern).is_some_and(|before| before.is_empty() || before.ends_with('.')),
    }
}

fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_' || character == '.'
}

/// A stored name of a pair that PEFT itself wrote: under diffusers' name of the layer. Others use its prefix for original
/// names, with alphas that are the ranks.
fn peft_name<'a>(layer: &str, pair: &'a Pair) -> Option<&'a str> {
    let name = pair.down.as_deref().filter(|name| is_wrapped(name))?;
    names::diffusers(layer).is_none().then_some(name)
}
