//! Scorings of several callers in one call of a reward.
//!
//! While a reward is busy, what comes gathers; each call takes as much as the reward's largest batch, with what shares a source
//! side by side, so that the work a reward shares between candidates of one source is done once for all callers. Callers
//! take turns, so that one with thousands of items does not keep out one with a single item. What a caller has waiting leaves with it.

mod calls;
mod company;
mod reply;
mod turns;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use editscale_core::{
    BoxFuture, Failure, FailureKind, RewardBatch, RewardCard, RewardItem, RewardKind, RewardModel, Watch,
};
use tokio::sync::oneshot;

use self::calls::Calls;
use self::reply::Reply;
use self::turns::Waiting;
use crate::refusal::Refusal;

pub(crate) use self::calls::Load;
pub(crate) use self::reply::Answer;

/// How often it is looked whether a caller that is asked for it still wants its answers.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A reward whose calls are shared by all callers. A listwise reward's calls are not: each caller's items are one set.
///
/// Runs are always let in, for they are few and have paid for their pictures; everybody else is refused where there is no room.
pub(crate) struct Batching {
    calls: Arc<Calls>,
    /// The most items that may wait.
    room: usize,
}

impl fmt::Debug for Batching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batching").field("reward", &self.card().name).field("load", &self.load()).finish()
    }
}

impl Batching {
    /// Around this reward, with room for so many items to wait.
    pub(crate) fn new(reward: Arc<dyn RewardModel>, room: usize) -> Self {
        Self { calls: Arc::new(Calls::new(reward)), room }
    }

    /// Says who hears how many items each call had.
    pub(crate) fn set_meter(&self, meter: calls::Meter) {
        self.calls.set_meter(meter);
    }

    /// What waits, what is under way, and what was done.
    pub(crate) fn load(&self) -> Load {
        self.calls.load()
    }

    /// Whether so many items would be taken now.
    pub(crate) fn check_room(&self, items: usize) -> Result<(), Refusal> {
        let card = self.card();
        let most = match card.kind {
            RewardKind::Pointwise => self.room,
            RewardKind::Listwise => self.room.min(card.largest_batch.get() as usize),
        };
        if items > most {
            let message = format!("reward `{}` takes at most {most} items at a time, found {items}", card.name);
            return Err(Refusal::invalid("items", message));
        }
        let waiting = self.load().waiting;
        if waiting + items <= self.room {
            return Ok(());
        }
        let message = format!("{waiting} scorings wait at reward `{}`: there is no room for {items} more", card.name);
        Err(Refusal::Busy { message, after: self.calls.patience() })
    }

    /// What the reward says of each, in order. They are withdrawn when this is dropped.
    pub(crate) async fn ask(&self, items: Vec<RewardItem>) -> Result<Vec<Answer>, Refusal> {
        self.check_room(items.len())?;
        let mut ticket = self.enter(items);
        Ok(ticket.answers().await)
    }

    fn enter(&self, items: Vec<RewardItem>) -> Ticket {
        let count = items.len();
        let (reply, answers) = Reply::new(count);
        let waiting = |(place, item)| Waiting { item, place, reply: Arc::clone(&reply) };
        let items: VecDeque<Waiting> = items.into_iter().enumerate().map(waiting).collect();
        let id = Calls::enter(&self.calls, items);
        Ticket { calls: Arc::clone(&self.calls), id, count, reply, answers }
    }

    /// The answers to a batch that is given up once its caller says so.
    async fn watched(&self, items: Vec<RewardItem>, watch: &dyn Watch) -> Vec<Answer> {
        let mut ticket = self.enter(items);
        let mut looks = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                biased;
                answers = ticket.answers() => return answers,
                _ = looks.tick(), if !ticket.is_given_up() => {
                    if watch.cancelled() {
                        ticket.give_up();
                    }
                }
            }
        }
    }
}

impl RewardModel for Batching {
    fn card(&self) -> &RewardCard {
        self.calls.reward().card()
    }

    fn score<'a>(&'a self, batch: RewardBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Answer>> {
        Box::pin(self.watched(batch.items, watch))
    }
}

/// A caller's claim to its answers. Dropped, it takes back what waits.
struct Ticket {
    calls: Arc<Calls>,
    id: u64,
    count: usize,
    reply: Arc<Reply>,
    answers: oneshot::Receiver<Vec<Answer>>,
}

impl Ticket {
    /// One answer an item.
    async fn answers(&mut self) -> Vec<Answer> {
        if self.count == 0 {
            return Vec::new();
        }
        let gone = || Err(Failure::new(FailureKind::Crashed, "the reward's work was abandoned"));
        (&mut self.answers).await.unwrap_or_else(|_| (0..self.count).map(|_| gone()).collect())
    }

    fn is_given_up(&self) -> bool {
        self.reply.is_gone()
    }

    /// What waits is answered as cancelled at once; what is under way is answered when its call ends, for it may have a cost.
    fn give_up(&self) {
        for waiting in self.calls.withdraw(self.id, &self.reply) {
            let cancelled = Failure::new(FailureKind::Cancelled, "cancelled before it was begun");
            waiting.reply.put(waiting.place, Err(cancelled));
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.calls.withdraw(self.id, &self.reply);
    }
}
