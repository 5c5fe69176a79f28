//! Our own scoring server: `POST /v1/score`. The contract is `docs/remote.md`, section "The scoring contract".

mod recipe;

use std::num::NonZeroU32;

use editscale_core::{FailureKind, RewardName};
use serde_json::{Map, Value, json as value};

pub use recipe::EditscaleScoreRecipe;

use super::chat::AspectPictures;
use super::scoring::found::{Found, Missing, number};
use super::scoring::options::ScoringOptions;
use super::scoring::pair::{File, Pair, Shows, any};
use super::scoring::{Dialect, Said, Scoring, Setup, json, reward_model};
use crate::SetupError;
use crate::fleet::Connection;
use crate::http::multipart::Payload;

/// The version of the contract.
const VERSION: u32 = 1;

/// What a recipe says of a judge behind our own server.
#[derive(Debug, Clone, PartialEq)]
pub struct EditscaleScoreOptions {
    /// What all judges of numbers share. Where `revision` is said here, the server has to report just that one.
    pub scoring: ScoringOptions,
    /// The reward's name at the server; its only one where it is not said.
    pub reward: Option<String>,
    /// Whether its scores carry a standard deviation. Where not, what the server says of one is left out, as the card says.
    pub gives_sigma: bool,
    /// The most candidates of one call.
    pub largest_batch: NonZeroU32,
}

impl EditscaleScoreOptions {
    /// The only reward of servers at these addresses, 16 candidates a call.
    pub fn new(name: RewardName, connection: Connection) -> Self {
        Self {
            scoring: ScoringOptions::new(name, connection),
            reward: None,
            gives_sigma: false,
            largest_batch: NonZeroU32::new(16).unwrap_or(NonZeroU32::MIN),
        }
    }
}

/// A judge behind our own server.
#[derive(Debug)]
pub struct EditscaleScore {
    scoring: Scoring,
    reward: Option<String>,
}

impl EditscaleScore {
    /// Checks the options and reads the secrets. No server is called.
    pub fn new(options: EditscaleScoreOptions) -> Result<Self, SetupError> {
        let EditscaleScoreOptions { scoring, reward, gives_sigma, largest_batch } = options;
        let setup = Setup {
            path: "score",
            revision: format!("editscale/{VERSION} {}", reward.as_deref().unwrap_or("default")),
            largest_batch,
            shows: Shows { pictures: AspectPictures::Both, reads: any },
            gives_sigma,
            works_on: false,
        };
        Ok(Self { scoring: Scoring::new(scoring, setup)?, reward })
    }

    /// Refuses an answer of another reward, or of another revision of it, than the recipe names.
    fn check(&self, reward: &Value) -> Result<Option<(f64, f64)>, String> {
        let expected = [("name", self.reward.as_ref()), ("revision", self.scoring.options.revision.as_ref())];
        for (field, expected) in expected {
            let found = reward[field].as_str();
            match expected {
                Some(expected) if found != Some(expected) => {
                    let found = found.unwrap_or("nothing");
                    return Err(format!("expected the {field} `{expected}` under `reward`, found `{found}`"));
                }
                _ => {}
            }
        }
        let bound = |place: usize| reward["range"][place].as_f64();
        Ok(bound(0).zip(bound(1)))
    }
}

fn item(pair: &Pair) -> Value {
    let source = pair.source.as_ref().map(File::url);
    value!({"instruction": &*pair.instruction, "source": source, "candidate": pair.candidate.url()})
}

fn found(item: &Value, range: Option<(f64, f64)>) -> Result<Found, Missing> {
    if let Value::Object(error) = &item["error"] {
        return Err(failed(error));
    }
    let mean = number(&item["score"], "`score`")?;
    if let Some((low, high)) = range.filter(|(low, high)| !(*low..=*high).contains(&mean)) {
        return Err(Missing::malformed(format!("the server says scores from {low} to {high}, found {mean}")));
    }
    let part = |part: &Value| {
        let name = part["name"].as_str().ok_or_else(|| Missing::malformed("expected a part with a name"))?;
        Ok((name.to_owned(), number(&part["score"], name)?, optional(&part["sigma"], name)?))
    };
    let parts = item["parts"].as_array().into_iter().flatten().map(part).collect::<Result<_, Missing>>()?;
    Ok(Found { mean, sigma: optional(&item["sigma"], "`sigma`")?, parts })
}

fn optional(value: &Value, place: &str) -> Result<Option<f64>, Missing> {
    if value.is_null() { Ok(None) } else { number(value, place).map(Some) }
}

/// An item's own failure, by its word.
fn failed(error: &Map<String, Value>) -> Missing {
    let text = |name| error.get(name).and_then(Value::as_str).unwrap_or_default();
    let told = [
        FailureKind::Refused,
        FailureKind::Invalid,
        FailureKind::Unavailable,
        FailureKind::TimedOut,
        FailureKind::Malformed,
        FailureKind::Crashed,
    ];
    let kind = told.into_iter().find(|kind| kind.word() == text("class"));
    let words = format!("the server reports {}: {}", text("class"), text("message"));
    Missing { kind: kind.unwrap_or(FailureKind::Malformed), words }
}

impl Dialect for EditscaleScore {
    fn scoring(&self) -> &Scoring {
        &self.scoring
    }

    fn question(&self, pairs: &[&Pair]) -> Result<Payload, String> {
        let items: Vec<Value> = pairs.iter().map(|pair| item(pair)).collect();
        let mut body = Map::new();
        if let Some(reward) = &self.reward {
            body.insert("reward".to_owned(), reward.clone().into());
        }
        body.insert("items".to_owned(), items.into());
        Ok(Payload::json(&Value::Object(body)))
    }

    fn read(&self, body: &[u8]) -> Result<Said, String> {
        let answer = json::read(body)?;
        let range = self.check(&answer["reward"])?;
        let scores = answer["scores"].as_array().ok_or("expected a list under `scores`, found none")?;
        Ok(Said::of(scores.iter().map(|item| found(item, range)).collect()))
    }
}

reward_model!(EditscaleScore);
