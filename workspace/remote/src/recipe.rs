//! What recipes say of servers, prices and fields, as this crate has it.

use std::collections::BTreeMap;

use editscale_core::{KnobScale, KnobSpec};
use editscale_schema::remote::{
    CallSettings, FieldValue, KnobSetting, PollSettings, PriceSettings, RemoteSettings, RepeatChoice, SecretHeader,
    SecretPlace, ServerSettings,
};
use serde_json::{Map, Value};

use crate::editors::knobs::FieldKnob;
use crate::fleet::{Connection, PollRules, Rate, ServerOptions};
use crate::http::{SecretSource, Timeouts};
use crate::price::{Prices, TokenBounds};
use crate::trouble::{Repeat, RetryRules};

/// The servers that a recipe names, and how they are called.
pub fn connection(settings: &RemoteSettings) -> Connection {
    let CallSettings { attempts, connect, answer, silence, body, longest_pause } = settings.calls;
    let servers = settings.servers.iter().map(|one| server(one, &settings.usual_header)).collect();
    Connection {
        timeouts: Timeouts { connect, answer, silence, body },
        retry: RetryRules { attempts, longest_asked: longest_pause, ..RetryRules::default() },
        ..Connection::new(servers)
    }
}

fn server(settings: &ServerSettings, usual_header: &SecretHeader) -> ServerOptions {
    let burst = settings.burst.unwrap_or(settings.concurrency);
    ServerOptions {
        secret: settings.secret.as_ref().map(|place| match place {
            SecretPlace::Environment(name) => SecretSource::Environment(name.clone()),
            SecretPlace::File(path) => SecretSource::File(path.into()),
        }),
        secret_header: settings.secret_header.clone().map_or_else(|| usual_header.clone(), SecretHeader::Named),
        concurrency: settings.concurrency,
        rate: settings.per_minute.map(|per_minute| Rate { per_minute, burst }),
        ..ServerOptions::new(&settings.url)
    }
}

pub(crate) fn prices(settings: &PriceSettings) -> Prices {
    let PriceSettings { call, picture, text_tokens, picture_tokens, output_tokens, .. } = *settings;
    Prices { call, picture, text_tokens, picture_tokens, output_tokens }
}

/// The bounds of a dialect, where the recipe does not set others.
pub(crate) fn bounds(settings: &PriceSettings, usual: TokenBounds) -> TokenBounds {
    TokenBounds {
        input: settings.most_input_tokens.unwrap_or(usual.input),
        output: settings.most_output_tokens.unwrap_or(usual.output),
    }
}

pub(crate) fn repeat(choice: RepeatChoice) -> Repeat {
    match choice {
        RepeatChoice::Never => Repeat::Never,
        RepeatChoice::Harmless => Repeat::Harmless,
        RepeatChoice::Keyed => Repeat::Keyed,
    }
}

pub(crate) fn polls(settings: PollSettings) -> PollRules {
    let PollSettings { first_wait, longest_wait, deadline, lost_after } = settings;
    PollRules { first_wait, longest_wait, deadline, lost_after }
}

pub(crate) fn knobs(settings: &[KnobSetting]) -> Vec<FieldKnob> {
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
pub(crate) fn form_fields(fields: &[(String, FieldValue)]) -> BTreeMap<String, String> {
    let text = |value: &FieldValue| match value.to_tree() {
        Value::String(text) => text,
        other => other.to_string(),
    };
    fields.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

/// Fields of a JSON object.
pub(crate) fn json_fields(fields: &[(String, FieldValue)]) -> Map<String, Value> {
    fields.iter().map(|(name, value)| (name.clone(), value.to_tree())).collect()
}
