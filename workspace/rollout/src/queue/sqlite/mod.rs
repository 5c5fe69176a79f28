//! The queue of one machine: an SQLite file that any number of its processes share.
//!
//! Every process writes through one thread of its own, which makes one transaction of all that is asked of it meanwhile. A
//! lease is counted in the time since the machine booted, which nobody sets, and ends at once when its process does: each
//! holds a lock on a file in the folder `workers` beside the database.

mod alive;
mod batch;
mod clock;
mod database;
mod trouble;
mod writer;

use std::path::Path;
use std::time::Duration;

use editscale_core::BoxFuture;
use tokio::time::{Instant, sleep};

use self::batch::Batch;
use self::database::Database;
use self::writer::{Kind, Writer};
use super::{End, Entry, GiveBack, Item, Lease, QueueError, QueueRules, Recorded, Tallies, WorkQueue};

/// How long `lease` waits for something to come, and how often it looks.
const PATIENCE: Duration = Duration::from_millis(500);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// An open queue. Dropped, its leases are handed out again.
#[derive(Debug)]
pub struct SqliteQueue {
    writer: Writer,
}

impl SqliteQueue {
    /// Opens or makes the queue of a run. The name says which run it is: a file that belongs to another is refused.
    pub fn open(path: &Path, rules: QueueRules, name: &str) -> Result<Self, QueueError> {
        Ok(Self { writer: Writer::start(Database::open(path, rules, name)?)? })
    }

    async fn lease_some(&self, most: usize) -> Result<Vec<Lease>, QueueError> {
        let until = Instant::now() + PATIENCE;
        loop {
            let leases = self.writer.ask(Kind::Write, move |batch| batch.lease(most)).await?;
            if !leases.is_empty() || most == 0 {
                return Ok(leases);
            }
            // Looking does not keep the others from writing.
            while !self.writer.ask(Kind::Read, |batch| batch.is_worth_leasing()).await? && Instant::now() < until {
                sleep(LOOK_EVERY).await;
            }
            if Instant::now() >= until || self.tallies().await?.is_over() {
                return Ok(Vec::new());
            }
        }
    }
}

impl WorkQueue for SqliteQueue {
    fn enter<'a>(&'a self, entries: &'a [Entry]) -> BoxFuture<'a, Result<(), QueueError>> {
        let entries = entries.to_vec();
        Box::pin(async move { self.writer.ask(Kind::Write, move |batch| batch.enter(&entries)).await? })
    }

    fn complete_entering(&self) -> BoxFuture<'_, Result<(), QueueError>> {
        Box::pin(self.writer.ask(Kind::Write, |batch| batch.complete()))
    }

    fn lease(&self, most: usize) -> BoxFuture<'_, Result<Vec<Lease>, QueueError>> {
        Box::pin(self.lease_some(most))
    }

    fn extend<'a>(&'a self, leases: &'a [Lease]) -> BoxFuture<'a, Vec<Result<(), QueueError>>> {
        let asked = leases.to_vec();
        Box::pin(async move {
            let extend = move |batch: &mut Batch<'_>| asked.iter().map(|lease| batch.extend(lease)).collect();
            match self.writer.ask::<Vec<_>, _>(Kind::Write, extend).await {
                Ok(answers) => answers,
                Err(error) => leases.iter().map(|_| Err(same(&error))).collect(),
            }
        })
    }

    fn end<'a>(&'a self, lease: &'a Lease, end: End) -> BoxFuture<'a, Result<Recorded, QueueError>> {
        let ordinal = lease.item.ordinal;
        Box::pin(async move { self.writer.ask(Kind::Write, move |batch| batch.end(ordinal, &end)).await? })
    }

    fn give_back<'a>(&'a self, lease: &'a Lease, why: GiveBack) -> BoxFuture<'a, Result<Option<End>, QueueError>> {
        let lease = lease.clone();
        Box::pin(async move { self.writer.ask(Kind::Write, move |batch| batch.give_back(&lease, why)).await? })
    }

    fn ended(&self, from: u64, most: usize) -> BoxFuture<'_, Result<Vec<(Item, End)>, QueueError>> {
        Box::pin(async move { self.writer.ask(Kind::Read, move |batch| batch.ended(from, most)).await? })
    }

    fn reopen<'a>(&'a self, item: &'a Item) -> BoxFuture<'a, Result<(), QueueError>> {
        let ordinal = item.ordinal;
        Box::pin(async move { self.writer.ask(Kind::Write, move |batch| batch.reopen(ordinal)).await? })
    }

    fn tallies(&self) -> BoxFuture<'_, Result<Tallies, QueueError>> {
        Box::pin(self.writer.ask(Kind::Read, |batch| batch.tallies()))
    }
}

/// One failure, told of each lease.
fn same(error: &QueueError) -> QueueError {
    match error {
        QueueError::Away { queue, reason } => QueueError::Away { queue: queue.clone(), reason: reason.clone() },
        QueueError::Unusable { queue, reason } => QueueError::Unusable { queue: queue.clone(), reason: reason.clone() },
        QueueError::LeaseLost { ordinal } => QueueError::LeaseLost { ordinal: *ordinal },
    }
}
