//! Work queues: items from entering to their end, at least once each, by any number of workers.
//!
//! An item is known by its **ordinal**, counted from 0 without a gap in the order in which items are entered. Delivery is
//! at-least-once: a worker that dies or falls silent loses its lease, and the item is handed out again. An end is
//! exactly-once: the first one that is recorded stands, and whoever comes later is told so.

use std::fmt;
use std::ops::{Add, AddAssign};
use std::time::Duration;

use editscale_core::BoxFuture;
use serde::{Deserialize, Serialize};
use thiserror::Error;

mod nats;
mod sharding;
mod shards;
mod sqlite;

pub use nats::{NATS_CERTIFICATES, NATS_CREDENTIALS, NatsQueue};
pub use sharding::{FoundSharding, JOB_COMPLETIONS, Sharding, ShardingError};
pub use shards::ShardQueue;
pub use sqlite::SqliteQueue;

use crate::Place;

/// One edit to make: a row of the data set, or one of its repeats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The item's number in its queue, from 0 without a gap.
    pub ordinal: u64,
    /// The row's number in the data set, from 0.
    pub row: u64,
    /// Which of the row's repeats, from 0.
    pub repeat: u32,
    /// Where the row lies.
    pub place: Place,
}

/// What is entered for an ordinal: work, or a row that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// To be done.
    Work(Item),
    /// Not to be done: the row has a problem that its reader saw. It has ended as [`End::Skipped`].
    Skipped {
        /// The item that it would have been.
        item: Item,
        /// What is wrong with the row.
        reason: String,
    },
}

/// A worker's hold on an item. Equal items have leases that differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What to do.
    pub item: Item,
    /// How often the item has been handed out, this time included: from 1.
    pub delivery: u32,
    /// What the engine knows the lease by.
    pub token: LeaseToken,
}

/// What an engine knows a lease by; of no meaning to others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LeaseToken(pub String);

/// How an item ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// Its group lies in the depot.
    Done(Done),
    /// The row cannot be used; nothing was spent on it.
    Skipped {
        /// What is wrong with the row.
        reason: String,
    },
    /// It was tried as often as it may be, or can never work. What was spent is told.
    Dead {
        /// The last failure, in its own words.
        reason: String,
        /// How often it was tried.
        deliveries: u32,
        /// What was spent in vain.
        spent: Spent,
    },
}

/// A group that was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// The key of its pack in the depot.
    pub pack: String,
    /// Candidates that have a reward.
    pub candidates: u32,
    /// What was spent.
    pub spent: Spent,
}

/// What was spent on an item, as a queue adds it up. Wall time is that of the runs, not of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Spent {
    /// Edits.
    pub edits: u64,
    /// Judgements.
    pub reward_calls: u64,
    /// Denoiser evaluations.
    pub nfe: u64,
    /// Tokens.
    pub tokens: u64,
    /// Millionths of a dollar.
    pub usd_micros: u64,
    /// Active seconds.
    pub wall_secs: f64,
}

impl Add for Spent {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl AddAssign for Spent {
    fn add_assign(&mut self, other: Self) {
        self.edits = self.edits.saturating_add(other.edits);
        self.reward_calls = self.reward_calls.saturating_add(other.reward_calls);
        self.nfe = self.nfe.saturating_add(other.nfe);
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.usd_micros = self.usd_micros.saturating_add(other.usd_micros);
        self.wall_secs += other.wall_secs;
    }
}

/// What a worker says of an item that it gives back.
#[derive(Debug, Clone, PartialEq)]
pub enum GiveBack {
    /// The worker is asked to stop; the item waits at once again, and the delivery does not count.
    Stopping,
    /// Somebody else is at its files, such as a worker that was silent for too long and still lives: again after this time,
    /// and the delivery does not count.
    InUse {
        /// How long to wait.
        after: Duration,
    },
    /// Something was away that may come back: again after this time, unless the item has used up its deliveries.
    Again {
        /// How long to wait.
        after: Duration,
        /// What failed.
        reason: String,
        /// What was spent in vain.
        spent: Spent,
    },
}

/// Whether an end was the first of its item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It stands.
    First,
    /// Somebody else ended the item before; theirs stands.
    Already,
}

/// How far a queue is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Tallies {
    /// Items entered so far.
    pub entered: u64,
    /// Whether all have been entered.
    pub is_complete: bool,
    /// Items that wait, also those that wait to be tried again.
    pub waiting: u64,
    /// Items that are leased.
    pub leased: u64,
    /// Groups made.
    pub done: u64,
    /// Rows that cannot be used.
    pub skipped: u64,
    /// Items given up.
    pub dead: u64,
    /// Candidates with a reward in all groups.
    pub candidates: u64,
    /// What was spent on what has ended, and in vain on what was given back.
    pub spent: Spent,
}

impl Tallies {
    /// Counts an item that has ended.
    pub(crate) fn count(&mut self, end: &End) {
        match end {
            End::Done(done) => {
                self.done += 1;
                self.candidates += u64::from(done.candidates);
            }
            End::Skipped { .. } => self.skipped += 1,
            End::Dead { .. } => self.dead += 1,
        }
    }

    /// Items that have ended, one way or another.
    pub fn ended(&self) -> u64 {
        self.done + self.skipped + self.dead
    }

    /// Whether nothing is left to do.
    pub fn is_over(&self) -> bool {
        self.is_complete && self.ended() >= self.entered
    }
}

/// How patient a queue is; equal for all workers of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueRules {
    /// How long a lease lasts that is not extended.
    pub lease: Duration,
    /// How often an item is handed out at most before it is dead. Leases that ended with their worker count.
    pub deliveries: u32,
}

impl Default for QueueRules {
    fn default() -> Self {
        Self { lease: Duration::from_secs(60), deliveries: 10 }
    }
}

/// Why a queue could not do what it was asked.
#[derive(Debug, Error)]
pub enum QueueError {
    /// It cannot be reached for the moment: worth trying again.
    #[error("the queue {queue} cannot be reached: {reason}")]
    Away {
        /// Which.
        queue: String,
        /// What was said.
        reason: String,
    },
    /// It holds what it should not, or it is the queue of another data set, recipe or version.
    #[error("the queue {queue} cannot be used: {reason}")]
    Unusable {
        /// Which.
        queue: String,
        /// What was expected and found.
        reason: String,
    },
    /// The lease has ended: the item belongs to somebody else, or has ended.
    #[error("the lease on item {ordinal} was lost")]
    LeaseLost {
        /// The item.
        ordinal: u64,
    },
}

/// Where items wait. All methods may be called by many tasks, processes and, where the engine allows it, machines at once.
///
/// * A lease that is neither extended nor ended within its time is handed out again.
/// * Ends are exactly-once: an item that has ended is never handed out again, and its first end stands for ever.
/// * What a method has answered survives a kill of any worker, and of the server where there is one.
pub trait WorkQueue: Send + Sync + fmt::Debug {
    /// Enters items, in ordinal order. Those whose ordinals were entered before are left as they are, so a feeder that does
    /// not know how far its predecessor came enters again.
    fn enter<'a>(&'a self, entries: &'a [Entry]) -> BoxFuture<'a, Result<(), QueueError>>;

    /// Says that all has been entered.
    fn complete_entering(&self) -> BoxFuture<'_, Result<(), QueueError>>;

    /// Hands out at most so many items, lowest ordinals first as far as the engine can. An empty answer means that there is
    /// nothing at the moment; an engine may wait up to a second for something to come.
    fn lease(&self, most: usize) -> BoxFuture<'_, Result<Vec<Lease>, QueueError>>;

    /// Renews leases from this moment on. One answer a lease.
    fn extend<'a>(&'a self, leases: &'a [Lease]) -> BoxFuture<'a, Vec<Result<(), QueueError>>>;

    /// Records how a leased item ended. Good also when the lease has been lost meanwhile: the work is done.
    fn end<'a>(&'a self, lease: &'a Lease, end: End) -> BoxFuture<'a, Result<Recorded, QueueError>>;

    /// Gives an item back. One that has used up its deliveries ends as [`End::Dead`], which is answered.
    fn give_back<'a>(&'a self, lease: &'a Lease, why: GiveBack) -> BoxFuture<'a, Result<Option<End>, QueueError>>;

    /// How items ended, from an ordinal on, in ordinal order: with the item that each was. It goes on until the first that
    /// has not ended, or `most`.
    fn ended(&self, from: u64, most: usize) -> BoxFuture<'_, Result<Vec<(Item, End)>, QueueError>>;

    /// Puts an item back that has ended as done or dead: its pack was found damaged, or somebody wants it tried again. What it
    /// was told to have spent stays counted.
    fn reopen<'a>(&'a self, item: &'a Item) -> BoxFuture<'a, Result<(), QueueError>>;

    /// How far it is. Cheap enough to be asked every second.
    fn tallies(&self) -> BoxFuture<'_, Result<Tallies, QueueError>>;
}
