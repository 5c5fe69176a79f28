//! The arguments that the route of stable-diffusion.cpp reads out of the prompt: JSON between two marks, in the shape of the
//! server's own API. The form's other fields it does not read.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::SetupError;
use crate::editors::sdcpp_jobs::place;

/// Fields that the route reads from the form.
const OF_THE_FORM: [&str; 2] = ["output_compression", "output_format"];

/// Whether a field stays one of the form.
pub(super) fn is_of_the_form(name: &str) -> bool {
    OF_THE_FORM.contains(&name)
}

/// The JSON pointer to the object that an argument stands in, and whether it is a text.
fn argument(name: &str) -> Option<(&'static str, bool)> {
    match name {
        "cache_mode" | "cache_option" | "negative_prompt" | "scm_mask" => Some(("", true)),
        "auto_resize_ref_image" | "clip_skip" | "hires" | "increase_ref_index" | "lora" | "vae_tiling_params" => {
            Some(("", false))
        }
        "extra_sample_args" | "sample_method" | "scheduler" => Some(("/sample_params", true)),
        "custom_sigmas" => Some(("/sample_params", false)),
        "slg" => Some(("/sample_params/guidance", false)),
        _ => place(name).map(|place| (place, false)),
    }
}

/// Refuses fields and knobs that the server would ignore.
pub(super) fn check<'a>(
    fields: &BTreeMap<String, String>,
    mut knobs: impl Iterator<Item = &'a str>,
) -> Result<(), SetupError> {
    for (name, text) in fields.iter().filter(|(name, _)| !is_of_the_form(name)) {
        let Some((_, is_text)) = argument(name) else {
            return Err(SetupError::setting("fields", "arguments that the server knows, such as sample_method", name));
        };
        if !is_text && serde_json::from_str::<Value>(text).is_err() {
            let expected = format!("a number or other JSON for `{name}`");
            return Err(SetupError::setting("fields", &expected, text));
        }
    }
    match knobs.find(|name| place(name).is_none()) {
        Some(name) => Err(SetupError::setting("knobs", "numbers that the server knows, such as txt_cfg", &name)),
        None => Ok(()),
    }
}

/// The arguments, each in its place. No text in them ends them: `<` is written as JSON may write it.
pub(super) fn written(
    fields: &BTreeMap<String, String>,
    knobs: Vec<(String, serde_json::Number)>,
    seed: Option<u64>,
) -> String {
    let mut arguments = json!({});
    for (name, text) in fields.iter().filter(|(name, _)| !is_of_the_form(name)) {
        let (place, is_text) = argument(name).unwrap_or(("", true));
        let value = if is_text { None } else { serde_json::from_str(text).ok() };
        set(&mut arguments, place, name, value.unwrap_or_else(|| text.as_str().into()));
    }
    for (name, value) in knobs {
        set(&mut arguments, place(&name).unwrap_or_default(), &name, Value::Number(value));
    }
    if let Some(seed) = seed {
        set(&mut arguments, "", "seed", seed.into());
    }
    arguments.to_string().replace('<', "\\u003c")
}

fn set(arguments: &mut Value, place: &str, name: &str, value: Value) {
    let mut object = arguments;
    for step in place.split('/').filter(|step| !step.is_empty()) {
        object = &mut object[step];
    }
    if object.is_null() {
        *object = Value::Object(Map::new());
    }
    object[name] = value;
}
