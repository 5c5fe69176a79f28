//! How recipes set the judges behind vLLM; here is what two of them share.

mod classify;
mod plugin;
mod pooling;

use std::path::Path;

use editscale_schema::remote::{FIELDS, FieldValue, read_fields, write_fields};
use editscale_schema::{Absent, Fields, Flag, FreeQuestion, Key, Text, Whole, Yaml};

pub use classify::VllmClassifyRecipe;
pub use plugin::VllmPluginRecipe;
pub use pooling::VllmPoolingRecipe;

use super::VllmConversation;
use crate::SetupError;
use crate::judges::chat::AspectPictures;
use crate::judges::recipe::MODEL;
use crate::judges::scoring::recipe::PICTURES;
use crate::recipe::json_fields;

/// What a recipe says of a conversation with a reward model.
#[derive(Debug, Clone, PartialEq)]
struct ConversationRecipe {
    /// The model's name as the server knows it.
    model: String,
    /// A file with the text after the pictures.
    prompt: Option<String>,
    /// Which pictures are shown.
    pictures: AspectPictures,
    /// Whether the model's function over its raw output is used.
    use_activation: bool,
    /// Whether the chat template ends where the model would begin to answer.
    add_generation_prompt: bool,
    /// Fields that every request carries.
    fields: Vec<(String, FieldValue)>,
}

const PROMPT: Key<Text> = Key {
    name: "prompt",
    rule: Text,
    absent: Absent::Unset("the instruction alone"),
    meaning: "a file with the text after the pictures, with the place `{{instruction}}`",
};

const USE_ACTIVATION: Key<Flag> = Key {
    name: "use_activation",
    rule: Flag,
    absent: Absent::Default(false),
    meaning: "whether the model's function over its raw outputs (softmax, sigmoid) is used; a reward wants them raw",
};

const ADD_GENERATION_PROMPT: Key<Flag> = Key {
    name: "add_generation_prompt",
    rule: Flag,
    absent: Absent::Default(false),
    meaning: "whether the chat template ends where the model would begin to answer, as some reward models were trained",
};

const INDEX: Key<Whole> = Key {
    name: "index",
    rule: Whole { low: 0, high: 1_000_000 },
    absent: Absent::Unset("the only one"),
    meaning: "which of the model's outputs is the score, from 0; required where there are several",
};

impl ConversationRecipe {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (model, prompt, pictures) = (fields.take(&MODEL), fields.take(&PROMPT), fields.take(&PICTURES));
        let (use_activation, add_generation_prompt) =
            (fields.take(&USE_ACTIVATION), fields.take(&ADD_GENERATION_PROMPT));
        let more = read_fields(fields, &FIELDS);
        Some(Self {
            model: model?,
            prompt,
            pictures: pictures?,
            use_activation: use_activation?,
            add_generation_prompt: add_generation_prompt?,
            fields: more?,
        })
    }

    fn write(&self) -> impl Iterator<Item = (String, Yaml)> + use<> {
        let written = [
            MODEL.write(Some(&self.model)),
            PROMPT.write(self.prompt.as_ref()),
            PICTURES.write(Some(&self.pictures)),
            USE_ACTIVATION.write(Some(&self.use_activation)),
            ADD_GENERATION_PROMPT.write(Some(&self.add_generation_prompt)),
            write_fields(&FIELDS, &self.fields),
        ];
        written.into_iter().flatten()
    }

    /// As the dialect has it, with the text of the prompt.
    fn conversation(&self) -> Result<VllmConversation, SetupError> {
        let conversation = VllmConversation {
            pictures: self.pictures,
            use_activation: self.use_activation,
            add_generation_prompt: self.add_generation_prompt,
            extra: json_fields(&self.fields),
            ..VllmConversation::new(&self.model)
        };
        match &self.prompt {
            Some(file) => conversation.with_prompt_file(Path::new(file)),
            None => Ok(conversation),
        }
    }
}

/// Which models there are: vLLM lists them below `/v1`, where its pooling routes are not.
fn which_models(model: &str) -> FreeQuestion<'_> {
    ("v1/models".into(), Some(model))
}
