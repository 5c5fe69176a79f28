//! One side of a comparison: what the rewards of a recipe say of every pair, and how fast.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, bail};
use editscale_config::JudgeRecipe;
use editscale_core::{Digest, NobodyWatches, RewardBatch, RewardItem, RewardModel, Score};
use editscale_schema::House;
use editscale_study::{Spread, spread};
use tokio::runtime::Runtime;

use crate::args::BenchParity;
use crate::commands::bench::parity::Source;
use crate::commands::score::Pair;
use crate::failure::tell;
use crate::world;

/// How many pairs are held in memory, at least a full batch.
const TOGETHER: usize = 32;

/// What a recipe's rewards say.
pub(super) struct Side {
    pub(super) rewards: Vec<Said>,
    /// The pairs, in their order.
    pub(super) pairs: Vec<Named>,
    /// How long it took until the rewards could be asked.
    pub(super) load_secs: f64,
}

/// A pair without its pictures.
pub(super) struct Named {
    pub(super) names: String,
    /// Pairs of one group have the source and the instruction in common.
    pub(super) group: usize,
    /// Why it cannot be read.
    pub(super) unreadable: Option<String>,
}

/// What one reward says of every pair: a score, or why there is none.
pub(super) struct Said {
    pub(super) name: String,
    pub(super) revision: String,
    pub(super) largest_batch: u32,
    pub(super) scores: Vec<Result<Score, String>>,
    pub(super) speed: Option<Speed>,
}

/// How fast a reward is.
pub(super) struct Speed {
    /// How long the very first call took, with one pair.
    pub(super) first_secs: f64,
    /// Seconds for a pair at each size of batch.
    pub(super) batches: Vec<(usize, Spread)>,
}

/// Groups of pairs by what they have in common.
#[derive(Default)]
struct Groups(HashMap<(Digest, Arc<str>), usize>);

impl Groups {
    fn of(&mut self, item: &RewardItem) -> usize {
        let (digest, text) = (item.request.source.digest(), item.request.instruction.shared());
        let next = self.0.len();
        *self.0.entry((digest, text)).or_insert(next)
    }
}

/// Asks the rewards of a recipe about all pairs.
pub(super) fn measure(role: &str, recipe: &JudgeRecipe, arguments: &BenchParity) -> Result<Side> {
    let begun = Instant::now();
    let rewards = world::rewards(recipe.rewards(), &House::default())?;
    let load_secs = begun.elapsed().as_secs_f64();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut said: Vec<Said> = rewards.iter().map(|reward| heard(reward.as_ref())).collect();
    let most = rewards.iter().map(|reward| largest(reward.as_ref())).max().unwrap_or(1).max(TOGETHER);
    let (mut source, mut pairs, mut groups) = (Source::open(arguments)?, Vec::new(), Groups::default());
    loop {
        let together = source.next(most)?;
        if together.is_empty() {
            break;
        }
        let items: Vec<RewardItem> = together.iter().filter_map(|pair| pair.item.as_ref().ok()).cloned().collect();
        for (reward, said) in rewards.iter().zip(&mut said) {
            let asker = Asker { reward: reward.as_ref(), runtime: &runtime };
            if said.speed.is_none() && !items.is_empty() {
                said.speed = asker.speed(&items, arguments.rounds as usize)?;
            }
            said.scores.extend(in_place(&together, asker.ask(&items)?));
        }
        pairs.extend(together.into_iter().map(|pair| named(pair, &mut groups)));
        tell(&format!("{role}: {} pairs", pairs.len()));
    }
    Ok(Side { rewards: said, pairs, load_secs })
}

fn heard(reward: &dyn RewardModel) -> Said {
    let card = reward.card();
    let (name, revision, largest_batch) = (card.name.to_string(), card.revision.to_string(), card.largest_batch.get());
    Said { name, revision, largest_batch, scores: Vec::new(), speed: None }
}

fn largest(reward: &dyn RewardModel) -> usize {
    (reward.card().largest_batch.get() as usize).min(1024)
}

fn named(pair: Pair, groups: &mut Groups) -> Named {
    let Pair { names, item } = pair;
    match item {
        Ok(item) => Named { names, group: groups.of(&item), unreadable: None },
        Err(why) => Named { names, group: usize::MAX, unreadable: Some(why) },
    }
}

/// Answers in the places of all pairs, those that cannot be read among them.
fn in_place(pairs: &[Pair], answers: Vec<Result<Score, String>>) -> Vec<Result<Score, String>> {
    let mut answers = answers.into_iter();
    let missing = || Err("the reward gave no answer".to_owned());
    let answer = |pair: &Pair| match &pair.item {
        Ok(_) => answers.next().unwrap_or_else(missing),
        Err(why) => Err(why.clone()),
    };
    pairs.iter().map(answer).collect()
}

struct Asker<'a> {
    reward: &'a dyn RewardModel,
    runtime: &'a Runtime,
}

impl Asker<'_> {
    /// What it says of every item.
    fn ask(&self, items: &[RewardItem]) -> Result<Vec<Result<Score, String>>> {
        let mut answers = Vec::with_capacity(items.len());
        for items in items.chunks(largest(self.reward)) {
            let batch = RewardBatch { items: items.to_vec() };
            let said = self.runtime.block_on(self.reward.score(batch, &NobodyWatches));
            if said.len() != items.len() {
                bail!("`{}` gave {} answers to {} pairs", self.reward.card().name, said.len(), items.len());
            }
            let score = |answer: Result<editscale_core::Judgement, editscale_core::Failure>| {
                answer.map(|judgement| judgement.score).map_err(|failure| failure.to_string())
            };
            answers.extend(said.into_iter().map(score));
        }
        Ok(answers)
    }

    /// How fast it is: the first call by itself, then many, after one that does not count.
    fn speed(&self, items: &[RewardItem], rounds: usize) -> Result<Option<Speed>> {
        if rounds == 0 {
            return Ok(None);
        }
        let begun = Instant::now();
        self.ask(items.get(..1).unwrap_or_default())?;
        let first_secs = begun.elapsed().as_secs_f64();
        let mut sizes = vec![1, largest(self.reward).min(items.len())];
        sizes.dedup();
        let mut batches = Vec::with_capacity(sizes.len());
        for size in sizes {
            self.ask(&turned(items, 0, size))?;
            let mut seconds = Vec::with_capacity(rounds);
            for round in 1..=rounds {
                let some = turned(items, round * size, size);
                let begun = Instant::now();
                self.ask(&some)?;
                seconds.push(begun.elapsed().as_secs_f64() / size as f64);
            }
            batches.push((size, spread(&seconds)?));
        }
        Ok(Some(Speed { first_secs, batches }))
    }
}

/// So many items from a place on, round and round: one round is not about the same pictures as the last.
fn turned(items: &[RewardItem], from: usize, count: usize) -> Vec<RewardItem> {
    items.iter().cycle().skip(from % items.len().max(1)).take(count).cloned().collect()
}
