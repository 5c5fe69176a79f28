//! Judges behind `/v1/chat/completions`: any vision-language model that is shown the pictures and asked for scores.

mod answer;
mod options;
mod parse;
mod prompt;
mod question;
mod rubric;
mod votes;

use std::fmt::Write as _;
use std::num::NonZeroU32;

use editscale_core::{
    BoxFuture, Cost, Counters, Failure, FailureKind, Judgement, RewardBatch, RewardCard, RewardItem, RewardKind,
    RewardModel, Seed, Watch,
};
use futures_util::future::join_all;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use options::{ChatJudgeOptions, StructuredOutput};
pub(crate) use prompt::{Filling, Prompt};
pub use rubric::{Aspect, AspectPictures, Combination, Rubric};

use self::question::Pair;
use self::votes::Vote;
use crate::SetupError;
use crate::fleet::call::{Ask, Caller, Fleet};
use crate::price::Usage;
use crate::trouble::error::{ErrorClass, RemoteError};
use crate::trouble::retry::Repeat;

/// The version of what this dialect sends and reads; a part of every card's revision.
const VERSION: u32 = 1;

/// A judge behind `/v1/chat/completions`.
#[derive(Debug)]
pub struct ChatJudge {
    pub(crate) options: ChatJudgeOptions,
    card: RewardCard,
    fleet: Fleet,
    prompts: Vec<Prompt>,
    repeat: Repeat,
}

/// One answered question, and what it cost.
struct Answered {
    score: Result<f64, Failure>,
    cost: Cost,
}

impl ChatJudge {
    /// Checks the options, reads the secrets and cuts the prompts. No server is called.
    pub fn new(options: ChatJudgeOptions) -> Result<Self, SetupError> {
        options.check()?;
        let prompts = options.rubric.prompts()?;
        let fleet = Fleet::new(&options.connection)?;
        let is_free = options.prices.are_nothing();
        let repeat = options.repeat.unwrap_or(if is_free { Repeat::Harmless } else { Repeat::Never });
        Ok(Self { card: card(&options), fleet, prompts, repeat, options })
    }

    /// The most that one call can cost.
    fn bound(&self) -> Cost {
        self.options.prices.bound(self.options.bounds(), 0, 0)
    }

    async fn judge(&self, item: RewardItem, watch: &dyn Watch) -> Result<Judgement, Failure> {
        let pair = Pair::of(&item)?;
        let votes = (0..self.options.votes.get()).map(|vote| self.vote(&item, &pair, vote, watch));
        let mut cost = Cost::default();
        let mut said: Vec<Vote> = Vec::new();
        let mut failed: Option<Failure> = None;
        for (vote, spent) in join_all(votes).await {
            cost += spent;
            match vote {
                Ok(vote) => said.push(vote),
                Err(failure) => failed = Some(worse(failed, failure)),
            }
        }
        match failed {
            Some(failure) if said.len() < self.options.least_votes() => {
                let (found, all) = (said.len(), self.options.votes);
                let message = format!("{found} of {all} votes came back: {}", failure.message);
                Err(Failure { kind: failure.kind, message: message.into(), cost })
            }
            _ => {
                let score = votes::score(&self.options.rubric, &said)
                    .map_err(|error| Failure { cost, ..Failure::new(FailureKind::Malformed, error.to_string()) })?;
                Ok(Judgement { score, cost, counters: Counters::default() })
            }
        }
    }

    /// One vote: every question once. It counts only whole.
    async fn vote(
        &self,
        item: &RewardItem,
        pair: &Pair,
        vote: u32,
        watch: &dyn Watch,
    ) -> (Result<Vote, Failure>, Cost) {
        let seed = item.request.seed.mix(u64::from(vote));
        let answers = join_all((0..self.prompts.len()).map(|place| self.ask(place, item, pair, seed, watch))).await;
        let mut cost = Cost::default();
        answers.iter().for_each(|answered| cost += answered.cost);
        (answers.into_iter().map(|answered| answered.score).collect(), cost)
    }

    async fn ask(&self, place: usize, item: &RewardItem, pair: &Pair, seed: Seed, watch: &dyn Watch) -> Answered {
        let (Some(aspect), Some(prompt)) = (self.options.rubric.aspects.get(place), self.prompts.get(place)) else {
            let missing = Failure::new(FailureKind::Invalid, "there is no such question");
            return Answered { score: Err(missing), cost: Cost::default() };
        };
        let ask = Ask {
            method: Method::POST,
            path: "chat/completions".into(),
            body: Some(self.question(aspect, prompt, item, pair, seed)),
            headers: HeaderMap::new(),
            repeat: self.repeat,
            seed: seed.mix(place as u64),
            is_gateway: false,
            streams: false,
            works_on: false,
        };
        let bound = self.bound();
        let failed = |error: RemoteError, cost: Option<Cost>| {
            let failure = error.into_failure(self.repeat, bound);
            let cost = cost.unwrap_or(failure.cost);
            Answered { score: Err(failure), cost }
        };
        let (reply, server) = match self.fleet.call(&ask, Caller { watch, leaving: &|| (), hear: &|_| () }).await {
            Ok(answer) => answer,
            Err(error) => return failed(error, None),
        };
        // Secrets are hidden before anything is cut short.
        let said = server.endpoint.hide(&String::from_utf8_lossy(&reply.body));
        let Ok(answer) = serde_json::from_str::<Value>(&said) else {
            let message = format!("{}: expected JSON, found something else", server.endpoint.base());
            return failed(RemoteError::new(ErrorClass::Malformed, message), Some(bound));
        };
        let cost = self.options.prices.of(Usage::of(&answer), 0, bound);
        match answer::score(&answer, aspect, &self.options.rubric) {
            Ok(score) => Answered { score: Ok(score), cost },
            Err(error) => {
                let message = server.endpoint.hide(&error.message);
                failed(RemoteError { message, ..error }, Some(cost))
            }
        }
    }
}

impl RewardModel for ChatJudge {
    fn card(&self) -> &RewardCard {
        &self.card
    }

    fn score<'a>(&'a self, batch: RewardBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Judgement, Failure>>> {
        Box::pin(join_all(batch.items.into_iter().map(|item| self.judge(item, watch))))
    }
}

/// The failure to tell of: one that may pass before one that is final, so that the engine tries again.
fn worse(known: Option<Failure>, new: Failure) -> Failure {
    match known {
        Some(known) if known.kind == FailureKind::Cancelled || known.kind.may_pass() => known,
        _ => new,
    }
}

fn card(options: &ChatJudgeOptions) -> RewardCard {
    let calls = u64::from(options.votes.get()) * options.rubric.aspects.len() as u64;
    let mut cost = Cost::default();
    let each = options.prices.bound(options.bounds(), 0, 0);
    (0..calls).for_each(|_| cost += each);
    RewardCard {
        name: options.name.clone(),
        revision: revision(options).into(),
        range: Some((options.rubric.low, options.rubric.high)),
        kind: RewardKind::Pointwise,
        gives_sigma: options.votes.get() > 1,
        pixel_budget: options.pixel_budget,
        largest_batch: NonZeroU32::MIN,
        slots: slots(options),
        cost,
    }
}

/// Judgements at a time: as many as their calls keep the servers busy.
fn slots(options: &ChatJudgeOptions) -> NonZeroU32 {
    let calls = options.votes.get().saturating_mul(options.rubric.aspects.len().clamp(1, 16) as u32);
    NonZeroU32::new(options.connection.slots().get().div_ceil(calls)).unwrap_or(NonZeroU32::MIN)
}

/// Everything that changes a score and is not in the pictures; the prompts as one number.
fn revision(options: &ChatJudgeOptions) -> String {
    let questions = Sha256::digest(format!("{:?}", options.rubric.aspects));
    let short: String = questions.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let (rubric, votes) = (&options.rubric, options.votes);
    let mut text =
        format!("chat_judge/{VERSION} {} votes={votes} temperature={}", options.model, options.temperature());
    // Writing to a text cannot fail.
    _ = write!(text, " {:?} {}..{} questions={short}", rubric.combination, rubric.low, rubric.high);
    if let Some(revision) = &options.revision {
        _ = write!(text, " @{revision}");
    }
    text
}
