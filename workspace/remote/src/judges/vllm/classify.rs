//! Reward models behind vLLM's `POST /classify`.

use std::num::NonZeroU32;

use editscale_core::RewardName;
use serde_json::Value;

use super::VllmConversation;
use crate::SetupError;
use crate::fleet::Connection;
use crate::http::multipart::Payload;
use crate::judges::asking::prompt::Prompt;
use crate::judges::scoring::found::{Found, Missing, number};
use crate::judges::scoring::options::ScoringOptions;
use crate::judges::scoring::pair::{Pair, Shows, usual};
use crate::judges::scoring::{Dialect, Said, Scoring, Setup, json, reward_model};
use crate::price::Usage;

/// The version of what this dialect sends and reads.
const VERSION: u32 = 1;

/// What a recipe says of a judge behind `/classify`.
#[derive(Debug, Clone, PartialEq)]
pub struct VllmClassifyOptions {
    /// What all judges of numbers share.
    pub scoring: ScoringOptions,
    /// What is asked.
    pub conversation: VllmConversation,
    /// Which of the model's outputs is the score, from 0. It may be left open where there is one output only. Answers name
    /// the label of the largest output alone, so that labels cannot be chosen by.
    pub index: Option<usize>,
}

impl VllmClassifyOptions {
    /// A model with one output, shown both pictures and the instruction, on servers at these addresses, without `/v1`.
    pub fn new(name: RewardName, model: &str, connection: Connection) -> Self {
        let scoring = ScoringOptions { most_input_tokens: 16_000, ..ScoringOptions::new(name, connection) };
        Self { scoring, conversation: VllmConversation::new(model), index: None }
    }
}

/// A reward model behind vLLM's `POST /classify`.
#[derive(Debug)]
pub struct VllmClassify {
    scoring: Scoring,
    conversation: VllmConversation,
    prompt: Prompt,
    index: Option<usize>,
}

impl VllmClassify {
    /// Checks the options, reads the secrets and cuts the prompt. No server is called.
    pub fn new(options: VllmClassifyOptions) -> Result<Self, SetupError> {
        let VllmClassifyOptions { scoring, conversation, index } = options;
        let prompt = conversation.cut()?;
        let setup = Setup {
            path: "classify",
            revision: format!("vllm_classify/{VERSION} {} index={index:?}", conversation.revision()),
            largest_batch: NonZeroU32::MIN,
            shows: Shows { pictures: conversation.pictures, reads: usual },
            gives_sigma: false,
            works_on: false,
        };
        Ok(Self { scoring: Scoring::new(scoring, setup)?, conversation, prompt, index })
    }
}

impl Dialect for VllmClassify {
    fn scoring(&self) -> &Scoring {
        &self.scoring
    }

    fn question(&self, pairs: &[&Pair]) -> Result<Payload, String> {
        let body = pairs.first().map(|pair| self.conversation.body(&self.prompt, pair));
        Ok(Payload::json(&Value::Object(body.unwrap_or_default())))
    }

    fn read(&self, body: &[u8]) -> Result<Said, String> {
        let answer = json::read(body)?;
        let data = answer["data"].as_array().ok_or("expected a list under `data`, found none")?;
        let one = |item: &Value| {
            let outputs = item["probs"].as_array().ok_or_else(|| Missing::malformed("expected a list at `probs`"))?;
            chosen(outputs, self.index, "probs").map(Found::new)
        };
        Ok(Said { items: data.iter().map(one).collect(), usage: Usage::of(&answer) })
    }
}

/// The output that is the score. Which one it is has to be said where there are several.
pub(super) fn chosen(outputs: &[Value], index: Option<usize>, place: &str) -> Result<f64, Missing> {
    let count = outputs.len();
    let index = match index {
        Some(index) => index,
        None if count == 1 => 0,
        None => {
            let words = format!(
                "expected one output at `{place}`, found {count}: the option `index` has to say which one counts"
            );
            return Err(Missing::malformed(words));
        }
    };
    let missing = || Missing::malformed(format!("expected at least {} outputs at `{place}`, found {count}", index + 1));
    number(outputs.get(index).ok_or_else(missing)?, &format!("`{place}[{index}]`"))
}

reward_model!(VllmClassify);
