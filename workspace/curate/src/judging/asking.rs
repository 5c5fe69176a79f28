//! One reward and its calls: within its slots, and again where it was only busy.

use std::sync::Arc;

use editscale_core::{
    Cost, Failure, FailureKind, Judgement, RewardBatch, RewardItem, RewardKind, RewardModel, RewardName, Score, Watch,
};
use editscale_engine::Retry;
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::Semaphore;

use super::batches;

/// What was said of one item in the end, and what all tries have cost.
pub(super) type Answer = (Result<Score, Failure>, Cost);

/// A reward, and its slots for all who ask at once.
#[derive(Clone)]
pub(super) struct Judge {
    reward: Arc<dyn RewardModel>,
    slots: Arc<Semaphore>,
}

impl Judge {
    pub(super) fn new(reward: Arc<dyn RewardModel>) -> Self {
        let slots = Arc::new(Semaphore::new(reward.card().slots.get() as usize));
        Self { reward, slots }
    }

    pub(super) fn reward(&self) -> &Arc<dyn RewardModel> {
        &self.reward
    }

    pub(super) fn name(&self) -> &RewardName {
        &self.reward.card().name
    }

    /// One answer an item, in item order.
    pub(super) async fn ask(&self, items: &[RewardItem], groups: &[Vec<usize>], watch: &dyn Watch) -> Vec<Answer> {
        let card = self.reward.card();
        let batches = match card.kind {
            RewardKind::Pointwise => batches::pointwise(groups, card.largest_batch.get() as usize),
            RewardKind::Listwise => groups.to_vec(),
        };
        let missing = || (Err(Failure::new(FailureKind::Malformed, "the reward was not asked")), Cost::default());
        let mut answers: Vec<Answer> = items.iter().map(|_| missing()).collect();
        let calls = batches.into_iter().map(|batch| async move { (self.ask_batch(items, &batch, watch).await, batch) });
        let mut done = stream::iter(calls).buffer_unordered(card.slots.get() as usize);
        while let Some((said, batch)) = done.next().await {
            for (place, said) in batch.into_iter().zip(said) {
                if let Some(answer) = answers.get_mut(place) {
                    *answer = said;
                }
            }
        }
        answers
    }

    /// Asks about the items of one batch until each has an answer that stands.
    async fn ask_batch(&self, items: &[RewardItem], batch: &[usize], watch: &dyn Watch) -> Vec<Answer> {
        let card = self.reward.card();
        let items: Vec<&RewardItem> = batch.iter().filter_map(|place| items.get(*place)).collect();
        if card.kind == RewardKind::Listwise && items.len() > card.largest_batch.get() as usize {
            let (most, found) = (card.largest_batch, items.len());
            let reason = format!("`{}` compares at most {most} candidates with each other: found {found}", card.name);
            return vec![(Err(Failure::new(FailureKind::Invalid, reason)), Cost::default()); found];
        }
        let never = || (Err(Failure::new(FailureKind::Malformed, "the reward gave no answer")), Cost::default());
        let mut answers: Vec<Answer> = items.iter().map(|_| never()).collect();
        let mut open: Vec<usize> = (0..items.len()).collect();
        let (retry, mut attempt) = (Retry::default(), 1);
        loop {
            let asked = open.iter().filter_map(|place| items.get(*place)).map(|item| (*item).clone()).collect();
            for (place, said) in open.iter().zip(self.call(asked, watch).await) {
                if let Some(answer) = answers.get_mut(*place) {
                    enter(answer, said);
                }
            }
            let waits = waits(&answers, &items, |failure, seed| retry.wait(failure, attempt, seed));
            let Some(longest) = waits.iter().map(|(_, wait)| *wait).max().filter(|_| !watch.cancelled()) else {
                return answers;
            };
            // What a reward that compares says of a part of its set compares with nothing that it said of the others.
            if card.kind == RewardKind::Pointwise {
                open = waits.into_iter().map(|(place, _)| place).collect();
            }
            tokio::time::sleep(longest).await;
            attempt += 1;
        }
    }

    /// One call, with one answer an item whatever the reward does.
    async fn call(&self, items: Vec<RewardItem>, watch: &dyn Watch) -> Vec<Result<Judgement, Failure>> {
        let count = items.len();
        // Nobody ever closes it.
        let _slot = self.slots.acquire().await;
        if watch.cancelled() {
            return vec![Err(Failure::new(FailureKind::Cancelled, "stopped before it was judged")); count];
        }
        let answers = self.reward.score(RewardBatch { items }, &OnlyCancels(watch)).await;
        if answers.len() == count {
            return answers;
        }
        let message = format!("`{}` answered {} items of {count}", self.name(), answers.len());
        // Whatever was said is not known, so that it counts at its most.
        let failure = Failure { cost: self.reward.card().cost, ..Failure::new(FailureKind::Malformed, message) };
        vec![Err(failure); count]
    }
}

fn enter((last, cost): &mut Answer, said: Result<Judgement, Failure>) {
    *last = match said {
        Ok(judgement) => {
            *cost += judgement.cost;
            Ok(judgement.score)
        }
        Err(failure) => {
            *cost += failure.cost;
            Err(failure)
        }
    };
}

/// The answers that are asked for again, and after which wait.
fn waits(
    answers: &[Answer],
    items: &[&RewardItem],
    wait: impl Fn(&Failure, editscale_core::Seed) -> Option<std::time::Duration>,
) -> Vec<(usize, std::time::Duration)> {
    let asked = answers.iter().zip(items).enumerate();
    let again = asked.filter_map(|(place, ((said, _), item))| {
        let failure = said.as_ref().err()?;
        Some((place, wait(failure, item.request.seed.mix(place as u64))?))
    });
    again.collect()
}

/// Hands on that work is not wanted any more, and nothing else: items are numbered otherwise outside.
struct OnlyCancels<'a>(&'a dyn Watch);

impl Watch for OnlyCancels<'_> {
    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}
