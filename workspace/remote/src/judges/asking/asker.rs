//! One question: the request that asks it, the call, and what it cost.

use std::sync::Arc;

use editscale_core::{Cost, Failure, Seed, Watch};
use serde_json::{Map, Value, json};

use super::said::said;
use super::{AskingOptions, StructuredOutput};
use crate::SetupError;
use crate::fleet::call::{Ask, Caller, Fleet};
use crate::fleet::server::Server;
use crate::http::client::Reply;
use crate::http::multipart::Payload;
use crate::price::Usage;
use crate::trouble::error::RemoteError;
use crate::trouble::retry::Repeat;
use crate::trouble::words::found;

/// Bits of a seed that are sent: every server takes so many, signed ones too.
const SEED_BITS: u32 = 31;

/// The form of an answer: its name, its prose, and the fields that follow with the schema of each.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Form {
    pub(crate) name: &'static str,
    /// What the prose is called that comes first.
    pub(crate) prose: &'static str,
    pub(crate) fields: Vec<(String, Value)>,
}

/// Asks questions.
#[derive(Debug)]
pub(crate) struct Asker {
    options: AskingOptions,
    temperature: f64,
    repeat: Repeat,
    fleet: Fleet,
}

/// One answered question, and what it cost.
#[derive(Debug, Clone)]
pub(crate) struct Answered<T> {
    pub(crate) said: Result<T, Failure>,
    pub(crate) cost: Cost,
}

impl Asker {
    /// Checks the settings and reads the secrets; each question is asked so many times. No server is called.
    pub(crate) fn new(options: AskingOptions, times: u32) -> Result<Self, SetupError> {
        options.check()?;
        let is_free = options.prices.are_nothing();
        let repeat = options.repeat.unwrap_or(if is_free { Repeat::Harmless } else { Repeat::Never });
        let (temperature, fleet) = (options.temperature(times), Fleet::new(&options.connection)?);
        Ok(Self { options, temperature, repeat, fleet })
    }

    /// The body of a question with this content.
    pub(crate) fn question(&self, content: Vec<Value>, form: &Form, seed: Seed) -> Payload {
        let options = &self.options;
        let limit = if options.counts_reasoning { "max_completion_tokens" } else { "max_tokens" };
        let mut body = Map::new();
        let message =
            Map::from_iter([("role".to_owned(), Value::from("user")), ("content".to_owned(), Value::Array(content))]);
        body.insert("model".to_owned(), options.model.clone().into());
        body.insert("messages".to_owned(), Value::Array(vec![Value::Object(message)]));
        body.insert(limit.to_owned(), options.max_tokens.get().into());
        body.insert("temperature".to_owned(), json!(self.temperature));
        if options.sends_seed {
            body.insert("seed".to_owned(), (seed.get() & ((1 << SEED_BITS) - 1)).into());
        }
        if let Some(format) = format(options.structured, form) {
            body.insert("response_format".to_owned(), format);
        }
        Payload::json(&Value::Object(body))
    }

    /// Asks once. What the model said is read by `read`.
    pub(crate) async fn ask<T>(
        &self,
        body: Payload,
        jitter: Seed,
        watch: &dyn Watch,
        read: impl Fn(&str) -> Result<T, RemoteError>,
    ) -> Answered<T> {
        let ask = Ask::post("chat/completions", body, self.repeat, jitter);
        let heard = |reply: Reply, server: Arc<Server>| std::future::ready(self.hear(&reply, &server, &read));
        self.fleet.answer(&ask, Caller::waiting(watch), heard).await.unwrap_or_else(|error| {
            let failure = error.into_failure(self.repeat, self.options.bound());
            Answered { cost: failure.cost, said: Err(failure) }
        })
    }

    /// What an answer says. One that is no answer may be asked for again; what the model said is final, for it would say
    /// the same again.
    fn hear<T>(
        &self,
        reply: &Reply,
        server: &Server,
        read: impl Fn(&str) -> Result<T, RemoteError>,
    ) -> Result<Answered<T>, RemoteError> {
        let endpoint = &server.endpoint;
        let answer = reply.json().and_then(|answer| answer["choices"].is_array().then_some(answer));
        let Some(answer) = answer else {
            let words = format!("expected JSON with choices, found {}", found(&reply.body));
            return Err(RemoteError::malformed(endpoint, &words));
        };
        let bound = self.options.bound();
        let cost = self.options.prices.of(Usage::of(&answer), 0, bound);
        // Secrets are hidden before anything is cut short.
        let said = said(&endpoint.hide_in(answer)).and_then(read);
        let said = said.map_err(|error| Failure { cost, ..error.into_failure(self.repeat, bound) });
        Ok(Answered { said, cost })
    }
}

/// The form of the answer. The reasoning comes first, so that what is decided follows from it.
fn format(structured: StructuredOutput, form: &Form) -> Option<Value> {
    match structured {
        StructuredOutput::Prompt => None,
        StructuredOutput::Object => Some(json!({"type": "json_object"})),
        StructuredOutput::Schema | StructuredOutput::SchemaWithoutRange => {
            let mut properties = Map::new();
            properties.insert(form.prose.to_owned(), json!({"type": "string"}));
            properties.extend(form.fields.iter().cloned());
            let names = form.fields.iter().map(|(name, _)| name.as_str());
            let required: Vec<&str> = std::iter::once(form.prose).chain(names).collect();
            let schema = json!({
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": false,
            });
            let named = json!({"name": form.name, "strict": true, "schema": schema});
            Some(json!({"type": "json_schema", "json_schema": named}))
        }
    }
}
