//! Numeric fields of servers that a search may turn.

use editscale_core::{KnobSpec, Proposal};

use crate::SetupError;

/// A numeric field of the server that a search may turn, such as `guidance_scale`. The knob is called as the field is.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldKnob {
    /// Its range and where it stands.
    pub spec: KnobSpec,
    /// Whether it takes whole numbers only, such as `num_inference_steps`.
    pub is_whole: bool,
}

/// What the server calls them.
pub(crate) fn names(knobs: &[FieldKnob]) -> impl Iterator<Item = &str> {
    knobs.iter().map(|knob| knob.spec.name.as_str())
}

/// What a search knows of them.
pub(crate) fn specs(knobs: &[FieldKnob]) -> Vec<KnobSpec> {
    knobs.iter().map(|knob| knob.spec.clone()).collect()
}

/// Refuses names of fields that this program writes itself, or that would make the answer another.
pub(crate) fn check_foreign<'a>(
    setting: &str,
    mut names: impl Iterator<Item = &'a str>,
    own: &[&str],
) -> Result<(), SetupError> {
    match names.find(|name| own.contains(name)) {
        Some(name) => Err(SetupError::setting(setting, "fields that editscale does not write itself", &name)),
        None => Ok(()),
    }
}

/// Refuses knobs that are also fixed.
pub(crate) fn check_free(knobs: &[FieldKnob], is_fixed: impl Fn(&str) -> bool) -> Result<(), SetupError> {
    match names(knobs).find(|name| is_fixed(name)) {
        Some(name) => Err(SetupError::setting("knobs", "knobs that are not also fixed fields", &name)),
        None => Ok(()),
    }
}

/// Where knobs stand, for a revision: what is not in a proposal is made with these.
pub(crate) fn defaults<'a>(knobs: impl Iterator<Item = &'a KnobSpec>) -> String {
    knobs.map(|spec| format!(" {}={}", spec.name.as_str(), spec.default)).collect()
}

/// The value of every knob, set or not: a server's own default is nothing to rely on.
pub(crate) fn values(knobs: &[FieldKnob], proposal: &Proposal) -> Vec<(String, serde_json::Number)> {
    let value = |knob: &FieldKnob| {
        let name = knob.spec.name.as_str();
        let value = proposal.knobs.get(name).unwrap_or(knob.spec.default);
        let value = value.clamp(knob.spec.low, knob.spec.high);
        let number =
            if knob.is_whole { Some((value.round() as i64).into()) } else { serde_json::Number::from_f64(value) };
        Some((name.to_owned(), number?))
    };
    knobs.iter().filter_map(value).collect()
}
