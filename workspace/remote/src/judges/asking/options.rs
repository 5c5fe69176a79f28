//! What is told of everything that asks a chat model, a judge or a critic.

use std::num::NonZeroU32;

use editscale_core::Cost;

use super::StructuredOutput;
use crate::SetupError;
use crate::fleet::Connection;
use crate::price::{Counted, Prices, TokenBounds};
use crate::trouble::retry::Repeat;

/// How a model behind `/chat/completions` is asked, whatever it is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct AskingOptions {
    /// The model's name as the server knows it.
    pub model: String,
    /// The servers, and how they are spoken to.
    pub connection: Connection,
    /// What else tells one revision of the answers from another, such as the commit of the weights.
    pub revision: Option<String>,
    /// The temperature, from 0 to 2; 0 where each question is asked once and 0.7 where it is asked again, if it is not said.
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
    /// Whether a call that may have been answered is sent again; where calls are paid for, not.
    pub repeat: Option<Repeat>,
}

impl AskingOptions {
    /// A model on these servers, whose answers cost nothing and have at most 1024 tokens.
    pub(crate) fn new(model: &str, connection: Connection, most_input_tokens: u64) -> Self {
        Self {
            model: model.to_owned(),
            connection,
            revision: None,
            temperature: None,
            max_tokens: NonZeroU32::new(1024).unwrap_or(NonZeroU32::MIN),
            structured: StructuredOutput::Schema,
            sends_seed: true,
            counts_reasoning: false,
            prices: Prices::default(),
            most_input_tokens,
            repeat: None,
        }
    }

    /// The temperature where each question is asked so often.
    pub(crate) fn temperature(&self, times: u32) -> f64 {
        self.temperature.unwrap_or(if times > 1 { 0.7 } else { 0.0 })
    }

    pub(crate) fn check(&self) -> Result<(), SetupError> {
        self.prices.check_repeat(self.repeat)?;
        Repeat::check_unkeyed(self.repeat, "judges have")?;
        self.prices.only(&[Counted::Call, Counted::TextTokens, Counted::PictureTokens, Counted::OutputTokens])?;
        self.prices.check_bounds(self.bounds())?;
        match self.temperature {
            Some(temperature) if !(0.0..=2.0).contains(&temperature) => {
                Err(SetupError::setting("temperature", "0 to 2", &temperature))
            }
            _ => Ok(()),
        }
    }

    fn bounds(&self) -> TokenBounds {
        TokenBounds { input: self.most_input_tokens, output: u64::from(self.max_tokens.get()) }
    }

    /// The most that one call can cost.
    pub(crate) fn bound(&self) -> Cost {
        self.prices.bound(self.bounds(), 0, 0)
    }

    /// What of it changes answers, behind what is asked in a card's revision.
    pub(crate) fn revision(&self) -> String {
        let known = self.revision.as_ref().map_or_else(String::new, |revision| format!(" @{revision}"));
        format!("structured={:?} max_tokens={}{known}", self.structured, self.max_tokens)
    }
}
