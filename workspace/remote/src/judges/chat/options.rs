//! What a recipe says of such a judge.

use std::num::NonZeroU32;

use editscale_core::RewardName;

use super::rubric::Rubric;
use crate::SetupError;
use crate::fleet::Connection;
use crate::price::{Prices, TokenBounds};
use crate::trouble::retry::Repeat;

/// How the server is asked to keep to the form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StructuredOutput {
    /// `response_format` with a JSON schema that holds scores to their range, as `OpenAI`, vLLM and `SGLang` know it.
    Schema,
    /// The same without the range, for servers that refuse `minimum` and `maximum` in a schema.
    SchemaWithoutRange,
    /// `response_format` with `json_object`.
    Object,
    /// Not at all; the prompt asks for it.
    Prompt,
}

/// What a recipe says of a judge behind `/chat/completions`.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatJudgeOptions {
    /// What the recipe calls it.
    pub name: RewardName,
    /// The model's name as the server knows it.
    pub model: String,
    /// The servers, and how they are spoken to.
    pub connection: Connection,
    /// What else tells one revision of the answers from another, such as the commit of the weights.
    pub revision: Option<String>,
    /// What is asked.
    pub rubric: Rubric,
    /// How often each question is asked, with a seed of its own each time; from 1 to 64.
    pub votes: NonZeroU32,
    /// Votes that must come back for there to be a score; more than half where it is not said.
    pub least_votes: Option<NonZeroU32>,
    /// The temperature; 0 for one vote and 0.7 for several where it is not said.
    pub temperature: Option<f64>,
    /// The most tokens of one answer.
    pub max_tokens: NonZeroU32,
    /// How the server is asked to keep to the form of the answer.
    pub structured: StructuredOutput,
    /// Whether to send `seed`; servers that refuse unknown fields need not.
    pub sends_seed: bool,
    /// Whether to call the limit `max_completion_tokens`, as models that reason want it at `OpenAI`.
    pub counts_reasoning: bool,
    /// What calls cost.
    pub prices: Prices,
    /// The most tokens that go into one call.
    pub most_input_tokens: u64,
    /// The pixels that the model looks at, at most, where that is known.
    pub pixel_budget: Option<u64>,
    /// Whether a call that may have been answered is sent again; where calls are paid for, not.
    pub repeat: Option<Repeat>,
}

impl ChatJudgeOptions {
    /// A model on these servers, asked once with our own rubric.
    pub fn new(name: RewardName, model: &str, connection: Connection) -> Result<Self, SetupError> {
        Ok(Self {
            name,
            model: model.to_owned(),
            connection,
            revision: None,
            rubric: Rubric::standard()?,
            votes: NonZeroU32::MIN,
            least_votes: None,
            temperature: None,
            max_tokens: NonZeroU32::new(1024).unwrap_or(NonZeroU32::MIN),
            structured: StructuredOutput::Schema,
            sends_seed: true,
            counts_reasoning: false,
            prices: Prices::default(),
            most_input_tokens: 16_000,
            pixel_budget: None,
            repeat: None,
        })
    }

    pub(crate) fn check(&self) -> Result<(), SetupError> {
        if self.votes.get() > 64 {
            return Err(SetupError::setting("votes", "1 to 64", &self.votes));
        }
        if let Some(least) = self.least_votes.filter(|least| *least > self.votes) {
            return Err(SetupError::setting("least_votes", "at most as many as there are votes", &least));
        }
        self.prices.check_repeat(self.repeat)?;
        match self.temperature {
            Some(temperature) if !(0.0..=2.0).contains(&temperature) => {
                Err(SetupError::setting("temperature", "0 to 2", &temperature))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn bounds(&self) -> TokenBounds {
        TokenBounds { input: self.most_input_tokens, output: u64::from(self.max_tokens.get()) }
    }

    pub(crate) fn least_votes(&self) -> usize {
        let most = self.votes.get();
        self.least_votes.map_or(most / 2 + 1, NonZeroU32::get).min(most) as usize
    }

    pub(crate) fn temperature(&self) -> f64 {
        self.temperature.unwrap_or(if self.votes.get() > 1 { 0.7 } else { 0.0 })
    }
}
