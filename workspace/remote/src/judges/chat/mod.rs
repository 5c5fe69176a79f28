//! Judges behind `/v1/chat/completions`: any vision-language model that is shown the pictures and asked for scores.

mod answer;
mod options;
mod question;
mod recipe;
mod rubric;
mod votes;

use std::fmt::Write as _;
use std::num::NonZeroU32;

use editscale_core::{
    BoxFuture, Cost, Counters, Failure, FailureKind, Judgement, RewardBatch, RewardCard, RewardItem, RewardKind,
    RewardModel, Seed, Watch,
};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream;

pub use options::ChatJudgeOptions;
pub use recipe::ChatJudgeRecipe;
pub use rubric::{Aspect, AspectPictures, Combination, Rubric};

use self::question::{About, Pair};
use self::votes::Vote;
use crate::SetupError;
use crate::fingerprint::fingerprint;
use crate::judges::asking::asker::{Answered, Asker};
use crate::judges::asking::foremost;
use crate::judges::asking::prompt::Prompt;

/// The version of what this dialect sends and reads; a part of every card's revision.
const VERSION: u32 = 1;

/// A judge behind `/v1/chat/completions`.
#[derive(Debug)]
pub struct ChatJudge {
    options: ChatJudgeOptions,
    card: RewardCard,
    asker: Asker,
    prompts: Vec<Prompt>,
}

impl ChatJudge {
    /// Checks the options, reads the secrets and cuts the prompts. No server is called.
    pub fn new(options: ChatJudgeOptions) -> Result<Self, SetupError> {
        options.check()?;
        let prompts = options.rubric.prompts()?;
        let asker = Asker::new(options.asking.clone(), options.votes.get())?;
        Ok(Self { card: card(&options), asker, prompts, options })
    }

    async fn judge(&self, item: RewardItem, watch: &dyn Watch) -> Result<Judgement, Failure> {
        let pair = Pair::of(&item)?;
        // Only as many votes are written at a time as the servers take: each holds its pictures.
        let at_a_time = self.options.asking.connection.slots().get() as usize;
        let about = |vote| About { item: &item, pair: &pair, seed: item.request.seed.mix(u64::from(vote)) };
        let votes = stream::iter((0..self.options.votes.get()).map(|vote| self.vote(about(vote), watch)));
        let mut votes = votes.buffered(at_a_time);
        let mut cost = Cost::default();
        let mut said: Vec<Vote> = Vec::new();
        let mut failed: Option<Failure> = None;
        while let Some((vote, spent)) = votes.next().await {
            cost += spent;
            match vote {
                Ok(vote) => said.push(vote),
                Err(failure) => failed = Some(foremost(failed, failure)),
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
    async fn vote(&self, about: About<'_>, watch: &dyn Watch) -> (Result<Vote, Failure>, Cost) {
        let questions = self.options.rubric.aspects.iter().zip(&self.prompts).zip(0..);
        let ask = |((aspect, prompt), place)| self.ask((aspect, prompt), about, about.seed.mix(place), watch);
        let answers = join_all(questions.map(ask)).await;
        let mut cost = Cost::default();
        answers.iter().for_each(|answered| cost += answered.cost);
        (answers.into_iter().map(|answered| answered.said).collect(), cost)
    }

    async fn ask(
        &self,
        (aspect, prompt): (&Aspect, &Prompt),
        about: About<'_>,
        jitter: Seed,
        watch: &dyn Watch,
    ) -> Answered<f64> {
        let read = |text: &str| answer::score(text, aspect, &self.options.rubric);
        self.asker.ask(self.question(aspect, prompt, about), jitter, watch, read).await
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

fn card(options: &ChatJudgeOptions) -> RewardCard {
    let calls = u64::from(options.votes.get()) * options.rubric.aspects.len() as u64;
    let mut cost = Cost::default();
    let each = options.asking.bound();
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
    NonZeroU32::new(options.asking.connection.slots().get().div_ceil(calls)).unwrap_or(NonZeroU32::MIN)
}

/// Everything that changes a score and is not in the pictures; the prompts as one number.
fn revision(options: &ChatJudgeOptions) -> String {
    let questions = fingerprint(&format!("{:?}", options.rubric.aspects));
    let ChatJudgeOptions { asking, rubric, votes, .. } = options;
    let (model, temperature) = (&asking.model, asking.temperature(votes.get()));
    let mut text = format!("chat_judge/{VERSION} {model} votes={votes} temperature={temperature}");
    // Writing to a text cannot fail.
    _ = write!(text, " {:?} {}..{} questions={questions}", rubric.combination, rubric.low, rubric.high);
    _ = write!(text, " {}", asking.revision());
    text
}
