//! Reward models behind vLLM's pooling routes.
//!
//! Source: vLLM 0.32 and 0.33, `vllm/entrypoints/pooling/{base,classify,pooling}/protocol.py` in the wheels. One call holds one
//! conversation. The routes stand at the server's root, so addresses have no `/v1`.

pub(crate) mod classify;
pub(crate) mod pooling;
mod template;

use std::path::Path;

use serde_json::{Map, Value, json};

use super::asking::prompt::{Prompt, prompt_file};
use super::chat::AspectPictures;
use super::scoring::pair::Pair;
use crate::SetupError;
use crate::fingerprint::fingerprint;

/// What is asked by both routes: one conversation with the pictures and a text.
#[derive(Debug, Clone, PartialEq)]
pub struct VllmConversation {
    /// The model's name as the server knows it.
    pub model: String,
    /// The text after the pictures, with the place `{{instruction}}`.
    pub prompt: String,
    /// Which pictures are shown, before the text.
    pub pictures: AspectPictures,
    /// Whether the model's function over its raw output (softmax, sigmoid) is used; not, for a reward. It is sent either way.
    pub use_activation: bool,
    /// Whether the chat template ends where the model would begin to answer, as some reward models were trained.
    pub add_generation_prompt: bool,
    /// More fields of the body, such as `mm_processor_kwargs`. One that is sent already is refused.
    pub extra: Map<String, Value>,
}

impl VllmConversation {
    /// Both pictures and the bare instruction.
    pub fn new(model: &str) -> Self {
        Self {
            model: model.to_owned(),
            prompt: "{{instruction}}".to_owned(),
            pictures: AspectPictures::Both,
            use_activation: false,
            add_generation_prompt: false,
            extra: Map::new(),
        }
    }

    /// Replaces the prompt by a file's text.
    pub fn with_prompt_file(self, file: &Path) -> Result<Self, SetupError> {
        Ok(Self { prompt: prompt_file("the score", file)?, ..self })
    }

    /// Cuts the prompt and checks the fields.
    fn cut(&self) -> Result<Prompt, SetupError> {
        let bad = |reason: String| SetupError::Prompt { aspect: "the score".to_owned(), reason };
        let prompt = Prompt::new(&self.prompt, &["instruction"]).map_err(bad)?;
        let taken = ["model", "messages", "task", "data", "use_activation", "add_generation_prompt", "encoding_format"];
        match self.extra.keys().find(|name| taken.contains(&name.as_str())) {
            Some(name) => Err(SetupError::setting("extra", "fields that are not sent already", name)),
            None => Ok(prompt),
        }
    }

    /// The fields of the body that both routes share.
    fn body(&self, prompt: &Prompt, pair: &Pair) -> Map<String, Value> {
        let picture = |url: String| json!({"type": "image_url", "image_url": {"url": url}});
        let mut content: Vec<Value> = pair.pictures().map(|file| picture(file.url())).collect();
        let text = prompt.fill(&[("instruction", &*pair.instruction)]);
        content.push(json!({"type": "text", "text": text}));
        let mut body = self.extra.clone();
        body.insert("model".to_owned(), self.model.clone().into());
        body.insert("messages".to_owned(), json!([{"role": "user", "content": content}]));
        body.insert("use_activation".to_owned(), self.use_activation.into());
        body.insert("add_generation_prompt".to_owned(), self.add_generation_prompt.into());
        body
    }

    /// Everything here that changes a score.
    fn revision(&self) -> String {
        let Self { model, prompt, pictures, use_activation, add_generation_prompt, extra } = self;
        let asked = fingerprint(&format!("{prompt:?} {}", Value::Object(extra.clone())));
        let flags = format!("activation={use_activation} generation={add_generation_prompt}");
        format!("{model} {pictures:?} {flags} asked={asked}")
    }
}
