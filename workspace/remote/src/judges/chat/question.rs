//! One question as the request that asks it.

use std::sync::Arc;

use editscale_core::{Failure, FailureKind, Image, MediaType, RewardItem, Seed};
use serde_json::{Map, Value, json};

use super::ChatJudge;
use super::options::StructuredOutput;
use super::prompt::{Filling, Prompt};
use super::rubric::{Aspect, AspectPictures};
use crate::http::multipart::Payload;
use crate::picture::received::data_url;

/// Bits of a seed that are sent: every server takes so many, signed ones too.
const SEED_BITS: u32 = 31;

/// A pair of pictures as data URLs, written once for all questions and votes.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    source: Arc<str>,
    edited: Arc<str>,
}

impl Pair {
    /// Reads both. The files go as they are.
    pub(crate) fn of(item: &RewardItem) -> Result<Self, Failure> {
        Ok(Self { source: shown(&item.request.source)?, edited: shown(&item.candidate)? })
    }
}

fn shown(image: &Image) -> Result<Arc<str>, Failure> {
    let invalid = |message: String| Failure::new(FailureKind::Invalid, message);
    if !matches!(image.media(), MediaType::Png | MediaType::Jpeg | MediaType::WebP | MediaType::Gif) {
        return Err(invalid(format!("vision models do not read {} files", image.media().mime())));
    }
    let bytes = image.read().map_err(|error| invalid(error.to_string()))?;
    Ok(data_url(image.media().mime(), &bytes).into())
}

impl ChatJudge {
    /// The body that asks about one aspect, once.
    pub(crate) fn question(
        &self,
        aspect: &Aspect,
        prompt: &Prompt,
        item: &RewardItem,
        pair: &Pair,
        seed: Seed,
    ) -> Payload {
        let options = &self.options;
        let filling = Filling {
            instruction: item.request.instruction.as_str(),
            low: options.rubric.low,
            high: options.rubric.high,
        };
        let picture = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
        let mut content = match aspect.pictures {
            AspectPictures::Both => vec![picture(&pair.source), picture(&pair.edited)],
            AspectPictures::Edited => vec![picture(&pair.edited)],
        };
        content.push(json!({"type": "text", "text": prompt.fill(filling)}));
        let limit = if options.counts_reasoning { "max_completion_tokens" } else { "max_tokens" };
        let mut body = Map::new();
        body.insert("model".to_owned(), options.model.clone().into());
        body.insert("messages".to_owned(), json!([{"role": "user", "content": content}]));
        body.insert(limit.to_owned(), options.max_tokens.get().into());
        body.insert("temperature".to_owned(), json!(options.temperature()));
        if options.sends_seed {
            body.insert("seed".to_owned(), (seed.get() & ((1 << SEED_BITS) - 1)).into());
        }
        if let Some(format) = self.format(aspect) {
            body.insert("response_format".to_owned(), format);
        }
        Payload::json(&Value::Object(body))
    }

    /// The form of the answer. The reasoning comes first, so that the scores follow from it.
    fn format(&self, aspect: &Aspect) -> Option<Value> {
        match self.options.structured {
            StructuredOutput::Prompt => None,
            StructuredOutput::Object => Some(json!({"type": "json_object"})),
            StructuredOutput::Schema | StructuredOutput::SchemaWithoutRange => {
                let mut properties = Map::new();
                properties.insert("reasoning".to_owned(), json!({"type": "string"}));
                let mut number = json!({"type": "number"});
                if self.options.structured == StructuredOutput::Schema {
                    let rubric = &self.options.rubric;
                    number["minimum"] = whole_or_not(rubric.low);
                    number["maximum"] = whole_or_not(rubric.high);
                }
                let score = |name: &String| (name.clone(), number.clone());
                properties.extend(aspect.scores.iter().map(score));
                let required: Vec<&str> =
                    std::iter::once("reasoning").chain(aspect.scores.iter().map(String::as_str)).collect();
                let schema = json!({
                    "type": "object",
                    "properties": properties,
                    "required": required,
                    "additionalProperties": false,
                });
                let named = json!({"name": "scores", "strict": true, "schema": schema});
                Some(json!({"type": "json_schema", "json_schema": named}))
            }
        }
    }
}

/// A number as people write it: `10`, not `10.0`.
fn whole_or_not(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 1e9 { json!(number as i64) } else { json!(number) }
}
