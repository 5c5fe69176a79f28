//! What a recipe says of such a judge.

use std::num::NonZeroU32;

use editscale_core::RewardName;

use super::rubric::Rubric;
use crate::SetupError;
use crate::fleet::Connection;
use crate::judges::asking::StructuredOutput;
use crate::judges::asking::asker::Manner;
use crate::price::Prices;
use crate::trouble::retry::Repeat;

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
        Ok(())
    }

    /// How it asks.
    pub(crate) fn manner(&self) -> Manner {
        Manner {
            model: self.model.clone(),
            temperature: self.temperature(),
            max_tokens: self.max_tokens,
            structured: self.structured,
            sends_seed: self.sends_seed,
            counts_reasoning: self.counts_reasoning,
            prices: self.prices,
            most_input_tokens: self.most_input_tokens,
            repeat: self.repeat,
        }
    }

    pub(crate) fn least_votes(&self) -> usize {
        let most = self.votes.get();
        self.least_votes.map_or(most / 2 + 1, NonZeroU32::get).min(most) as usize
    }

    pub(crate) fn temperature(&self) -> f64 {
        self.temperature.unwrap_or(if self.votes.get() > 1 { 0.7 } else { 0.0 })
    }
}
