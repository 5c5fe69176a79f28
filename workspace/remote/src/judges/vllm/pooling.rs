//! Reward models behind vLLM's `POST /pooling`: raw outputs of a pooler, or whatever an IO-processor plugin answers.

use std::num::NonZeroU32;

use bytes::Bytes;
use editscale_core::{PartName, RewardName};
use serde_json::{Map, Value, json as value};

use super::VllmConversation;
use super::classify::chosen;
use super::template::Template;
use crate::SetupError;
use crate::fingerprint::fingerprint;
use crate::fleet::Connection;
use crate::http::multipart::Payload;
use crate::judges::asking::prompt::Prompt;
use crate::judges::chat::AspectPictures;
use crate::judges::scoring::found::{Found, Missing, number};
use crate::judges::scoring::options::ScoringOptions;
use crate::judges::scoring::pair::{Pair, Shows, usual};
use crate::judges::scoring::{Dialect, Said, Scoring, Setup, json, reward_model};
use crate::price::Usage;

/// The version of what this dialect sends and reads.
const VERSION: u32 = 1;

/// What a recipe says of a judge behind `/pooling`.
#[derive(Debug, Clone, PartialEq)]
pub struct VllmPoolingOptions {
    /// What all judges of numbers share.
    pub scoring: ScoringOptions,
    /// What is asked, and where the score stands in the answer.
    pub task: VllmPoolingTask,
}

/// What the pooler is asked for.
///
/// The tasks that answer with a vector a token (`token_embed`, `token_classify`) hold no score.
#[derive(Debug, Clone, PartialEq)]
pub enum VllmPoolingTask {
    /// The outputs of a classifier: `task: classify`.
    Classify {
        /// What is asked.
        conversation: VllmConversation,
        /// Which output is the score, from 0; it may be left open where there is one.
        index: Option<usize>,
    },
    /// One number of an embedding: `task: embed`, for models that were trained to keep a score there.
    Embed {
        /// What is asked.
        conversation: VllmConversation,
        /// Which number is the score, from 0.
        index: usize,
    },
    /// An IO-processor plugin of the server's owner: `task: plugin`.
    Plugin(VllmPlugin),
}

/// What an IO-processor plugin is sent, and where it answers.
#[derive(Debug, Clone, PartialEq)]
pub struct VllmPlugin {
    /// The model's name as the server knows it.
    pub model: String,
    /// What stands under `data` in the request. In its texts `{{instruction}}`, `{{source}}` and `{{candidate}}` are filled
    /// in, pictures as data URLs.
    pub data: Value,
    /// The score's place under `data` in the answer, as a JSON pointer (RFC 6901); the empty one is `data` itself.
    pub score: String,
    /// The place of its standard deviation, where there is one.
    pub sigma: Option<String>,
    /// The places of its parts.
    pub parts: Vec<(PartName, String)>,
}

impl VllmPlugin {
    /// The instruction and both pictures under their names, and a score at `/score`.
    pub fn new(model: &str) -> Self {
        let data = value!({"instruction": "{{instruction}}", "source": "{{source}}", "candidate": "{{candidate}}"});
        Self { model: model.to_owned(), data, score: "/score".to_owned(), sigma: None, parts: Vec::new() }
    }

    fn check(&self) -> Result<Template, SetupError> {
        let places = std::iter::once(&self.score).chain(&self.sigma).chain(self.parts.iter().map(|(_, place)| place));
        let bad = places.into_iter().find(|place| !place.is_empty() && !place.starts_with('/'));
        match bad {
            Some(place) => Err(SetupError::setting("the place of a score", "a JSON pointer such as /score", place)),
            None => Template::new(&self.data),
        }
    }

    fn found(&self, data: &Value) -> Result<Found, Missing> {
        let at = |place: &str| number(data.pointer(place).unwrap_or(&Value::Null), &format!("`data{place}`"));
        let sigma = self.sigma.as_deref().map(at).transpose()?;
        // A part that is missing is no reason to throw the score away.
        let part = |(name, place): &(PartName, String)| Some((name.to_string(), at(place).ok()?, None));
        Ok(Found { mean: at(&self.score)?, sigma, parts: self.parts.iter().filter_map(part).collect() })
    }
}

impl VllmPoolingOptions {
    /// A pooler on servers at these addresses, without `/v1`.
    pub fn new(name: RewardName, task: VllmPoolingTask, connection: Connection) -> Self {
        let scoring = ScoringOptions { most_input_tokens: 16_000, ..ScoringOptions::new(name, connection) };
        Self { scoring, task }
    }
}

/// A reward model behind vLLM's `POST /pooling`.
#[derive(Debug)]
pub struct VllmPooling {
    scoring: Scoring,
    task: Task,
}

/// A task, ready to be asked for.
#[derive(Debug)]
enum Task {
    Talk { name: &'static str, conversation: VllmConversation, prompt: Prompt, index: Option<usize> },
    Plugin { plugin: VllmPlugin, template: Template },
}

impl VllmPooling {
    /// Checks the options, reads the secrets and cuts the prompt. No server is called.
    pub fn new(options: VllmPoolingOptions) -> Result<Self, SetupError> {
        let talk = |name, conversation: VllmConversation, index| {
            let prompt = conversation.cut()?;
            Ok::<_, SetupError>(Task::Talk { name, conversation, prompt, index })
        };
        let task = match options.task {
            VllmPoolingTask::Classify { conversation, index } => talk("classify", conversation, index)?,
            VllmPoolingTask::Embed { conversation, index } => talk("embed", conversation, Some(index))?,
            VllmPoolingTask::Plugin(plugin) => Task::Plugin { template: plugin.check()?, plugin },
        };
        let setup = Setup {
            path: "pooling",
            revision: format!("vllm_pooling/{VERSION} {}", task.revision()),
            largest_batch: NonZeroU32::MIN,
            shows: Shows { pictures: task.pictures(), reads: usual },
            gives_sigma: matches!(&task, Task::Plugin { plugin, .. } if plugin.sigma.is_some()),
            works_on: false,
        };
        Ok(Self { scoring: Scoring::new(options.scoring, setup)?, task })
    }
}

impl Task {
    fn pictures(&self) -> AspectPictures {
        match self {
            Self::Talk { conversation, .. } => conversation.pictures,
            Self::Plugin { .. } => AspectPictures::Both,
        }
    }

    fn revision(&self) -> String {
        match self {
            Self::Talk { name, conversation, index, .. } => {
                format!("{name} {} index={index:?}", conversation.revision())
            }
            Self::Plugin { plugin: VllmPlugin { model, data, score, sigma, parts }, .. } => {
                let asked = fingerprint(&format!("{data} {score:?} {sigma:?} {parts:?}"));
                format!("plugin {model} asked={asked}")
            }
        }
    }

    fn body(&self, pair: &Pair) -> Map<String, Value> {
        match self {
            Self::Talk { name, conversation, prompt, .. } => {
                let mut body = conversation.body(prompt, pair);
                body.insert("task".to_owned(), (*name).into());
                body.insert("encoding_format".to_owned(), "float".into());
                body
            }
            Self::Plugin { plugin, template } => {
                let fields =
                    [("model", plugin.model.clone().into()), ("task", "plugin".into()), ("data", template.fill(pair))];
                fields.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
            }
        }
    }

    fn found(&self, answer: &Value) -> Result<Vec<Result<Found, Missing>>, String> {
        match (self, &answer["data"]) {
            (Self::Plugin { .. }, Value::Null) => Err("expected something under `data`, found nothing".to_owned()),
            (Self::Plugin { plugin, .. }, data) => Ok(vec![plugin.found(data)]),
            (Self::Talk { index, .. }, Value::Array(items)) => {
                Ok(items.iter().map(|item| pooled(&item["data"], *index).map(Found::new)).collect())
            }
            _ => Err("expected a list under `data`, found none".to_owned()),
        }
    }
}

/// The score in what a pooler gave: a number, or one of a list.
fn pooled(data: &Value, index: Option<usize>) -> Result<f64, Missing> {
    match data {
        Value::Array(rows) if rows.first().is_some_and(Value::is_array) => Err(Missing::malformed(
            "expected one list of numbers, found one for each token: this pooler holds no score",
        )),
        Value::Array(outputs) => chosen(outputs, index, "data"),
        number_alone => number(number_alone, "`data`"),
    }
}

impl Dialect for VllmPooling {
    fn scoring(&self) -> &Scoring {
        &self.scoring
    }

    fn question(&self, pairs: &[&Pair]) -> Result<Payload, String> {
        let body = pairs.first().map(|pair| self.task.body(pair));
        Ok(Payload::json(&Value::Object(body.unwrap_or_default())))
    }

    fn read(&self, body: &Bytes, _: usize) -> Result<Said, String> {
        let answer = json::read(body)?;
        Ok(Said { items: self.task.found(&answer)?, usage: Usage::of(&answer) })
    }
}

reward_model!(VllmPooling);
