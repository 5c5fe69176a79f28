//! The queue of one process: a journal in a folder of its own, where `--shard i/n` splits a data set without any server.
//!
//! The journal is only ever appended to, by one process, so it works on the network file systems of clusters, where SQLite
//! does not.

mod journal;
mod line;
mod state;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use editscale_core::BoxFuture;
use tokio::time::{Instant, sleep};

use self::state::State;
use super::{End, Entry, GiveBack, Item, Lease, QueueError, QueueRules, Recorded, Tallies, WorkQueue};

/// How long `lease` waits for something to come, and how often it looks.
const PATIENCE: Duration = Duration::from_millis(500);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// An open shard. No other process can open it meanwhile.
#[derive(Debug, Clone)]
pub struct ShardQueue {
    state: Arc<Mutex<State>>,
}

impl ShardQueue {
    /// Opens or makes the queue of a shard in a folder. The name says which run and shard it is: the journal of another is
    /// refused.
    pub fn open(folder: &Path, rules: QueueRules, name: &str) -> Result<Self, QueueError> {
        Ok(Self { state: Arc::new(Mutex::new(State::open(folder, rules, name)?)) })
    }

    /// Works on the journal where waiting for a disk holds up nobody else.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut State) -> Result<T, QueueError> + Send + 'static,
    ) -> Result<T, QueueError> {
        let state = self.state.clone();
        let done = tokio::task::spawn_blocking(move || work(&mut state.lock().unwrap_or_else(PoisonError::into_inner)));
        done.await.unwrap_or_else(|error| {
            Err(QueueError::Unusable { queue: "of this shard".to_owned(), reason: error.to_string() })
        })
    }

    async fn lease_some(&self, most: usize) -> Result<Vec<Lease>, QueueError> {
        let until = Instant::now() + PATIENCE;
        loop {
            let (leases, is_over) = self.with(move |state| Ok((state.lease(most)?, state.tallies().is_over()))).await?;
            if !leases.is_empty() || is_over || most == 0 || Instant::now() >= until {
                return Ok(leases);
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

impl WorkQueue for ShardQueue {
    fn enter<'a>(&'a self, entries: &'a [Entry]) -> BoxFuture<'a, Result<(), QueueError>> {
        let entries = entries.to_vec();
        Box::pin(self.with(move |state| state.enter(entries)))
    }

    fn complete_entering(&self) -> BoxFuture<'_, Result<(), QueueError>> {
        Box::pin(self.with(State::complete))
    }

    fn lease(&self, most: usize) -> BoxFuture<'_, Result<Vec<Lease>, QueueError>> {
        Box::pin(self.lease_some(most))
    }

    fn extend<'a>(&'a self, leases: &'a [Lease]) -> BoxFuture<'a, Vec<Result<(), QueueError>>> {
        Box::pin(async move {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            leases.iter().map(|lease| state.extend(lease)).collect()
        })
    }

    fn end<'a>(&'a self, lease: &'a Lease, end: End) -> BoxFuture<'a, Result<Recorded, QueueError>> {
        let ordinal = lease.item.ordinal;
        Box::pin(self.with(move |state| state.end(ordinal, end)))
    }

    fn give_back<'a>(&'a self, lease: &'a Lease, why: GiveBack) -> BoxFuture<'a, Result<Option<End>, QueueError>> {
        let lease = lease.clone();
        Box::pin(self.with(move |state| state.give_back(&lease, why)))
    }

    fn ended(&self, from: u64, most: usize) -> BoxFuture<'_, Result<Vec<(Item, End)>, QueueError>> {
        Box::pin(self.with(move |state| state.ended(from, most)))
    }

    fn reopen<'a>(&'a self, item: &'a Item) -> BoxFuture<'a, Result<(), QueueError>> {
        let ordinal = item.ordinal;
        Box::pin(self.with(move |state| state.reopen(ordinal)))
    }

    fn tallies(&self) -> BoxFuture<'_, Result<Tallies, QueueError>> {
        Box::pin(self.with(|state| Ok(state.tallies())))
    }
}
