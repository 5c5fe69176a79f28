//! How recipes set a judge that asks a chat model.

use std::num::NonZeroU32;

use editscale_schema::remote::RemoteSettings;
use editscale_schema::{Absent, Fields, Flag, FreeQuestion, Key, Number, Whole, Word, Yaml};

use super::{AskingOptions, StructuredOutput};
use crate::judges::recipe::{MODEL, PIXEL_BUDGET, take_count};
use crate::recipe::{prices, repeat};

/// What a recipe says of any judge that asks a chat model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AskingRecipe {
    /// The model's name as the server knows it.
    pub(crate) model: String,
    /// The temperature.
    temperature: Option<f64>,
    /// The most tokens of one answer.
    max_tokens: NonZeroU32,
    /// How the server is asked to keep to the form of the answer.
    structured: StructuredOutput,
    /// Whether a seed is sent.
    sends_seed: bool,
    /// Whether the limit counts what the model thinks.
    counts_reasoning: bool,
    /// The pixels that the model looks at, at most.
    pub(crate) pixel_budget: Option<u64>,
    /// The servers and what is told of them.
    pub(crate) remote: RemoteSettings,
}

pub(crate) const TEMPERATURE: Key<Number> = Key {
    name: "temperature",
    rule: Number::from(0.0, 2.0),
    absent: Absent::Unset("0 where each question is asked once, otherwise 0.7"),
    meaning: "the temperature of the answers",
};

pub(crate) const MAX_TOKENS: Key<Whole> = Key {
    name: "max_tokens",
    rule: Whole { low: 1, high: 1_000_000 },
    absent: Absent::Default(1024),
    meaning: "the most tokens of one answer",
};

pub(crate) const STRUCTURED: Key<Word<StructuredOutput>> = Key {
    name: "structured",
    rule: Word(&[
        ("schema", StructuredOutput::Schema),
        ("schema_without_range", StructuredOutput::SchemaWithoutRange),
        ("object", StructuredOutput::Object),
        ("prompt", StructuredOutput::Prompt),
    ]),
    absent: Absent::Default(StructuredOutput::Schema),
    meaning: "how the server is asked to keep to the form of the answer: by a JSON schema, by one without `minimum` and \
              `maximum` for servers that refuse those, by asking for a JSON object, or by the prompt alone",
};

pub(crate) const SENDS_SEED: Key<Flag> = Key {
    name: "sends_seed",
    rule: Flag,
    absent: Absent::Default(true),
    meaning: "whether a seed is sent; `false` for servers that refuse fields which they do not know",
};

pub(crate) const COUNTS_REASONING: Key<Flag> = Key {
    name: "counts_reasoning",
    rule: Flag,
    absent: Absent::Default(false),
    meaning: "whether the limit on tokens is called `max_completion_tokens`, as models that reason want it at OpenAI",
};

impl AskingRecipe {
    pub(crate) fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (model, temperature, max_tokens) =
            (fields.take(&MODEL), fields.take(&TEMPERATURE), take_count(fields, &MAX_TOKENS));
        let (structured, sends_seed) = (fields.take(&STRUCTURED), fields.take(&SENDS_SEED));
        let (counts_reasoning, pixel_budget) = (fields.take(&COUNTS_REASONING), fields.take(&PIXEL_BUDGET));
        let remote = RemoteSettings::read(fields);
        Some(Self {
            model: model?,
            temperature,
            max_tokens: max_tokens?,
            structured: structured?,
            sends_seed: sends_seed?,
            counts_reasoning: counts_reasoning?,
            pixel_budget,
            remote: remote?,
        })
    }

    /// The model, which resolved recipes have before a judge's own keys.
    pub(crate) fn write_model(&self) -> Option<(String, Yaml)> {
        MODEL.write(Some(&self.model))
    }

    /// All but the model.
    pub(crate) fn write_rest(&self) -> impl Iterator<Item = (String, Yaml)> + use<> {
        let written = [
            TEMPERATURE.write(self.temperature.as_ref()),
            MAX_TOKENS.write(Some(&u64::from(self.max_tokens.get()))),
            STRUCTURED.write(Some(&self.structured)),
            SENDS_SEED.write(Some(&self.sends_seed)),
            COUNTS_REASONING.write(Some(&self.counts_reasoning)),
            PIXEL_BUDGET.write(self.pixel_budget.as_ref()),
        ];
        written.into_iter().flatten().chain(self.remote.write())
    }

    /// Which models there are.
    pub(crate) fn free_question(&self) -> FreeQuestion<'_> {
        ("models".into(), Some(&self.model))
    }

    /// The same over options that are usual: servers stay as they are, and what is not set.
    pub(crate) fn options(&self, usual: AskingOptions) -> AskingOptions {
        AskingOptions {
            revision: self.remote.revision.clone(),
            temperature: self.temperature,
            max_tokens: self.max_tokens(),
            structured: self.structured,
            sends_seed: self.sends_seed,
            counts_reasoning: self.counts_reasoning,
            prices: prices(&self.remote.prices),
            most_input_tokens: self.remote.prices.most_input_tokens.unwrap_or(usual.most_input_tokens),
            repeat: self.remote.repeat.map(repeat),
            ..usual
        }
    }

    /// The limit on tokens; that of the prices where it is lower, so that no answer costs more than was set aside.
    fn max_tokens(&self) -> NonZeroU32 {
        let most = self.remote.prices.most_output_tokens.and_then(|most| NonZeroU32::new(u32::try_from(most).ok()?));
        most.map_or(self.max_tokens, |most| most.min(self.max_tokens))
    }
}

/// A table of keys: a judge's own among those of every judge that asks a chat model.
macro_rules! keys {
    ($($own:expr),* $(,)?) => {
        &[
            &$crate::judges::recipe::MODEL,
            &::editscale_schema::remote::SERVERS,
            $($own,)*
            &$crate::judges::asking::recipe::TEMPERATURE,
            &$crate::judges::asking::recipe::MAX_TOKENS,
            &$crate::judges::asking::recipe::STRUCTURED,
            &$crate::judges::asking::recipe::SENDS_SEED,
            &$crate::judges::asking::recipe::COUNTS_REASONING,
            &$crate::judges::recipe::PIXEL_BUDGET,
            &::editscale_schema::remote::CALLS,
            &::editscale_schema::remote::PRICES,
            &::editscale_schema::remote::REVISION,
            &::editscale_schema::remote::REPEAT,
        ]
    };
}
pub(crate) use keys;
