//! What a recipe says of such a critic.

use std::path::Path;

use editscale_core::CriticName;

use crate::SetupError;
use crate::fleet::Connection;
use crate::judges::asking::AskingOptions;
use crate::judges::asking::prompt::prompt_file;

/// What a recipe says of a critic behind `/chat/completions`.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatCriticOptions {
    /// What the recipe calls it.
    pub name: CriticName,
    /// How it is asked.
    pub asking: AskingOptions,
    /// The prompt's text, with the places `{{instruction}}`, `{{told}}`, `{{canvas}}` and `{{earlier}}`.
    pub prompt: String,
    /// The prompt that asks for better words than a request's own, with the place `{{instruction}}`.
    pub rewrite_prompt: String,
}

/// What is asked about a request of which nothing is made yet. No text of it is in the card's revision: with another one the version
/// of the dialect changes.
pub(super) const REWRITE_PROMPT: &str = include_str!("../../../prompts/rewriting.txt");

impl ChatCriticOptions {
    /// A model on these servers, asked with our own prompt at temperature 0.
    pub fn new(name: CriticName, model: &str, connection: Connection) -> Self {
        // A handful of pictures and our prompt.
        let asking = AskingOptions::new(model, connection, 32_000);
        let prompt = include_str!("../../../prompts/critique.txt").to_owned();
        Self { name, asking, prompt, rewrite_prompt: REWRITE_PROMPT.to_owned() }
    }

    /// Replaces the prompt by a file's text.
    pub fn with_prompt_file(self, file: &Path) -> Result<Self, SetupError> {
        Ok(Self { prompt: prompt_file("the critique", file)?, ..self })
    }

    /// Replaces the prompt about a request by a file's text.
    pub fn with_rewrite_prompt_file(self, file: &Path) -> Result<Self, SetupError> {
        Ok(Self { rewrite_prompt: prompt_file("the rewriting", file)?, ..self })
    }
}
