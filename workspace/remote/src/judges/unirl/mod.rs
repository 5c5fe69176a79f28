//! Reward servers of `UniRL`: `POST /score` with JSON.
//!
//! Source: `Tencent-Hunyuan/UniRL` at commit 1a7b501e, `unirl-reward-service/reward_service/schemas.py` (the wire format),
//! `server.py` (errors a reward, 400 for an unknown one), `scorers/base.py` (NaN for what is not available) and
//! `scorers/editreward.py` (two turns: source, then candidate). Pictures are opened by Pillow in whatever format they come.

mod recipe;

use std::num::NonZeroU32;

use editscale_core::{FailureKind, RewardName};
use serde_json::{Value, json as value};

pub use recipe::UnirlScoreRecipe;

use super::chat::AspectPictures;
use super::scoring::found::{Found, Missing, number};
use super::scoring::options::ScoringOptions;
use super::scoring::pair::{File, Pair, Shows, any};
use super::scoring::{Dialect, Said, Scoring, Setup, json, reward_model};
use crate::SetupError;
use crate::fleet::Connection;
use crate::http::multipart::Payload;

/// The version of what this dialect sends and reads.
const VERSION: u32 = 1;

/// What a recipe says of a judge behind `UniRL`'s `/score`.
#[derive(Debug, Clone, PartialEq)]
pub struct UnirlScoreOptions {
    /// What all judges of numbers share.
    pub scoring: ScoringOptions,
    /// The reward's name in the server's configuration, such as `editreward`.
    pub reward: String,
    /// Which number of the reward is the score, such as `edit_following`; their mean where it is not said. All of them are
    /// parts of the score.
    pub metric: Option<String>,
    /// Whether a turn with the source comes before the candidate's. Rewards of single pictures look at the last turn only.
    pub pictures: AspectPictures,
    /// The most candidates of one call. A number that is none makes the server's whole answer fail under some versions of
    /// its libraries, and all of a call are then asked about once more, alone.
    pub largest_batch: NonZeroU32,
}

impl UnirlScoreOptions {
    /// A reward that is shown both pictures, on servers at these addresses, eight candidates a call.
    pub fn new(name: RewardName, reward: &str, connection: Connection) -> Self {
        Self {
            scoring: ScoringOptions::new(name, connection),
            reward: reward.to_owned(),
            metric: None,
            pictures: AspectPictures::Both,
            largest_batch: NonZeroU32::new(8).unwrap_or(NonZeroU32::MIN),
        }
    }
}

/// A judge behind `UniRL`'s `POST /score`.
#[derive(Debug)]
pub struct UnirlScore {
    scoring: Scoring,
    reward: String,
    metric: Option<String>,
}

impl UnirlScore {
    /// Checks the options and reads the secrets. No server is called.
    pub fn new(options: UnirlScoreOptions) -> Result<Self, SetupError> {
        let UnirlScoreOptions { scoring, reward, metric, pictures, largest_batch } = options;
        if reward.is_empty() {
            return Err(SetupError::setting("reward", "the name of a reward", &"none"));
        }
        let setup = Setup {
            path: "score",
            revision: format!("unirl_score/{VERSION} {reward} metric={metric:?} {pictures:?}"),
            largest_batch,
            shows: Shows { pictures, reads: any },
            gives_sigma: false,
            works_on: true,
        };
        Ok(Self { scoring: Scoring::new(scoring, setup)?, reward, metric })
    }

    fn request(&self, pair: &Pair) -> Value {
        let turn = |file: &File| value!({"text": &*pair.instruction, "image_b64": file.base64()});
        let history: Vec<Value> = pair.pictures().map(turn).collect();
        value!({"history": history, "required_rewards": [self.reward], "metadata": null})
    }

    fn found(&self, result: &Value, error: &Value) -> Result<Found, Missing> {
        if let Some(words) = error[&self.reward].as_str() {
            return Err(Missing {
                kind: kind_of(words),
                words: format!("the reward `{}` failed: {words}", self.reward),
            });
        }
        let named = || Missing::malformed(format!("expected numbers of the reward `{}`, found none", self.reward));
        let numbers = result[&self.reward].as_object().filter(|numbers| !numbers.is_empty()).ok_or_else(named)?;
        let part = |(name, said): (&String, &Value)| Some((name.clone(), said.as_f64()?, None));
        let parts = numbers.iter().filter_map(part).collect();
        let read =
            |name: &String| number(numbers.get(name).unwrap_or(&Value::Null), &format!("`{}.{name}`", self.reward));
        let mean = match &self.metric {
            Some(metric) => read(metric)?,
            // One number that is not available leaves no mean.
            None => numbers.keys().map(read).sum::<Result<f64, _>>()? / numbers.len() as f64,
        };
        Ok(Found { mean, sigma: None, parts })
    }
}

/// What became of a reward, by the exception of Python that the server names.
fn kind_of(words: &str) -> FailureKind {
    match words.split('(').next().unwrap_or_default() {
        "TimeoutError" => FailureKind::TimedOut,
        "ValueError" | "TypeError" | "KeyError" | "UnidentifiedImageError" => FailureKind::Invalid,
        _ => FailureKind::Unavailable,
    }
}

impl Dialect for UnirlScore {
    fn scoring(&self) -> &Scoring {
        &self.scoring
    }

    fn question(&self, pairs: &[&Pair]) -> Result<Payload, String> {
        let requests: Vec<Value> = pairs.iter().map(|pair| self.request(pair)).collect();
        Ok(Payload::json(&value!({"requests": requests})))
    }

    fn read(&self, body: &[u8]) -> Result<Said, String> {
        let answer = json::read(body)?;
        let results = answer["results"].as_array().ok_or("expected a list under `results`, found none")?;
        let one = |(place, result)| self.found(result, &answer["errors"][place]);
        Ok(Said::of(results.iter().enumerate().map(one).collect()))
    }
}

reward_model!(UnirlScore);
