//! How recipes set `chat_critic`.

use std::path::Path;
use std::sync::Arc;

use editscale_core::CriticName;
use editscale_schema::{
    Absent, CriticChoice, Fields, FreeQuestion, House, Key, Keys, Made, MadeCritic, MakeError, Options, Text, Yaml,
};

use super::{ChatCritic, ChatCriticOptions};
use crate::SetupError;
use crate::judges::asking::recipe::{AskingRecipe, keys};
use crate::judges::recipe::servers_of;
use crate::recipe::connection;

/// What a recipe says of a vision-language model behind `/v1/chat/completions` that is asked for the next instruction.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatCriticRecipe {
    /// A file with a prompt that takes the place of ours.
    prompt: Option<String>,
    /// A file with a prompt that takes the place of ours about a request of which nothing is made yet.
    rewrite_prompt: Option<String>,
    /// What is told of everything that asks.
    asking: AskingRecipe,
}

const PROMPT: Key<Text> = Key {
    name: "prompt",
    rule: Text,
    absent: Absent::Unset("ours"),
    meaning: "a file with a prompt that takes the place of ours, with the places `{{instruction}}`, `{{told}}` (what the editor \
              was told), `{{canvas}}` (what it will start from) and `{{earlier}}` (the other pictures); it asks for JSON with \
              `critique`, `satisfied` and `instruction`",
};

const REWRITE_PROMPT: Key<Text> = Key {
    name: "rewrite_prompt",
    rule: Text,
    absent: Absent::Unset("ours"),
    meaning: "a file with a prompt that takes the place of ours where a policy has the instruction rewritten before the first edit, with \
              the place `{{instruction}}`; it asks for JSON with `thought` and `instruction`",
};

impl Options for ChatCriticRecipe {
    const NAME: &'static str = "chat_critic";
    const ABOUT: &'static str = "Any vision-language model behind `/v1/chat/completions`, which is shown the source, the \
                                 candidate and the best attempts, and asked what to tell the editor next; or \
                                 the source alone, and asked what to tell it first.";
    const KEYS: Keys = keys!(&PROMPT, &REWRITE_PROMPT);

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (prompt, rewrite_prompt) = (fields.take(&PROMPT), fields.take(&REWRITE_PROMPT));
        Some(Self { prompt, rewrite_prompt, asking: AskingRecipe::read(fields)? })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let prompts = [PROMPT.write(self.prompt.as_ref()), REWRITE_PROMPT.write(self.rewrite_prompt.as_ref())];
        let own = [self.asking.write_model()].into_iter().chain(prompts);
        own.flatten().chain(self.asking.write_rest()).collect()
    }
}

impl CriticChoice for ChatCriticRecipe {
    fn make(&self, name: &CriticName, _: &House) -> Result<MadeCritic, MakeError> {
        Ok(Made::Ready(Arc::new(ChatCritic::new(self.options(name)?)?)))
    }

    servers_of!(asking);

    fn free_question(&self) -> FreeQuestion<'_> {
        self.asking.free_question()
    }
}

impl ChatCriticRecipe {
    fn options(&self, name: &CriticName) -> Result<ChatCriticOptions, SetupError> {
        let remote = connection(&self.asking.remote);
        let usual = ChatCriticOptions::new(name.clone(), &self.asking.model, remote);
        let options = ChatCriticOptions { asking: self.asking.options(usual.asking), ..usual };
        let options = match &self.prompt {
            Some(file) => options.with_prompt_file(Path::new(file))?,
            None => options,
        };
        match &self.rewrite_prompt {
            Some(file) => options.with_rewrite_prompt_file(Path::new(file)),
            None => Ok(options),
        }
    }
}
