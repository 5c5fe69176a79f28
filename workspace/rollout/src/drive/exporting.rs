//! Writes shards as their items end. One process does it at a time; another goes on where it died.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use editscale_core::BoxFuture;
use editscale_engine::StopSignal;
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;

use super::together::{ended, patiently, pause, take_turn};
use super::{Drive, DriveError};
use crate::depot::Depot;
use crate::export::{ExportError, Exporter};
use crate::pack::Pack;
use crate::queue::{End, Item, Tallies};

/// How long to wait before looks at what has ended.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Packs that are fetched ahead of the writer.
const AHEAD: usize = 4;

/// Where a depot says who exports from it. Whoever exports removes packs, so there can be only one.
const EXPORTER: &str = "exporters";

/// Shards that are written.
pub(super) fn shards(drive: &Drive) -> Result<u64, DriveError> {
    if !drive.rules.roles.export {
        return Ok(0);
    }
    Ok(Exporter::open(&drive.folders.out, drive.export.clone())?.next_shard())
}

/// Whether all items that there are have been written.
pub(super) fn is_all_written(drive: &Drive, tallies: &Tallies) -> Result<bool, DriveError> {
    Ok(shards(drive)?.saturating_mul(drive.export.groups_per_shard) >= tallies.entered)
}

/// Exports until all has ended and is written, or until it is asked to stop.
pub(super) async fn export(drive: Arc<Drive>, stop: StopSignal) -> Result<(), DriveError> {
    loop {
        if let Some(_turn) = take_turn(&drive.folders.state, "export.lock")? {
            claim_shared(&drive).await?;
            return Shards::open(&drive, stop)?.write_all().await;
        }
        let tallies = patiently(&*drive.reporter, &stop, || drive.queue.tallies()).await?;
        let Some(tallies) = tallies else { return Ok(()) };
        if stop.is_stopped() || (tallies.is_over() && is_all_written(&drive, &tallies)?) {
            return Ok(());
        }
        pause(&stop, Duration::from_millis(500)).await;
    }
}

/// Makes sure that nobody else exports from the same depot into another folder.
async fn claim_shared(drive: &Drive) -> Result<(), DriveError> {
    if !drive.rules.is_shared_depot {
        // It lies in the folder itself, which has a lock.
        return Ok(());
    }
    claim(&drive.depot, &drive.export.name, &drive.folders.out).await
}

/// Makes sure that nobody else takes what is called so out of a depot into another folder than this one.
pub async fn claim(depot: &Depot, name: &str, out: &Path) -> Result<(), DriveError> {
    let out = out.canonicalize().unwrap_or_else(|_| out.to_owned());
    let (ours, key) = (format!("{}\n", out.display()), format!("{EXPORTER}/{name}"));
    if depot.put_if_absent(&key, Bytes::from(ours.clone())).await? {
        return Ok(());
    }
    let theirs = depot.get(&key).await?.unwrap_or_default();
    if theirs == ours.as_bytes() {
        return Ok(());
    }
    let theirs = String::from_utf8_lossy(&theirs).trim().to_owned();
    Err(DriveError::OtherExporter { theirs, ours: out })
}

struct Shards<'a> {
    drive: &'a Arc<Drive>,
    exporter: Exporter,
    stop: StopSignal,
}

impl<'a> Shards<'a> {
    fn open(drive: &'a Arc<Drive>, stop: StopSignal) -> Result<Self, DriveError> {
        let exporter = Exporter::open(&drive.folders.out, drive.export.clone())?;
        Ok(Self { drive, exporter, stop })
    }

    async fn write_all(mut self) -> Result<(), DriveError> {
        self.clear_last().await?;
        loop {
            let Some((ended, is_whole)) = self.next().await? else { return Ok(()) };
            match (is_whole, ended.is_empty()) {
                (true, true) => return Ok(()),
                (true, false) => self.write(ended).await?,
                (false, _) if self.stop.is_stopped() => return Ok(()),
                (false, _) => pause(&self.stop, LOOK_EVERY).await,
            }
        }
    }

    fn range(&self, shard: u64) -> (u64, usize) {
        let most = self.drive.export.groups_per_shard;
        (shard.saturating_mul(most), usize::try_from(most).unwrap_or(usize::MAX))
    }

    /// What has ended of the next shard, and whether that is all of it; nothing where the queue is away and somebody has
    /// asked to stop.
    async fn next(&self) -> Result<Option<(Vec<(Item, End)>, bool)>, DriveError> {
        let (from, most) = self.range(self.exporter.next_shard());
        let ask = || ended(&*self.drive.queue, from, most);
        Ok(patiently(&*self.drive.reporter, &self.stop, ask).await?)
    }

    /// Removes the packs of the last shard: whoever wrote it may have died before that.
    async fn clear_last(&self) -> Result<(), DriveError> {
        let Some(last) = self.exporter.next_shard().checked_sub(1) else { return Ok(()) };
        let (from, most) = self.range(last);
        let queue = &self.drive.queue;
        let ended = patiently(&*self.drive.reporter, &self.stop, || queue.ended(from, most)).await?;
        self.clear(&ended.unwrap_or_default()).await
    }

    async fn clear(&self, ended: &[(Item, End)]) -> Result<(), DriveError> {
        for (_, end) in ended {
            if let End::Done(done) = end {
                self.drive.depot.delete(&done.pack).await?;
            }
        }
        Ok(())
    }

    /// Writes a shard, unless one of its packs turns out to be no good: its item is then done again, and the shard waits.
    async fn write(&mut self, ended: Vec<(Item, End)>) -> Result<(), DriveError> {
        let writer = self.exporter.begin()?;
        let (sender, mut parts) = mpsc::channel::<Part>(AHEAD);
        // Files are written by a thread of their own, while packs are fetched.
        let writing = tokio::task::spawn_blocking(move || {
            let mut writer = writer;
            while let Some(part) = parts.blocking_recv() {
                match part {
                    Part::Group(pack) => writer.group(*pack)?,
                    Part::Missing(item, end) => writer.missing(&item, &end)?,
                    Part::Finish => return writer.finish().map(|_| true),
                }
            }
            Ok::<bool, ExportError>(false)
        });
        let sent = self.send(&ended, sender).await;
        let is_written = writing.await.map_err(|panic| DriveError::Task(panic.to_string()))??;
        sent?;
        if is_written { self.clear(&ended).await } else { Ok(()) }
    }

    /// Sends what the items became. A writer that is gone has an error, which is told by itself.
    async fn send(&self, ended: &[(Item, End)], parts: mpsc::Sender<Part>) -> Result<(), DriveError> {
        let fetching: Vec<BoxFuture<'_, _>> =
            ended.iter().map(|(item, end)| Box::pin(self.part(item, end)) as _).collect();
        let mut fetched = stream::iter(fetching).buffered(AHEAD);
        while let Some(part) = fetched.next().await {
            let Some(part) = part? else { return Ok(()) };
            if parts.send(part).await.is_err() {
                return Ok(());
            }
        }
        parts.send(Part::Finish).await.ok();
        Ok(())
    }

    /// What an item became; nothing where its pack is no good.
    async fn part(&self, item: &Item, end: &End) -> Result<Option<Part>, DriveError> {
        let End::Done(done) = end else { return Ok(Some(Part::Missing(item.clone(), end.clone()))) };
        let bytes = self.drive.depot.get(&done.pack).await?;
        let decoded = bytes.map(Pack::decode).transpose();
        let why = match decoded {
            Ok(Some(pack)) => return Ok(Some(Part::Group(Box::new(pack)))),
            Ok(None) => "it is gone".to_owned(),
            Err(error) => error.to_string(),
        };
        self.drive.reporter.tell(&format!("the pack {} cannot be used, and its row is edited again: {why}", done.pack));
        self.drive.depot.delete(&done.pack).await?;
        let queue = &self.drive.queue;
        patiently(&*self.drive.reporter, &self.stop, || queue.reopen(item)).await?;
        Ok(None)
    }
}

/// What is added to a shard.
enum Part {
    Group(Box<Pack>),
    Missing(Item, End),
    /// All is there.
    Finish,
}
