//! Enters the rows of a data set into the queue, in order. One process does it at a time; another goes on where it died.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use editscale_core::BoxFuture;
use editscale_engine::StopSignal;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::mpsc;

use super::together::{patiently, pause, take_turn};
use super::{Drive, DriveError, Reporter};
use crate::dataset::{Dataset, DatasetError, Listed};
use crate::queue::{Entry, Item, Sharding, WorkQueue};
use crate::rows::{Rows, Unfetched, ship};

/// Items that are entered at a time.
const BATCH: usize = 500;

/// Rows that are shipped at a time.
const SHIPPING: usize = 8;

/// What rows of a listing become in a queue.
pub trait Cut: Send {
    /// Adds the next row of the listing.
    fn add(&mut self, row: u64, listed: Listed);

    /// Hears that there are no more rows.
    fn end(&mut self);

    /// At least so many entries, where there are as many; asked again until there are not. A few more are no harm.
    fn take(&mut self, at_least: usize) -> Option<Vec<Entry>>;

    /// Makes entries ready for whoever will carry them out.
    fn prepare(&self, entries: Vec<Entry>) -> BoxFuture<'_, Result<Vec<Entry>, DriveError>> {
        Box::pin(async { Ok(entries) })
    }
}

/// What feeding a queue needs.
#[derive(Clone, Copy)]
pub struct Feeder<'a> {
    /// What is listed.
    pub dataset: &'a Arc<Dataset>,
    /// Where it is entered.
    pub queue: &'a dyn WorkQueue,
    /// What processes of one queue agree by.
    pub state: &'a Path,
    /// Who hears what happens.
    pub reporter: &'a dyn Reporter,
}

impl std::fmt::Debug for Feeder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feeder").field("state", &self.state).finish_non_exhaustive()
    }
}

/// Feeds until all rows are entered.
pub(super) async fn feed(drive: Arc<Drive>, stop: StopSignal) -> Result<(), DriveError> {
    let (Rows::Dataset(dataset) | Rows::Shipped(dataset)) = &drive.rows else { return Ok(()) };
    let (queue, reporter) = (&*drive.queue, &*drive.reporter);
    let feeder = Feeder { dataset, queue, state: &drive.folders.state, reporter };
    feeder.feed(|known| Numbers::new(&drive, known), &stop).await
}

impl Feeder<'_> {
    /// Feeds until all rows are entered, as soon as it is this process's turn. `begin` is told how many ordinals the queue knows.
    pub async fn feed<C: Cut>(&self, begin: impl Fn(u64) -> C, stop: &StopSignal) -> Result<(), DriveError> {
        loop {
            let tallies = patiently(self.reporter, stop, || self.queue.tallies()).await?;
            let Some(tallies) = tallies.filter(|tallies| !tallies.is_complete && !stop.is_stopped()) else {
                return Ok(());
            };
            if let Some(_turn) = take_turn(self.state, "feed.lock")? {
                return self.enter_all(begin(tallies.entered), stop).await;
            }
            pause(stop, Duration::from_secs(1)).await;
        }
    }

    async fn enter_all(&self, mut cut: impl Cut, stop: &StopSignal) -> Result<(), DriveError> {
        // A data set is listed by its own thread, which waits while the queue does.
        let (sender, mut rows) = mpsc::channel::<Vec<Numbered>>(2);
        let listing = Arc::clone(self.dataset);
        let listed = tokio::task::spawn_blocking(move || list(&listing, &sender));
        while let Some(batch) = rows.recv().await {
            for (row, listed) in batch {
                cut.add(row, listed?);
                while let Some(entries) = cut.take(BATCH) {
                    if !self.enter(&cut, entries, stop).await? {
                        return Ok(());
                    }
                }
            }
        }
        listed.await.map_err(|panic| DriveError::Task(panic.to_string()))?;
        cut.end();
        while let Some(entries) = cut.take(1) {
            if !self.enter(&cut, entries, stop).await? {
                return Ok(());
            }
        }
        patiently(self.reporter, stop, || self.queue.complete_entering()).await?;
        Ok(())
    }

    /// Enters a batch; whether to go on.
    async fn enter(&self, cut: &impl Cut, entries: Vec<Entry>, stop: &StopSignal) -> Result<bool, DriveError> {
        let mut asked_to_stop = stop.clone();
        let entries = tokio::select! {
            entries = cut.prepare(entries) => entries?,
            // A server of pictures may take its time; what is not entered is prepared again.
            () = asked_to_stop.stopped() => return Ok(false),
        };
        let entered = patiently(self.reporter, stop, || self.queue.enter(&entries)).await?;
        Ok(entered.is_some() && !stop.is_stopped())
    }
}

/// A row of the listing with its number.
type Numbered = (u64, Result<Listed, DatasetError>);

fn list(dataset: &Dataset, sender: &mpsc::Sender<Vec<Numbered>>) {
    let mut batch = Vec::with_capacity(BATCH);
    for (row, listed) in (0..).zip(dataset.list()) {
        batch.push((row, listed));
        // A receiver that is gone means that somebody asked to stop.
        if batch.len() == BATCH && sender.blocking_send(std::mem::take(&mut batch)).is_err() {
            return;
        }
    }
    sender.blocking_send(batch).ok();
}

async fn ship_all(drive: &Drive, entries: Vec<Entry>) -> Result<Vec<Entry>, DriveError> {
    let shipping: Vec<BoxFuture<'_, _>> =
        entries.into_iter().map(|entry| Box::pin(ship_one(drive, entry)) as _).collect();
    stream::iter(shipping).buffered(SHIPPING).try_collect().await
}

/// An entry whose place holds its row. Repeats of a row are shipped again; the depot knows their pictures.
async fn ship_one(drive: &Drive, entry: Entry) -> Result<Entry, DriveError> {
    let Entry::Work(item) = entry else { return Ok(entry) };
    let row = match crate::rows::fetch(&drive.rows, &drive.depot, &item.place, item.row).await {
        Ok(row) => row,
        Err(Unfetched::Row(problem)) => return Ok(Entry::Skipped { item, reason: problem.to_string() }),
        Err(Unfetched::Depot(error)) => return Err(error.into()),
    };
    match ship(row, &drive.depot, &drive.pictures).await {
        Ok(place) => Ok(Entry::Work(Item { place, ..item })),
        Err(Unfetched::Row(problem)) => {
            let place = match &drive.rows {
                Rows::Dataset(dataset) | Rows::Shipped(dataset) => dataset.spot(&item.place),
                Rows::Depot => item.place.to_string(),
            };
            let reason = format!("{place}: {}", problem.reason);
            Ok(Entry::Skipped { item, reason })
        }
        Err(Unfetched::Depot(error)) => Err(error.into()),
    }
}

/// Gives items their ordinals, and keeps those that this queue has and does not know yet.
struct Numbers<'a> {
    drive: &'a Drive,
    /// Ordinals below this are known to the queue.
    known: u64,
    /// The row whose repeats are being numbered, and the next of them: a row may have a million.
    row: Option<(u64, Listed, u32)>,
    entries: Vec<Entry>,
}

impl<'a> Numbers<'a> {
    fn new(drive: &'a Drive, known: u64) -> Self {
        Self { drive, known, row: None, entries: Vec::new() }
    }

    fn number(&mut self, row: u64, repeat: u32, listed: &Listed) {
        let sequence = row * u64::from(self.drive.rules.repeats) + u64::from(repeat);
        let Some(ordinal) = Sharding::ordinal(self.drive.rules.sharding, sequence) else { return };
        if ordinal < self.known {
            return;
        }
        let item = Item { ordinal, row, repeat, place: listed.place.clone() };
        self.entries.push(match &listed.problem {
            None => Entry::Work(item),
            Some(problem) => Entry::Skipped { item, reason: problem.to_string() },
        });
    }
}

impl Cut for Numbers<'_> {
    fn add(&mut self, row: u64, listed: Listed) {
        self.row = Some((row, listed, 0));
    }

    fn end(&mut self) {}

    fn take(&mut self, at_least: usize) -> Option<Vec<Entry>> {
        while self.entries.len() < BATCH
            && let Some((row, listed, repeat)) = self.row.take()
            && repeat < self.drive.rules.repeats
        {
            self.number(row, repeat, &listed);
            self.row = Some((row, listed, repeat + 1));
        }
        (!self.entries.is_empty() && self.entries.len() >= at_least).then(|| std::mem::take(&mut self.entries))
    }

    fn prepare(&self, entries: Vec<Entry>) -> BoxFuture<'_, Result<Vec<Entry>, DriveError>> {
        Box::pin(async move {
            if matches!(self.drive.rows, Rows::Shipped(_)) { ship_all(self.drive, entries).await } else { Ok(entries) }
        })
    }
}
