//! Remote reward servers of Flow-Factory: `POST /compute` with JSON.
//!
//! Source: `X-GenGroup/Flow-Factory` at commit a0b2bc5a, `reward_server/example_server.py` (the server to copy) and
//! `src/flow_factory/rewards/my_reward_remote.py` (its client, which also knows an `error` in an answer of status 200).
//! Pictures are opened by Pillow in whatever format they come; a failure is status 500 with its words under `detail`.

mod recipe;

use std::num::NonZeroU32;

use editscale_core::RewardName;
use serde_json::{Value, json as value};

pub use recipe::FlowFactoryRecipe;

use super::chat::AspectPictures;
use super::scoring::found::{Found, number};
use super::scoring::options::ScoringOptions;
use super::scoring::pair::{File, Pair, Shows, any};
use super::scoring::{Dialect, Said, Scoring, Setup, json, reward_model};
use crate::SetupError;
use crate::fleet::Connection;
use crate::http::multipart::Payload;

/// The version of what this dialect sends and reads.
const VERSION: u32 = 1;

/// What a recipe says of a judge behind Flow-Factory's `/compute`.
///
/// Its servers that judge a group at once are not for this: their scores compare within one call only.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowFactoryOptions {
    /// What all judges of numbers share.
    pub scoring: ScoringOptions,
    /// Whether the source is sent, as `condition_images`.
    pub pictures: AspectPictures,
    /// The most candidates of one call.
    pub largest_batch: NonZeroU32,
}

impl FlowFactoryOptions {
    /// A server that is sent both pictures, 16 candidates a call, as its examples are.
    pub fn new(name: RewardName, connection: Connection) -> Self {
        Self {
            scoring: ScoringOptions::new(name, connection),
            pictures: AspectPictures::Both,
            largest_batch: NonZeroU32::new(16).unwrap_or(NonZeroU32::MIN),
        }
    }
}

/// A judge behind Flow-Factory's `POST /compute`.
#[derive(Debug)]
pub struct FlowFactory {
    scoring: Scoring,
}

impl FlowFactory {
    /// Checks the options and reads the secrets. No server is called.
    pub fn new(options: FlowFactoryOptions) -> Result<Self, SetupError> {
        let FlowFactoryOptions { scoring, pictures, largest_batch } = options;
        let setup = Setup {
            path: "compute",
            revision: format!("flow_factory/{VERSION} {pictures:?}"),
            largest_batch,
            shows: Shows { pictures, reads: any },
            gives_sigma: false,
            works_on: true,
        };
        Ok(Self { scoring: Scoring::new(scoring, setup)? })
    }
}

impl Dialect for FlowFactory {
    fn scoring(&self) -> &Scoring {
        &self.scoring
    }

    fn question(&self, pairs: &[&Pair]) -> Result<Payload, String> {
        let prompts: Vec<&str> = pairs.iter().map(|pair| &*pair.instruction).collect();
        let images: Vec<String> = pairs.iter().map(|pair| pair.candidate.base64()).collect();
        // All of a call show the source, or none does.
        let sources: Option<Vec<[String; 1]>> =
            pairs.iter().map(|pair| pair.source.as_ref().map(|source: &File| [source.base64()])).collect();
        Ok(Payload::json(&value!({
            "prompt": prompts,
            "image": images,
            "video": null,
            "condition_images": sources,
            "condition_videos": null,
        })))
    }

    fn read(&self, body: &[u8]) -> Result<Said, String> {
        let answer = json::read(body)?;
        match &answer["error"] {
            Value::Null => {}
            Value::String(words) if words.is_empty() => {}
            Value::String(words) => return Err(format!("the server reports: {words}")),
            other => return Err(format!("the server reports: {other}")),
        }
        let rewards = answer["rewards"].as_array().ok_or("expected a list under `rewards`, found none")?;
        let one = |(place, reward): (usize, &Value)| number(reward, &format!("`rewards[{place}]`")).map(Found::new);
        Ok(Said::of(rewards.iter().enumerate().map(one).collect()))
    }
}

reward_model!(FlowFactory);
