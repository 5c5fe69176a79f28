//! Judges behind `/v1/chat/completions` that compare candidates with each other, two or several at a time.
//!
//! Models prefer a place (the first, the last) whatever is shown there. Every question is therefore asked in an order and
//! backwards, and counts only where both came back: what a place wins in one of them it loses in the other. How often it did is
//! a part of every score.

mod answer;
mod design;
mod options;
mod recipe;
mod strengths;
mod tally;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::sync::Arc;

use editscale_core::{
    BoxFuture, Cost, Counters, Digest, EditRequest, Failure, FailureKind, Judgement, RewardBatch, RewardCard,
    RewardItem, RewardKind, RewardModel, Score, Usd, Watch,
};
use futures_util::future::{join, join_all};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

pub use options::{ComparingJudgeOptions, Comparison, Pairs};
pub use recipe::{ListwiseJudgeRecipe, PairwiseJudgeRecipe};

use self::answer::{Places, places};
use self::design::Showing;
use self::strengths::Compared;
use crate::SetupError;
use crate::fingerprint::fingerprint;
use crate::judges::asking::asker::{Answered, Asker, Form};
use crate::judges::asking::foremost;
use crate::judges::asking::prompt::Prompt;
use crate::judges::asking::show::{picture, shown, words};

/// The version of what this dialect sends, reads and computes; a part of every card's revision.
const VERSION: u32 = 1;

/// A judge behind `/v1/chat/completions` that compares the candidates of a request with each other.
///
/// A score is a candidate's strength in the model of Bradley and Terry, in log-odds, where the average one of the set is 0: it
/// is thought better than another by `1 / (1 + e^-d)` of all answers where it is ahead by `d`. Sigma is the standard deviation
/// of that. A candidate that is judged alone is the average one: its score is 0, with the sigma of the prior. Scores compare
/// within one call only.
///
/// Parts: `beats_average` (the probability to be thought better than the average one), `flips` (the share of this candidate's
/// comparisons whose answer changed with the order), and of the whole set `position_bias` (the same share of all comparisons;
/// 1 for a judge that looks at nothing but the place) and `first_wins` (the share of decided comparisons that the one shown
/// earlier won; a half where places do not matter).
#[derive(Debug)]
pub struct ComparingJudge {
    options: ComparingJudgeOptions,
    card: RewardCard,
    asker: Asker,
    prompt: Prompt,
}

/// The different candidates of one request, as data URLs.
struct Set {
    request: Arc<EditRequest>,
    source: Option<Arc<str>>,
    candidates: Vec<Arc<str>>,
}

/// What was said of a set, and what it cost.
#[derive(Default)]
struct Told {
    compared: Vec<Compared>,
    failed: Option<Failure>,
    cost: Cost,
}

impl ComparingJudge {
    /// Checks the options, reads the secrets and cuts the prompt. No server is called.
    pub fn new(options: ComparingJudgeOptions) -> Result<Self, SetupError> {
        options.check()?;
        let prompt = options.cut_prompt()?;
        let asker = Asker::new(options.asking.clone(), options.comparison.plan().again)?;
        Ok(Self { card: card(&options), asker, prompt, options })
    }

    /// Judges one request's items against each other. A picture that is there several times is compared once.
    async fn compare(&self, items: &[RewardItem], watch: &dyn Watch) -> Vec<Result<Judgement, Failure>> {
        let mut different: Vec<Digest> = items.iter().map(|item| item.candidate.digest()).collect();
        different.sort_unstable();
        different.dedup();
        let told = match self.set(items, &different) {
            Ok(Some(set)) => self.ask_all(&set, watch).await,
            Ok(None) => Told::default(),
            Err(failure) => Told { failed: Some(failure), ..Told::default() },
        };
        let is_cancelled = told.failed.as_ref().is_some_and(|failure| failure.kind == FailureKind::Cancelled);
        let scores = if is_cancelled || (told.failed.is_some() && different.len() < 2) {
            vec![None; different.len()]
        } else {
            tally::scores(different.len(), &told.compared, self.options.prior_sigma)
        };
        let place = |item: &RewardItem| different.binary_search(&item.candidate.digest()).ok();
        let score = |item: &RewardItem| place(item).and_then(|place| scores.get(place).cloned().flatten());
        let shares = shares(told.cost, items.len());
        items.iter().zip(shares).map(|(item, cost)| judgement(score(item), told.failed.as_ref(), cost)).collect()
    }

    /// Reads all pictures; nothing where there is nothing to compare.
    fn set(&self, items: &[RewardItem], different: &[Digest]) -> Result<Option<Set>, Failure> {
        let Some(first) = items.first().filter(|_| different.len() > 1) else { return Ok(None) };
        let source = self.options.shows_source.then(|| shown(&first.request.source)).transpose()?;
        let of = |digest: &Digest| items.iter().find(|item| item.candidate.digest() == *digest);
        let candidates =
            different.iter().filter_map(of).map(|item| shown(&item.candidate)).collect::<Result<_, _>>()?;
        Ok(Some(Set { request: Arc::clone(&first.request), source, candidates }))
    }

    /// Asks everything about a set: what connects all of it, then who of the best is best.
    async fn ask_all(&self, set: &Set, watch: &dyn Watch) -> Told {
        let (plan, seed, count) = (self.options.comparison.plan(), set.request.seed, set.candidates.len());
        let first = plan.showings(count, seed);
        let mut told = Told::default();
        self.hear(set, first.clone(), &mut told, watch).await;
        let standing = tally::standing(count, &told.compared, self.options.prior_sigma);
        self.hear(set, plan.finals(count, &standing, &first, seed), &mut told, watch).await;
        told
    }

    /// As many questions at a time as the servers take.
    async fn hear(&self, set: &Set, showings: Vec<Showing>, told: &mut Told, watch: &dyn Watch) {
        let at_a_time = self.options.asking.connection.slots().get().div_ceil(2) as usize;
        let asked = stream::iter(showings.into_iter().map(|showing| self.both_ways(set, showing, watch)));
        let mut answers = asked.buffered(at_a_time);
        while let Some((showing, forth, back)) = answers.next().await {
            told.hear(&showing, forth, back);
        }
    }

    async fn both_ways(
        &self,
        set: &Set,
        showing: Showing,
        watch: &dyn Watch,
    ) -> (Showing, Answered<Places>, Answered<Places>) {
        let backwards = Showing { order: showing.order.iter().rev().copied().collect(), seed: showing.seed };
        let (forth, back) = join(self.ask(set, &showing, watch), self.ask(set, &backwards, watch)).await;
        (showing, forth, back)
    }

    async fn ask(&self, set: &Set, showing: &Showing, watch: &dyn Watch) -> Answered<Places> {
        if watch.cancelled() {
            let said = Err(Failure::new(FailureKind::Cancelled, "the work is not wanted any more"));
            return Answered { said, cost: Cost::default() };
        }
        let count = showing.order.len();
        let question = self.asker.question(self.content(set, showing), &self.form(count), showing.seed);
        let comparison = self.options.comparison;
        self.asker.ask(question, showing.seed, watch, |text| places(text, comparison, count)).await
    }

    /// Each picture under its name, then the question.
    fn content(&self, set: &Set, showing: &Showing) -> Vec<Value> {
        let count = showing.order.len();
        let mut content = Vec::with_capacity(2 * count + 3);
        if let Some(source) = &set.source {
            content.extend([words("The original picture:"), picture(source)]);
        }
        for (place, member) in showing.order.iter().enumerate() {
            let name = match (self.options.comparison, place) {
                (Comparison::Pairwise { .. }, 0) => "The first edit:".to_owned(),
                (Comparison::Pairwise { .. }, _) => "The second edit:".to_owned(),
                (Comparison::Listwise { .. }, _) => format!("Edit {}:", place + 1),
            };
            content.push(words(&name));
            content.extend(set.candidates.get(*member).map(|url| picture(url)));
        }
        let filling = [("instruction", set.request.instruction.as_str()), ("count", &count.to_string())];
        content.push(words(&self.prompt.fill(&filling)));
        content
    }

    fn form(&self, count: usize) -> Form {
        match self.options.comparison {
            Comparison::Pairwise { .. } => {
                let words = json!({"type": "string", "enum": ["first", "second", "tie"]});
                Form { name: "comparison", prose: "reasoning", fields: vec![("better".to_owned(), words)] }
            }
            Comparison::Listwise { .. } => {
                let numbers: Vec<usize> = (1..=count).collect();
                let list = json!({"type": "array", "items": {"type": "integer", "enum": numbers}});
                Form { name: "ranking", prose: "reasoning", fields: vec![("ranking".to_owned(), list)] }
            }
        }
    }
}

impl Told {
    /// A comparison counts only where both of its orders came back. What it cost counts either way.
    fn hear(&mut self, showing: &Showing, forth: Answered<Places>, back: Answered<Places>) {
        self.cost += forth.cost;
        self.cost += back.cost;
        match (forth.said, back.said) {
            (Ok(forth), Ok(back)) => self.compared.extend(tally::compared(&showing.order, &forth, &back)),
            (forth, back) => {
                let failures = [forth.err(), back.err()].into_iter().flatten();
                self.failed = failures.fold(self.failed.take(), |known, new| Some(foremost(known, new)));
            }
        }
    }
}

impl RewardModel for ComparingJudge {
    fn card(&self) -> &RewardCard {
        &self.card
    }

    fn score<'a>(&'a self, batch: RewardBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Judgement, Failure>>> {
        Box::pin(async move {
            let mut results: Vec<Option<Result<Judgement, Failure>>> = vec![None; batch.items.len()];
            let sets = by_request(&batch.items);
            let judged = join_all(sets.values().map(async |places| {
                let items: Vec<RewardItem> =
                    places.iter().filter_map(|place| batch.items.get(*place).cloned()).collect();
                self.compare(&items, watch).await
            }));
            for (places, judged) in sets.values().zip(judged.await) {
                for (place, result) in places.iter().zip(judged) {
                    if let Some(entry) = results.get_mut(*place) {
                        *entry = Some(result);
                    }
                }
            }
            let missing = || Err(Failure::new(FailureKind::Malformed, "the candidate was not compared"));
            results.into_iter().map(|result| result.unwrap_or_else(missing)).collect()
        })
    }
}

/// The places of each request's items. Requests are the same where everything about them is that a judge is shown.
fn by_request(items: &[RewardItem]) -> BTreeMap<(Digest, &str, u64), Vec<usize>> {
    let mut sets: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (place, item) in items.iter().enumerate() {
        let request = &item.request;
        let key = (request.source.digest(), request.instruction.as_str(), request.seed.get());
        sets.entry(key).or_default().push(place);
    }
    sets
}

fn judgement(score: Option<Score>, failed: Option<&Failure>, cost: Cost) -> Result<Judgement, Failure> {
    match (score, failed) {
        (Some(score), _) => Ok(Judgement { score, cost, counters: Counters::default() }),
        (None, Some(failed)) => {
            let message = format!("too few comparisons came back to place this candidate: {}", failed.message);
            Err(Failure { kind: failed.kind, message: message.into(), cost })
        }
        (None, None) => {
            let message = "the comparisons came to no finite score";
            Err(Failure { cost, ..Failure::new(FailureKind::Malformed, message) })
        }
    }
}

/// A cost in even parts, whose sum it is.
fn shares(cost: Cost, count: usize) -> Vec<Cost> {
    let count = count as u64;
    let part = |all: u64, place: u64| all / count + u64::from(place < all % count);
    let share = |place| Cost {
        nfe: part(cost.nfe, place),
        tokens: part(cost.tokens, place),
        usd: Usd { micros: part(cost.usd.micros, place) },
    };
    (0..count).map(share).collect()
}

fn card(options: &ComparingJudgeOptions) -> RewardCard {
    let most = options.most_candidates;
    RewardCard {
        name: options.name.clone(),
        revision: revision(options).into(),
        range: None,
        kind: RewardKind::Listwise,
        gives_sigma: true,
        pixel_budget: options.pixel_budget,
        largest_batch: most,
        slots: NonZeroU32::MIN,
        cost: options.comparison.plan().bound(most.get() as usize, options.asking.bound()),
    }
}

/// Everything that changes a score and is not in the pictures; the prompt as one number.
fn revision(options: &ComparingJudgeOptions) -> String {
    let prompt = fingerprint(&options.prompt);
    let (asking, prior) = (&options.asking, options.prior_sigma);
    let (model, temperature) = (&asking.model, asking.temperature(options.comparison.plan().again));
    let mut text = format!("comparing_judge/{VERSION} {model} {}", options.comparison.word());
    // Writing to a text cannot fail.
    _ = match options.comparison {
        Comparison::Pairwise { pairs: Pairs::All, votes } => write!(text, " pairs=all votes={votes}"),
        Comparison::Pairwise { pairs: Pairs::Sparse { neighbours, finalists }, votes } => {
            write!(text, " pairs={neighbours}+{finalists} votes={votes}")
        }
        Comparison::Listwise { most_pictures, orders } => write!(text, " pictures={most_pictures} orders={orders}"),
    };
    _ = write!(text, " temperature={temperature} prior={prior} source={} prompt={prompt}", options.shows_source);
    _ = write!(text, " {}", asking.revision());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_come_to_the_whole() {
        let cost = Cost { nfe: 0, tokens: 11, usd: Usd { micros: 7 } };
        let parts = shares(cost, 4);
        let mut sum = Cost::default();
        parts.iter().for_each(|part| sum += *part);
        assert_eq!((sum, parts.len()), (cost, 4));
        assert!(parts.iter().all(|part| part.tokens <= 3 && part.usd.micros <= 2));
        assert_eq!(shares(cost, 0), []);
    }
}
