//! What a recipe says of such a critic.

use std::num::NonZeroU32;
use std::path::Path;

use editscale_core::CriticName;

use crate::SetupError;
use crate::fleet::Connection;
use crate::judges::asking::StructuredOutput;
use crate::judges::asking::asker::Manner;
use crate::judges::asking::prompt::prompt_file;
use crate::price::Prices;
use crate::trouble::retry::Repeat;

/// What a recipe says of a critic behind `/chat/completions`.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatCriticOptions {
    /// What the recipe calls it.
    pub name: CriticName,
    /// The model's name as the server knows it.
    pub model: String,
    /// The servers, and how they are spoken to.
    pub connection: Connection,
    /// What else tells one revision of the answers from another, such as the commit of the weights.
    pub revision: Option<String>,
    /// The prompt's text, with the places `{{instruction}}`, `{{told}}`, `{{canvas}}` and `{{earlier}}`.
    pub prompt: String,
    /// The temperature.
    pub temperature: f64,
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

impl ChatCriticOptions {
    /// A model on these servers, asked with our own prompt at temperature 0.
    pub fn new(name: CriticName, model: &str, connection: Connection) -> Self {
        Self {
            name,
            model: model.to_owned(),
            connection,
            revision: None,
            prompt: include_str!("../../../prompts/critique.txt").to_owned(),
            temperature: 0.0,
            max_tokens: NonZeroU32::new(1024).unwrap_or(NonZeroU32::MIN),
            structured: StructuredOutput::Schema,
            sends_seed: true,
            counts_reasoning: false,
            prices: Prices::default(),
            // A handful of pictures and our prompt.
            most_input_tokens: 32_000,
            repeat: None,
        }
    }

    /// Replaces the prompt by a file's text.
    pub fn with_prompt_file(self, file: &Path) -> Result<Self, SetupError> {
        Ok(Self { prompt: prompt_file("the critique", file)?, ..self })
    }

    /// How it asks.
    pub(super) fn manner(&self) -> Manner {
        Manner {
            model: self.model.clone(),
            temperature: self.temperature,
            max_tokens: self.max_tokens,
            structured: self.structured,
            sends_seed: self.sends_seed,
            counts_reasoning: self.counts_reasoning,
            prices: self.prices,
            most_input_tokens: self.most_input_tokens,
            repeat: self.repeat,
        }
    }
}
