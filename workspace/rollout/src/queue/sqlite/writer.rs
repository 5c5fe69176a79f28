//! One thread that does all the work on the database: whatever has been asked for meanwhile becomes one transaction.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rusqlite::TransactionBehavior;
use tokio::sync::oneshot;

use super::batch::Batch;
use super::database::Database;
use super::trouble::{trouble, unusable};
use crate::queue::QueueError;

/// Requests that become one transaction at most: a bound on how long the machine's other processes wait.
const MOST_AT_ONCE: usize = 512;

/// Where requests are handed in.
#[derive(Debug)]
pub(super) struct Writer {
    requests: Sender<Box<dyn Request>>,
    queue: String,
}

/// What a request does to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
}

/// A request without the type of its answer.
trait Request: Send {
    fn kind(&self) -> Kind;
    fn work(&mut self, batch: &mut Batch<'_>) -> rusqlite::Result<()>;
    fn answer(self: Box<Self>, committed: Result<(), QueueError>);
}

struct Ask<T, F> {
    kind: Kind,
    work: Option<F>,
    found: Option<T>,
    reply: oneshot::Sender<Result<T, QueueError>>,
}

impl<T: Send, F: FnOnce(&mut Batch<'_>) -> rusqlite::Result<T> + Send> Request for Ask<T, F> {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn work(&mut self, batch: &mut Batch<'_>) -> rusqlite::Result<()> {
        if let Some(work) = self.work.take() {
            self.found = Some(work(batch)?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), QueueError>) {
        let Self { found, reply, .. } = *self;
        if let Some(answer) = committed.map(|()| found).transpose() {
            // Whoever asked may have gone.
            reply.send(answer).ok();
        }
    }
}

impl Writer {
    /// Starts the thread. It ends with the writer.
    pub(super) fn start(database: Database) -> Result<Self, QueueError> {
        let (requests, incoming) = channel();
        let queue = database.queue().to_owned();
        let thread = thread::Builder::new().name("queue".to_owned());
        thread.spawn(move || serve(database, &incoming)).map_err(|error| unusable(&queue, error.to_string()))?;
        Ok(Self { requests, queue })
    }

    /// Hands in a request and waits until what it did is committed.
    pub(super) async fn ask<T, F>(&self, kind: Kind, work: F) -> Result<T, QueueError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Batch<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let gone = || unusable(&self.queue, "the thread that writes it has ended");
        let ask = Ask { kind, work: Some(work), found: None, reply };
        self.requests.send(Box::new(ask)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

fn serve(mut database: Database, incoming: &Receiver<Box<dyn Request>>) {
    while let Ok(first) = incoming.recv() {
        let mut requests = vec![first];
        requests.extend(incoming.try_iter().take(MOST_AT_ONCE - 1));
        let done = together(&mut database, &mut requests);
        for request in requests {
            request.answer(done.as_ref().map_err(|error| trouble(database.queue(), error)).copied());
        }
    }
}

fn together(database: &mut Database, requests: &mut [Box<dyn Request>]) -> rusqlite::Result<()> {
    let writes = requests.iter().any(|request| request.kind() == Kind::Write);
    let behavior = if writes { TransactionBehavior::Immediate } else { TransactionBehavior::Deferred };
    let mut batch = database.begin(behavior)?;
    for request in requests {
        request.work(&mut batch)?;
    }
    batch.commit()
}
