//! Enters the rows of a data set into the queue, in order. One process does it at a time; another goes on where it died.

use std::fs::{File, TryLockError};
use std::sync::Arc;
use std::time::Duration;

use editscale_core::BoxFuture;
use editscale_engine::StopSignal;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::mpsc;

use super::trouble::io;
use super::working::patiently;
use super::{Drive, DriveError};
use crate::dataset::{Dataset, DatasetError, Listed};
use crate::queue::{Entry, Item};
use crate::rows::{Rows, Unfetched, ship};

/// Items that are entered at a time.
const BATCH: usize = 500;

/// Rows that are shipped at a time.
const SHIPPING: usize = 8;

/// A file that one process holds while it does what only one may do at a time.
pub(super) fn take_turn(drive: &Drive, name: &str) -> Result<Option<File>, DriveError> {
    let path = drive.folders.state.join(name);
    let file = File::create(&path).map_err(io("create", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(io("lock", &path)(error)),
    }
}

/// Feeds until all rows are entered.
pub(super) async fn feed(drive: Arc<Drive>, stop: StopSignal) -> Result<(), DriveError> {
    let (Rows::Dataset(dataset) | Rows::Shipped(dataset)) = &drive.rows else { return Ok(()) };
    loop {
        let tallies = patiently(&drive, &stop, || drive.queue.tallies()).await?;
        let Some(tallies) = tallies.filter(|tallies| !tallies.is_complete && !stop.is_stopped()) else { return Ok(()) };
        if let Some(_turn) = take_turn(&drive, "feed.lock")? {
            return enter_all(&drive, dataset, tallies.entered, &stop).await;
        }
        let mut stop = stop.clone();
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            () = stop.stopped() => {}
        }
    }
}

/// A row of the listing with its number.
type Numbered = (u64, Result<Listed, DatasetError>);

async fn enter_all(drive: &Drive, dataset: &Arc<Dataset>, entered: u64, stop: &StopSignal) -> Result<(), DriveError> {
    // A data set is listed by its own thread, which waits while the queue does.
    let (sender, mut rows) = mpsc::channel::<Vec<Numbered>>(2);
    let listing = Arc::clone(dataset);
    let listed = tokio::task::spawn_blocking(move || list(&listing, &sender));
    let mut numbers = Numbers::new(drive, entered);
    while let Some(batch) = rows.recv().await {
        for (row, listed) in batch {
            let listed = listed?;
            for repeat in 0..drive.rules.repeats {
                numbers.add(row, repeat, &listed);
                if let Some(entries) = numbers.take(BATCH)
                    && !enter(drive, entries, stop).await?
                {
                    return Ok(());
                }
            }
        }
    }
    listed.await.map_err(|panic| DriveError::Task(panic.to_string()))?;
    if let Some(entries) = numbers.take(1)
        && !enter(drive, entries, stop).await?
    {
        return Ok(());
    }
    patiently(drive, stop, || drive.queue.complete_entering()).await?;
    Ok(())
}

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

/// Enters a batch; whether to go on.
async fn enter(drive: &Drive, entries: Vec<Entry>, stop: &StopSignal) -> Result<bool, DriveError> {
    let entries = if matches!(drive.rows, Rows::Shipped(_)) { ship_all(drive, entries).await? } else { entries };
    let entered = patiently(drive, stop, || drive.queue.enter(&entries)).await?;
    Ok(entered.is_some() && !stop.is_stopped())
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
    entries: Vec<Entry>,
}

impl<'a> Numbers<'a> {
    fn new(drive: &'a Drive, known: u64) -> Self {
        Self { drive, known, entries: Vec::new() }
    }

    fn add(&mut self, row: u64, repeat: u32, listed: &Listed) {
        let sequence = row * u64::from(self.drive.rules.repeats) + u64::from(repeat);
        let ordinal = match &self.drive.rules.sharding {
            None => Some(sequence),
            Some(share) => share.has(sequence).then(|| sequence / u64::from(share.count())),
        };
        let Some(ordinal) = ordinal.filter(|ordinal| *ordinal >= self.known) else { return };
        let item = Item { ordinal, row, repeat, place: listed.place.clone() };
        self.entries.push(match &listed.problem {
            None => Entry::Work(item),
            Some(problem) => Entry::Skipped { item, reason: problem.to_string() },
        });
    }

    /// So many entries or a little more, where there are as many.
    fn take(&mut self, at_least: usize) -> Option<Vec<Entry>> {
        (self.entries.len() >= at_least).then(|| std::mem::take(&mut self.entries))
    }
}
