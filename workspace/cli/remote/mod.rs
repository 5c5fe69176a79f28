//! From a recipe's options to editors and judges behind HTTP.

mod editors;
mod jobs;
mod judges;
mod scores;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZeroU32;

use editscale_config::{
    CallSettings, EditorModel, FieldValue, KnobSetting, PriceSettings, RemoteSettings, RepeatChoice, RewardModel,
    ServerSettings, ServiceChoice,
};
use editscale_core::{KnobScale, KnobSpec};
use editscale_remote::{
    Connection, FieldKnob, Prices, Rate, Repeat, RetryRules, SecretPlace, SecretSource, ServerOptions, Timeouts,
    TokenBounds,
};
use serde_json::{Map, Number, Value};

pub(crate) use editors::{ark, comfyui, gemini, openai_images, sglang_rollout};
pub(crate) use jobs::{sdcpp_jobs, submit_poll};
pub(crate) use judges::{chat_judge, listwise_judge, pairwise_judge};
pub(crate) use scores::{
    editscale, flow_factory, pickled_reward, unirl_score, vllm_classify, vllm_plugin, vllm_pooling,
};

/// What costs nothing to ask an editor's server for, as a path below its address, and the model that should be in the answer.
pub(crate) fn free_question(model: &EditorModel) -> (Cow<'static, str>, Option<&str>) {
    match model {
        EditorModel::OpenAiImages(options) => ("models".into(), options.model.as_deref()),
        EditorModel::SdCppJobs(_) => ("capabilities".into(), None),
        // What the account is like. The queue of fal has nothing of the kind.
        EditorModel::SubmitPoll(options) => match options.service {
            ServiceChoice::Bfl => ("credits".into(), None),
            ServiceChoice::Fal => ("".into(), None),
            ServiceChoice::Replicate => ("account".into(), None),
        },
        EditorModel::ComfyUi(_) => ("system_stats".into(), None),
        EditorModel::Gemini(options) => (format!("models/{}", options.model).into(), None),
        EditorModel::Ark(_) => ("models".into(), None),
        EditorModel::SgLangRollout(_) => ("health".into(), None),
        EditorModel::Darkroom(_) | EditorModel::InstructPix2Pix(_) | EditorModel::FluxKontext(_) => ("".into(), None),
    }
}

/// The same of a judge.
pub(crate) fn free_question_of_judge(model: &RewardModel) -> (Cow<'static, str>, Option<&str>) {
    match model {
        RewardModel::ChatJudge(options) => ("models".into(), Some(&options.model)),
        RewardModel::PairwiseJudge(options) => ("models".into(), Some(&options.shared.model)),
        RewardModel::ListwiseJudge(options) => ("models".into(), Some(&options.shared.model)),
        RewardModel::VllmClassify(options) => ("v1/models".into(), Some(&options.conversation.model)),
        RewardModel::VllmPooling(options) => ("v1/models".into(), Some(&options.conversation.model)),
        RewardModel::VllmPlugin(options) => ("v1/models".into(), Some(&options.model)),
        RewardModel::UnirlScore(_)
        | RewardModel::FlowFactory(_)
        | RewardModel::Editscale(_)
        | RewardModel::PickledReward(_)
        | RewardModel::Photometric(_)
        | RewardModel::EditReward(_) => ("".into(), None),
    }
}

/// The servers of an editor, where it has any, and how they are called.
pub(crate) fn editor_connection(model: &EditorModel) -> Option<Connection> {
    match model {
        EditorModel::SubmitPoll(options) => Some(jobs::service_connection(options)),
        other => other.remote().map(connection),
    }
}

/// The servers, and how they are called.
pub(crate) fn connection(settings: &RemoteSettings) -> Connection {
    let CallSettings { attempts, connect, answer, silence, body, longest_pause } = settings.calls;
    Connection {
        timeouts: Timeouts { connect, answer, silence, body },
        retry: RetryRules { attempts, longest_asked: longest_pause, ..RetryRules::default() },
        ..Connection::new(settings.servers.iter().map(server).collect())
    }
}

fn server(settings: &ServerSettings) -> ServerOptions {
    let burst = settings.burst.unwrap_or(settings.concurrency);
    ServerOptions {
        secret: settings.secret.as_ref().map(|place| match place {
            editscale_config::SecretPlace::Environment(name) => SecretSource::Environment(name.clone()),
            editscale_config::SecretPlace::File(path) => SecretSource::File(path.into()),
        }),
        secret_place: settings.secret_header.clone().map_or(SecretPlace::Bearer, SecretPlace::Header),
        concurrency: settings.concurrency,
        rate: settings.per_minute.map(|per_minute: NonZeroU32| Rate { per_minute, burst }),
        ..ServerOptions::new(&settings.url)
    }
}

fn prices(settings: &PriceSettings) -> Prices {
    let PriceSettings { call, picture, text_tokens, picture_tokens, output_tokens, .. } = *settings;
    Prices { call, picture, text_tokens, picture_tokens, output_tokens }
}

/// The bounds of a dialect, where the recipe does not set others.
fn bounds(settings: &PriceSettings, usual: TokenBounds) -> TokenBounds {
    TokenBounds {
        input: settings.most_input_tokens.unwrap_or(usual.input),
        output: settings.most_output_tokens.unwrap_or(usual.output),
    }
}

fn repeat(choice: RepeatChoice) -> Repeat {
    match choice {
        RepeatChoice::Never => Repeat::Never,
        RepeatChoice::Harmless => Repeat::Harmless,
        RepeatChoice::Keyed => Repeat::Keyed,
    }
}

fn knobs(settings: &[KnobSetting]) -> Vec<FieldKnob> {
    let knob = |setting: &KnobSetting| FieldKnob {
        spec: KnobSpec {
            name: setting.name.clone(),
            low: setting.low,
            high: setting.high,
            default: setting.default,
            scale: if setting.is_logarithmic { KnobScale::Logarithmic } else { KnobScale::Linear },
        },
        is_whole: setting.is_whole,
    };
    settings.iter().map(knob).collect()
}

/// Fields of a form, whose values are texts; what is no text is JSON.
fn form_fields(fields: &[(String, FieldValue)]) -> BTreeMap<String, String> {
    let text = |value: &FieldValue| match json(value) {
        Value::String(text) => text,
        other => other.to_string(),
    };
    fields.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

/// Fields of a JSON object.
fn json_fields(fields: &[(String, FieldValue)]) -> Map<String, Value> {
    fields.iter().map(|(name, value)| (name.clone(), json(value))).collect()
}

/// A value as JSON.
fn json(value: &FieldValue) -> Value {
    match value {
        FieldValue::Null => Value::Null,
        FieldValue::Flag(flag) => (*flag).into(),
        FieldValue::Whole(whole) => (*whole).into(),
        FieldValue::Number(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
        FieldValue::Text(text) => text.clone().into(),
        FieldValue::List(items) => items.iter().map(json).collect(),
        FieldValue::Map(entries) => entries.iter().map(|(name, value)| (name.clone(), json(value))).collect(),
    }
}
