//! Reward servers of `flow_grpo`, which speak in pickles: `POST /` with a dict, answered by a dict.
//!
//! Source: `yifan123/reward-server` at commit 92ac29f, `app_deqa.py` and `app_geneval.py` (the servers), and
//! `yifan123/flow_grpo` at commit ac4c86e8, `flow_grpo/rewards.py` (their clients; the only source for `UnifiedReward`, whose
//! server is not public). What the servers answer with is lists of Python's own floats; a failure is status 500 with a
//! traceback as text. They open pictures with `formats=["jpeg"]`, so that every other format is refused here before it is
//! sent. They see the candidate alone.
//!
//! Nothing that comes from a server is ever unpickled freely: see [`editscale_pickle`].

mod recipe;

use std::num::NonZeroU32;

use editscale_core::RewardName;
use editscale_pickle::Pickled;
use reqwest::header::HeaderValue;
use serde_json::{Map, Value};

pub use recipe::PickledRewardRecipe;

use super::chat::AspectPictures;
use super::scoring::found::{Found, Missing};
use super::scoring::options::ScoringOptions;
use super::scoring::pair::{Pair, Shows, any, jpeg};
use super::scoring::{Dialect, Said, Scoring, Setup, reward_model};
use crate::SetupError;
use crate::fingerprint::fingerprint;
use crate::fleet::Connection;
use crate::http::multipart::Payload;

/// The version of what this dialect sends and reads.
const VERSION: u32 = 1;

/// The keys of the dicts that go out and come back.
#[derive(Debug, Clone, PartialEq)]
pub struct PickledFields {
    /// The key of the list of pictures, each the bytes of its file.
    pub images: String,
    /// The key of the list of instructions, where the server reads them.
    pub prompts: Option<String>,
    /// Keys of lists that hold the same value for each picture, such as `GenEval`'s `meta_datas`. Where a value is an object
    /// without `prompt`, the instruction is put there.
    pub each: Map<String, Value>,
    /// Keys of single values, such as `only_strict`.
    pub extra: Map<String, Value>,
    /// The key of the list of scores in the answer.
    pub scores: String,
    /// Keys of more lists in the answer, which become parts of the score.
    pub parts: Vec<String>,
    /// Whether the server opens nothing but JPEG, as all public ones do.
    pub only_jpeg: bool,
}

impl PickledFields {
    /// `DeQA` (image quality, from 0.2 to 1): pictures alone.
    pub fn deqa() -> Self {
        Self {
            images: "images".to_owned(),
            prompts: None,
            each: Map::new(),
            extra: Map::new(),
            scores: "outputs".to_owned(),
            parts: Vec::new(),
            only_jpeg: true,
        }
    }

    /// `UnifiedReward`: pictures and instructions.
    pub fn unified_reward() -> Self {
        Self { prompts: Some("prompts".to_owned()), ..Self::deqa() }
    }

    /// `GenEval` (objects that are to be found in the picture): the strict rules, for an object such as
    /// `{"tag": "counting", "include": [{"class": "dog", "count": 3}]}`, which is the same for all candidates.
    pub fn geneval(metadata: Map<String, Value>) -> Self {
        let each = Map::from_iter([("meta_datas".to_owned(), Value::Object(metadata))]);
        let extra = Map::from_iter([("only_strict".to_owned(), true.into())]);
        Self { each, extra, scores: "scores".to_owned(), parts: vec!["strict_rewards".to_owned()], ..Self::deqa() }
    }

    fn check(&self) -> Result<(), SetupError> {
        let (prompts, each) = (self.prompts.iter(), self.each.keys());
        let mut sent: Vec<&String> =
            std::iter::once(&self.images).chain(prompts).chain(each).chain(self.extra.keys()).collect();
        sent.sort_unstable();
        let twice = sent.windows(2).find_map(|two| (two.first() == two.get(1)).then(|| two.first())).flatten();
        match twice {
            Some(key) => Err(SetupError::setting("fields", "each key once", key)),
            None if sent.iter().any(|key| key.is_empty()) || self.scores.is_empty() => {
                Err(SetupError::setting("fields", "keys that are not empty", &"an empty one"))
            }
            None => Ok(()),
        }
    }

    fn request(&self, pairs: &[&Pair]) -> Pickled {
        let list = |item: &dyn Fn(&Pair) -> Pickled| Pickled::List(pairs.iter().map(|pair| item(pair)).collect());
        let mut entries = vec![(&self.images, list(&|pair| Pickled::Bytes(pair.candidate.bytes.to_vec())))];
        entries.extend(self.prompts.iter().map(|key| (key, list(&|pair| Pickled::text(&pair.instruction)))));
        entries.extend(self.each.iter().map(|(key, value)| (key, list(&|pair| prompted(value, &pair.instruction)))));
        entries.extend(self.extra.iter().map(|(key, value)| (key, pickled(value))));
        Pickled::Dict(entries.into_iter().map(|(key, value)| (Pickled::text(key), value)).collect())
    }

    fn found(&self, answer: &Pickled) -> Result<Vec<Result<Found, Missing>>, String> {
        let list = |key: &str| answer.get(key).and_then(Pickled::items);
        let scores = list(&self.scores)
            .ok_or_else(|| format!("expected a dict with a list under `{}`, found {}", self.scores, answer.kind()))?;
        let parts: Vec<(&String, &[Pickled])> = self
            .parts
            .iter()
            .filter_map(|key| Some((key, list(key)?)))
            .filter(|(_, list)| list.len() == scores.len())
            .collect();
        let one = |(place, score): (usize, &Pickled)| {
            let missing = || {
                Missing::malformed(format!("expected a number at `{}[{place}]`, found {}", self.scores, score.kind()))
            };
            let mean = score.number().ok_or_else(missing)?;
            let part = |(key, list): &(&String, &[Pickled])| Some(((*key).clone(), list.get(place)?.number()?, None));
            Ok(Found { mean, sigma: None, parts: parts.iter().filter_map(part).collect() })
        };
        Ok(scores.iter().enumerate().map(one).collect())
    }
}

/// A value with the instruction where it has a place for one and nothing in it.
fn prompted(value: &Value, instruction: &str) -> Pickled {
    let mut value = value.clone();
    if let Value::Object(fields) = &mut value {
        fields.entry("prompt").or_insert_with(|| instruction.into());
    }
    pickled(&value)
}

/// JSON as Python would read it.
fn pickled(value: &Value) -> Pickled {
    match value {
        Value::Null => Pickled::None,
        Value::Bool(truth) => Pickled::Bool(*truth),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Pickled::Int(whole),
            None => Pickled::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => Pickled::text(text),
        Value::Array(items) => Pickled::List(items.iter().map(pickled).collect()),
        Value::Object(fields) => {
            Pickled::Dict(fields.iter().map(|(name, field)| (Pickled::text(name), pickled(field))).collect())
        }
    }
}

/// What a recipe says of a judge that speaks in pickles.
#[derive(Debug, Clone, PartialEq)]
pub struct PickledRewardOptions {
    /// What all judges of numbers share.
    pub scoring: ScoringOptions,
    /// The keys of what goes out and comes back.
    pub fields: PickledFields,
    /// The most candidates of one call.
    pub largest_batch: NonZeroU32,
}

impl PickledRewardOptions {
    /// A server with these keys, 64 pictures a call, as `flow_grpo` sends them.
    pub fn new(name: RewardName, fields: PickledFields, connection: Connection) -> Self {
        let largest_batch = NonZeroU32::new(64).unwrap_or(NonZeroU32::MIN);
        Self { scoring: ScoringOptions::new(name, connection), fields, largest_batch }
    }
}

/// A judge that speaks in pickles, at `POST /`.
#[derive(Debug)]
pub struct PickledReward {
    scoring: Scoring,
    fields: PickledFields,
}

impl PickledReward {
    /// Checks the options and reads the secrets. No server is called.
    pub fn new(options: PickledRewardOptions) -> Result<Self, SetupError> {
        let PickledRewardOptions { scoring, fields, largest_batch } = options;
        fields.check()?;
        let setup = Setup {
            path: "",
            revision: format!("pickled_reward/{VERSION} asked={}", fingerprint(&format!("{fields:?}"))),
            largest_batch,
            shows: Shows { pictures: AspectPictures::Edited, reads: if fields.only_jpeg { jpeg } else { any } },
            gives_sigma: false,
            works_on: true,
        };
        Ok(Self { scoring: Scoring::new(scoring, setup)?, fields })
    }
}

impl Dialect for PickledReward {
    fn scoring(&self) -> &Scoring {
        &self.scoring
    }

    fn question(&self, pairs: &[&Pair]) -> Result<Payload, String> {
        let bytes = editscale_pickle::write(&self.fields.request(pairs)).map_err(|error| error.to_string())?.into();
        Ok(Payload { media: HeaderValue::from_static("application/octet-stream"), bytes })
    }

    fn read(&self, body: &[u8]) -> Result<Said, String> {
        let answer = editscale_pickle::read(body).map_err(|error| error.to_string())?;
        Ok(Said::of(self.fields.found(&answer)?))
    }
}

reward_model!(PickledReward);
