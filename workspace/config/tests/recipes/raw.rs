//! A resolved recipe as serde reads it: an independent second definition of the format.

use std::collections::BTreeMap;

use editscale_config::{
    DiffusionSettings, EditorModel, FieldValue, PollSettings, RemoteSettings, SecretPlace, ServerSettings,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Raw {
    pub(crate) version: u64,
    pub(crate) editor: Option<RawEditor>,
    pub(crate) editors: Option<BTreeMap<String, RawEditor>>,
    pub(crate) rewards: Vec<RawReward>,
    #[serde(rename = "combine")]
    pub(crate) _combine: BTreeMap<String, BTreeMap<String, u32>>,
    pub(crate) gates: Vec<RawGate>,
    pub(crate) search: RawSearch,
    pub(crate) stop: RawStop,
    pub(crate) budget: RawBudget,
    #[serde(rename = "retain")]
    pub(crate) _retain: BTreeMap<String, BTreeMap<String, u32>>,
    #[serde(rename = "retry")]
    pub(crate) _retry: BTreeMap<String, f64>,
    pub(crate) output: RawOutput,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) enum RawEditor {
    #[serde(rename = "darkroom")]
    Darkroom { partial: bool, workers: Option<u32> },
    #[serde(rename = "instruct_pix2pix")]
    InstructPix2Pix(BTreeMap<String, RawValue>),
    #[serde(rename = "flux_kontext")]
    FluxKontext(BTreeMap<String, RawValue>),
    #[serde(rename = "openai_images")]
    OpenAiImages(BTreeMap<String, RawValue>),
    #[serde(rename = "sdcpp_jobs")]
    SdCppJobs(BTreeMap<String, RawValue>),
    #[serde(rename = "submit_poll")]
    SubmitPoll(BTreeMap<String, RawValue>),
    #[serde(rename = "comfyui")]
    ComfyUi(BTreeMap<String, RawValue>),
    #[serde(rename = "gemini")]
    Gemini(BTreeMap<String, RawValue>),
    #[serde(rename = "ark")]
    Ark(BTreeMap<String, RawValue>),
    #[serde(rename = "sglang_rollout")]
    SgLangRollout(BTreeMap<String, RawValue>),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum RawValue {
    Flag(bool),
    Whole(u64),
    Negative(i64),
    Number(f64),
    Text(String),
    List(Vec<RawValue>),
    Map(BTreeMap<String, RawValue>),
    Null(()),
}

impl RawValue {
    fn says(&self, value: &FieldValue) -> bool {
        match (self, value) {
            (Self::Flag(raw), FieldValue::Flag(set)) => raw == set,
            (Self::Whole(raw), FieldValue::Whole(set)) => i64::try_from(*raw) == Ok(*set),
            (Self::Negative(raw), FieldValue::Whole(set)) => raw == set,
            (Self::Number(raw), FieldValue::Number(set)) => raw == set,
            (Self::Text(raw), FieldValue::Text(set)) => raw == set,
            (Self::List(raw), FieldValue::List(set)) => {
                raw.len() == set.len() && raw.iter().zip(set).all(|(raw, set)| raw.says(set))
            }
            (Self::Map(raw), FieldValue::Map(set)) => says_fields(raw, set),
            (Self::Null(()), FieldValue::Null) => true,
            _ => false,
        }
    }
}

fn says_fields(raw: &BTreeMap<String, RawValue>, set: &[(String, FieldValue)]) -> bool {
    raw.len() == set.len() && set.iter().all(|(name, set)| raw.get(name).is_some_and(|raw| raw.says(set)))
}

fn has_fields(raw: &BTreeMap<String, RawValue>, set: &[(String, FieldValue)]) -> bool {
    match raw.get("fields") {
        Some(RawValue::Map(fields)) => says_fields(fields, set),
        other => other.is_none() && set.is_empty(),
    }
}

fn has_polls(raw: &BTreeMap<String, RawValue>, set: &PollSettings) -> bool {
    match raw.get("polls") {
        Some(RawValue::Map(polls)) => {
            is_number(polls, "first_wait_secs", set.first_wait.as_secs_f64())
                && is_number(polls, "longest_wait_secs", set.longest_wait.as_secs_f64())
                && is_number(polls, "deadline_secs", set.deadline.as_secs_f64())
                && is_number(polls, "lost_after_secs", set.lost_after.as_secs_f64())
        }
        _ => false,
    }
}

/// Whether the servers are the same, at the same prices.
fn says_remote(raw: &BTreeMap<String, RawValue>, set: &RemoteSettings) -> bool {
    let (Some(RawValue::List(servers)), Some(RawValue::Map(prices))) = (raw.get("servers"), raw.get("prices")) else {
        return false;
    };
    let says = |(raw, set): (&RawValue, &ServerSettings)| match raw {
        RawValue::Map(raw) => {
            let (variable, file) = match &set.secret {
                Some(SecretPlace::Environment(variable)) => (Some(variable), None),
                Some(SecretPlace::File(file)) => (None, Some(file)),
                None => (None, None),
            };
            is_text(raw, "url", Some(&set.url))
                && is_text(raw, "secret_env", variable)
                && is_text(raw, "secret_file", file)
                && is_number(raw, "concurrency", f64::from(set.concurrency.get()))
        }
        _ => false,
    };
    servers.len() == set.servers.len()
        && servers.iter().zip(&set.servers).all(says)
        && is_number(prices, "picture", set.prices.picture.dollars())
        && is_text(raw, "revision", set.revision.as_ref())
}

impl RawEditor {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Darkroom { .. } => "darkroom",
            Self::InstructPix2Pix(_) => "instruct_pix2pix",
            Self::FluxKontext(_) => "flux_kontext",
            Self::OpenAiImages(_) => "openai_images",
            Self::SdCppJobs(_) => "sdcpp_jobs",
            Self::SubmitPoll(_) => "submit_poll",
            Self::ComfyUi(_) => "comfyui",
            Self::Gemini(_) => "gemini",
            Self::Ark(_) => "ark",
            Self::SgLangRollout(_) => "sglang_rollout",
        }
    }

    /// Whether it says what the recipe sets.
    #[expect(clippy::too_many_lines, reason = "a line a key, an arm an editor")]
    pub(crate) fn says(&self, model: &EditorModel) -> bool {
        match (self, model) {
            (Self::Darkroom { partial, workers }, EditorModel::Darkroom(set)) => {
                *partial == set.partial && *workers == set.workers.map(u32::from)
            }
            (Self::InstructPix2Pix(raw), EditorModel::InstructPix2Pix(set)) => {
                has_shared(raw, &set.shared, 14)
                    && is_text(raw, "dir", Some(&set.dir))
                    && is_number(raw, "steps", f64::from(set.steps))
                    && is_number(raw, "guidance", set.guidance)
                    && is_number(raw, "image_guidance", set.image_guidance)
                    && is_number(raw, "eta", set.eta)
                    && is_number(raw, "max_pixels", set.max_pixels as f64)
                    && is_number(raw, "cache_mib", set.cache_mib as f64)
                    && matches!(raw.get("sampler"), Some(RawValue::Text(_)))
            }
            (Self::FluxKontext(raw), EditorModel::FluxKontext(set)) => {
                has_shared(raw, &set.shared, 16 + usize::from(set.transformer.is_some()))
                    && is_text(raw, "dir", Some(&set.dir))
                    && is_text(raw, "transformer", set.transformer.as_ref())
                    && is_number(raw, "steps", f64::from(set.steps))
                    && is_number(raw, "guidance", set.guidance)
                    && is_number(raw, "eta", set.eta)
                    && is_number(raw, "max_pixels", set.max_pixels as f64)
                    && is_number(raw, "text_tokens", f64::from(set.text_tokens))
                    && is_number(raw, "cache_mib", set.cache_mib as f64)
                    && is_flag(raw, "fit_source", set.fit_source)
                    && matches!(raw.get("text_device"), Some(RawValue::Text(_)))
                    && matches!(raw.get("weights"), Some(RawValue::Text(_)))
            }
            (Self::OpenAiImages(raw), EditorModel::OpenAiImages(set)) => {
                has_fields(raw, &set.fields)
                    && is_text(raw, "model", set.model.as_ref())
                    && says_remote(raw, &set.remote)
            }
            (Self::SdCppJobs(raw), EditorModel::SdCppJobs(set)) => {
                has_fields(raw, &set.fields)
                    && is_text(raw, "model", set.model.as_ref())
                    && has_polls(raw, &set.polls)
                    && says_remote(raw, &set.remote)
            }
            (Self::SubmitPoll(raw), EditorModel::SubmitPoll(set)) => {
                let inputs = match raw.get("inputs") {
                    Some(RawValue::Map(inputs)) => {
                        is_text(inputs, "seed", set.inputs.seed.as_ref())
                            && is_text(inputs, "height", set.inputs.height.as_ref())
                            && is_text(inputs, "proportion", set.inputs.proportion.as_ref())
                            && is_flag(inputs, "picture_list", set.inputs.picture_list)
                    }
                    _ => false,
                };
                inputs
                    && has_fields(raw, &set.fields)
                    && is_text(raw, "model", Some(&set.model))
                    && has_polls(raw, &set.polls)
                    && says_remote(raw, &set.remote)
            }
            (Self::ComfyUi(raw), EditorModel::ComfyUi(set)) => {
                let fixed = match raw.get("fixed") {
                    Some(RawValue::Map(fixed)) => says_fields(fixed, &set.fixed),
                    other => other.is_none() && set.fixed.is_empty(),
                };
                let outputs = match raw.get("outputs") {
                    Some(RawValue::List(outputs)) => {
                        let is = |(raw, set): (&RawValue, &String)| matches!(raw, RawValue::Text(raw) if raw == set);
                        outputs.len() == set.outputs.len() && outputs.iter().zip(&set.outputs).all(is)
                    }
                    _ => false,
                };
                fixed
                    && outputs
                    && is_text(raw, "workflow", Some(&set.workflow))
                    && is_text(raw, "image", Some(&set.image))
                    && is_text(raw, "instruction", Some(&set.instruction))
                    && is_text(raw, "seed", Some(&set.seed))
                    && is_text(raw, "mask", set.mask.as_ref())
                    && is_text(raw, "width", set.width.as_ref())
                    && is_text(raw, "height", set.height.as_ref())
                    && is_number(raw, "seed_bits", f64::from(set.seed_bits))
                    && has_polls(raw, &set.polls)
                    && is_flag(raw, "progress", set.progress)
                    && says_remote(raw, &set.remote)
            }
            (Self::Gemini(raw), EditorModel::Gemini(set)) => {
                is_text(raw, "model", Some(&set.model))
                    && is_flag(raw, "reproducible", set.is_reproducible)
                    && says_remote(raw, &set.remote)
            }
            (Self::Ark(raw), EditorModel::Ark(set)) => {
                is_text(raw, "model", Some(&set.model))
                    && is_flag(raw, "inline", set.is_inline)
                    && says_remote(raw, &set.remote)
            }
            (Self::SgLangRollout(raw), EditorModel::SgLangRollout(set)) => {
                is_text(raw, "model", Some(&set.model))
                    && is_text(raw, "negative_prompt", set.negative_prompt.as_ref())
                    && is_number(raw, "noise_level", set.noise_level)
                    && is_flag(raw, "trajectory", set.trajectory)
                    && says_remote(raw, &set.remote)
            }
            _ => false,
        }
    }
}

fn has_shared(raw: &BTreeMap<String, RawValue>, set: &DiffusionSettings, most_keys: usize) -> bool {
    let optional = usize::from(set.latents.is_some()) + usize::from(set.activation_mib.is_some());
    raw.len() == most_keys + optional
        && is_text(raw, "latents", set.latents.as_ref())
        && is_flag(raw, "trajectory", set.trajectory)
        && set.activation_mib.is_none_or(|mib| is_number(raw, "activation_mib", mib as f64))
        && is_number(raw, "paused_mib", set.paused_mib as f64)
        && is_number(raw, "batch", f64::from(set.batch.get()))
        && ["result_size", "device", "dtype"].iter().all(|key| matches!(raw.get(*key), Some(RawValue::Text(_))))
}

fn is_text(raw: &BTreeMap<String, RawValue>, key: &str, expected: Option<&String>) -> bool {
    match (raw.get(key), expected) {
        (Some(RawValue::Text(found)), Some(expected)) => found == expected,
        (found, expected) => found.is_none() && expected.is_none(),
    }
}

fn is_number(raw: &BTreeMap<String, RawValue>, key: &str, expected: f64) -> bool {
    match raw.get(key) {
        Some(RawValue::Whole(found)) => *found as f64 == expected,
        Some(RawValue::Number(found)) => *found == expected,
        _ => false,
    }
}

fn is_flag(raw: &BTreeMap<String, RawValue>, key: &str, expected: bool) -> bool {
    matches!(raw.get(key), Some(RawValue::Flag(found)) if *found == expected)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawReward {
    #[serde(rename = "model")]
    pub(crate) _model: BTreeMap<String, BTreeMap<String, RawValue>>,
    pub(crate) weight: Option<f64>,
    pub(crate) name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawGate {
    pub(crate) reward: String,
    pub(crate) part: Option<String>,
    pub(crate) at_least: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum RawSearch {
    BestOfN(BTreeMap<String, u32>),
    Beam { width: u32, children: u32, depth: u32, edges: BTreeMap<String, f64> },
    RewardWeighted(BTreeMap<String, f64>),
}

impl RawSearch {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::BestOfN(counts) => {
                assert!(counts.contains_key("samples"));
                "best_of_n"
            }
            Self::Beam { width, children, depth, edges } => {
                assert!(width * children * depth > 0 && edges.len() == 3);
                "beam"
            }
            Self::RewardWeighted(settings) => {
                assert_eq!(settings.len(), 3);
                "reward_weighted"
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawStop {
    pub(crate) target_score: Option<f64>,
    pub(crate) patience: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawBudget {
    pub(crate) edits: Option<u64>,
    #[serde(rename = "nfe")]
    pub(crate) _nfe: Option<u64>,
    #[serde(rename = "reward_calls")]
    pub(crate) _reward_calls: Option<u64>,
    #[serde(rename = "tokens")]
    pub(crate) _tokens: Option<u64>,
    #[serde(rename = "usd")]
    pub(crate) _usd: Option<f64>,
    pub(crate) wall_secs: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawOutput {
    #[serde(rename = "format")]
    pub(crate) _format: String,
    pub(crate) quality: u64,
    pub(crate) keep_metadata: bool,
}
