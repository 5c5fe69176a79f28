//! One question as the request that asks it.

use std::sync::Arc;

use editscale_core::{Failure, RewardItem, Seed};
use serde_json::{Value, json};

use super::ChatJudge;
use super::rubric::{Aspect, AspectPictures};
use crate::http::multipart::Payload;
use crate::judges::asking::StructuredOutput;
use crate::judges::asking::asker::Form;
use crate::judges::asking::prompt::Prompt;
use crate::judges::asking::show::{picture, shown, words};

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

/// What one vote is about.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) item: &'a RewardItem,
    pub(crate) pair: &'a Pair,
    /// The vote's own.
    pub(crate) seed: Seed,
}

impl ChatJudge {
    /// The body that asks about one aspect, once.
    pub(crate) fn question(&self, aspect: &Aspect, prompt: &Prompt, about: About<'_>) -> Payload {
        let About { item, pair, seed } = about;
        let rubric = &self.options.rubric;
        let (low, high) = (rubric.low.to_string(), rubric.high.to_string());
        let text = prompt.fill(&[("instruction", item.request.instruction.as_str()), ("low", &low), ("high", &high)]);
        let mut content = match aspect.pictures {
            AspectPictures::Both => vec![picture(&pair.source), picture(&pair.edited)],
            AspectPictures::Edited => vec![picture(&pair.edited)],
        };
        content.push(words(&text));
        let fields = aspect.scores.iter().map(|name| (name.clone(), self.number())).collect();
        self.asker.question(content, &Form { name: "scores", prose: "reasoning", fields }, seed)
    }

    /// The schema of one score. A model that knows nothing is held to the range by it.
    fn number(&self) -> Value {
        let (rubric, mut number) = (&self.options.rubric, json!({"type": "number"}));
        if self.options.asking.structured == StructuredOutput::Schema {
            number["minimum"] = whole_or_not(rubric.low);
            number["maximum"] = whole_or_not(rubric.high);
        }
        number
    }
}

/// A number as people write it: `10`, not `10.0`.
fn whole_or_not(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 1e9 { json!(number as i64) } else { json!(number) }
}
