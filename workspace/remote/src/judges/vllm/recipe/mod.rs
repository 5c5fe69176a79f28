//! Options of the rewards `vllm_classify`, `vllm_pooling` and `vllm_plugin`.

use super::super::chat_judge::MODEL;
use super::{PICTURES, PicturesChoice, ScoreSettings, keys};
use crate::document::yaml::Yaml;
use crate::remote::{FIELDS, FieldValue, read_fields, write_fields};
use crate::report::mistakes::Mistake;
use crate::schema::fields::Fields;
use crate::schema::key::{Absent, Key, Keys, Section};
use crate::schema::options::Options;
use crate::schema::rule::{Flag, Text, Whole, Word};

/// What a reward model behind vLLM is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct ConversationSettings {
    /// The model's name as the server knows it.
    pub model: String,
    /// A file with the text after the pictures.
    pub prompt: Option<String>,
    /// Which pictures are shown.
    pub pictures: PicturesChoice,
    /// Whether the model's function over its raw output is used.
    pub use_activation: bool,
    /// Whether the chat template ends where the model would begin to answer.
    pub add_generation_prompt: bool,
    /// Fields that every request carries.
    pub fields: Vec<(String, FieldValue)>,
}

/// A reward model behind vLLM's `/classify`.
#[derive(Debug, Clone, PartialEq)]
pub struct VllmClassifyOptions {
    /// What is asked.
    pub conversation: ConversationSettings,
    /// Which output is the score.
    pub index: Option<u64>,
    /// What all rewards of numbers share.
    pub score: ScoreSettings,
}

/// A reward model behind vLLM's `/pooling`.
#[derive(Debug, Clone, PartialEq)]
pub struct VllmPoolingOptions {
    /// What the pooler is asked for.
    pub task: PoolingChoice,
    /// What is asked.
    pub conversation: ConversationSettings,
    /// Which number is the score.
    pub index: Option<u64>,
    /// What all rewards of numbers share.
    pub score: ScoreSettings,
}

/// What a pooler is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolingChoice {
    /// A classifier's outputs.
    Classify,
    /// An embedding.
    Embed,
}

/// A reward behind an IO-processor plugin of vLLM.
#[derive(Debug, Clone, PartialEq)]
pub struct VllmPluginOptions {
    /// The model's name as the server knows it.
    pub model: String,
    /// What the plugin is sent; the instruction and both pictures under their names where it is not said.
    pub data: Vec<(String, FieldValue)>,
    /// The score's place in what it answers.
    pub pointer: String,
    /// The place of the score's standard deviation.
    pub sigma: Option<String>,
    /// What all rewards of numbers share.
    pub score: ScoreSettings,
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

const TASK: Key<Word<PoolingChoice>> = Key {
    name: "task",
    rule: Word(&[("classify", PoolingChoice::Classify), ("embed", PoolingChoice::Embed)]),
    absent: Absent::Default(PoolingChoice::Classify),
    meaning: "what the pooler is asked for: a classifier's outputs, or an embedding in which `index` is the score",
};

const DATA: Section = Section {
    name: "data",
    allowed: "a map from names to values",
    default: "`{instruction: \"{{instruction}}\", source: \"{{source}}\", candidate: \"{{candidate}}\"}`",
    meaning: "what the plugin is sent; in texts `{{instruction}}`, `{{source}}` and `{{candidate}}` are filled in, pictures as \
              data URLs",
};

const POINTER: Key<Text> = Key {
    name: "pointer",
    rule: Text,
    absent: Absent::Unset("`/score`"),
    meaning: "the score's place under `data` in the answer, as a JSON pointer",
};

const SIGMA: Key<Text> = Key {
    name: "sigma",
    rule: Text,
    absent: Absent::Unset("none"),
    meaning: "the place of the score's standard deviation, likewise",
};

impl ConversationSettings {
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
}

impl Options for VllmClassifyOptions {
    const NAME: &'static str = "vllm_classify";
    const ABOUT: &'static str = "A reward model behind vLLM's `/classify`.";
    const KEYS: Keys = keys!(&MODEL, &PROMPT, &PICTURES, &USE_ACTIVATION, &ADD_GENERATION_PROMPT, &FIELDS, &INDEX);

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (conversation, index) = (ConversationSettings::read(fields), fields.take(&INDEX));
        let score = ScoreSettings::read(fields);
        Some(Self { conversation: conversation?, index, score: score? })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let index = INDEX.write(self.index.as_ref());
        self.conversation.write().chain(index).chain(self.score.write()).collect()
    }
}

impl Options for VllmPoolingOptions {
    const NAME: &'static str = "vllm_pooling";
    const ABOUT: &'static str = "A reward model behind vLLM's `/pooling`.";
    const KEYS: Keys =
        keys!(&MODEL, &PROMPT, &PICTURES, &USE_ACTIVATION, &ADD_GENERATION_PROMPT, &FIELDS, &TASK, &INDEX);

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (task, conversation, index) = (fields.take(&TASK), ConversationSettings::read(fields), fields.take(&INDEX));
        let score = ScoreSettings::read(fields);
        if task == Some(PoolingChoice::Embed) && !fields.has(INDEX.name) {
            let mistake =
                Mistake::new("the task `embed` needs `index`").hint("write which number is the score, from 0");
            fields.error(&fields.span_of(TASK.name), mistake);
        }
        Some(Self { task: task?, conversation: conversation?, index, score: score? })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let own = [TASK.write(Some(&self.task)), INDEX.write(self.index.as_ref())];
        self.conversation.write().chain(own.into_iter().flatten()).chain(self.score.write()).collect()
    }
}

impl Options for VllmPluginOptions {
    const NAME: &'static str = "vllm_plugin";
    const ABOUT: &'static str = "A reward behind an IO-processor plugin of vLLM, at `/pooling`.";
    const KEYS: Keys = keys!(&MODEL, &DATA, &POINTER, &SIGMA);

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (model, data) = (fields.take(&MODEL), read_fields(fields, &DATA));
        let (pointer, sigma, score) = (fields.take(&POINTER), fields.take(&SIGMA), ScoreSettings::read(fields));
        for (key, given) in [(POINTER.name, &pointer), (SIGMA.name, &sigma)] {
            if given.as_ref().is_some_and(|pointer| !pointer.starts_with('/')) {
                let mistake = Mistake::new(format!("`{key}` is no JSON pointer")).hint("begin it with `/`");
                fields.error(&fields.span_of(key), mistake);
            }
        }
        let pointer = pointer.unwrap_or_else(|| "/score".to_owned());
        Some(Self { model: model?, data: data?, pointer, sigma, score: score? })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let own = [
            MODEL.write(Some(&self.model)),
            write_fields(&DATA, &self.data),
            POINTER.write(Some(&self.pointer)),
            SIGMA.write(self.sigma.as_ref()),
        ];
        own.into_iter().flatten().chain(self.score.write()).collect()
    }
}
