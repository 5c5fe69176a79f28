//! Puts the records of ended blocks together into score files, in order. One process does it at a time; another goes on where
//! it died.

use std::sync::Arc;
use std::time::Duration;

use editscale_core::BoxFuture;
use editscale_engine::{StopSignal, write_whole};
use editscale_rollout::drive::{DriveError, claim, ended, patiently, pause, take_turn};
use editscale_rollout::queue::{End, Item};
use editscale_study::curation::key_of;
use futures_util::stream::{self, StreamExt as _};

use super::blocks::rows_of;
use super::packed::Packed;
use super::scoring::unusable;
use super::{CurateError, Curation};
use crate::Record;
use crate::table::{Completion, Layout, ScoreFiles, TableError, encode};

/// How long to wait before looks at what has ended.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Blocks that are fetched at a time.
const AHEAD: usize = 4;

/// Collects until all has ended and is written, or until it is asked to stop.
pub(super) async fn collect(curation: Arc<Curation>, stop: StopSignal) -> Result<(), CurateError> {
    loop {
        if let Some(_turn) = take_turn(&curation.state, "collect.lock")? {
            if curation.rules.is_shared_depot {
                claim(&curation.depot, "scores", &curation.out).await?;
            }
            return Collector::open(&curation, &stop).await?.collect_all().await;
        }
        if stop.is_stopped() || curation.completion()?.is_some() {
            return Ok(());
        }
        pause(&stop, Duration::from_millis(500)).await;
    }
}

struct Collector<'a> {
    curation: &'a Arc<Curation>,
    stop: &'a StopSignal,
    /// What has been written.
    written: Completion,
    /// The columns of the last file.
    layout: Layout,
}

impl<'a> Collector<'a> {
    /// Goes on where the files end.
    async fn open(curation: &'a Arc<Curation>, stop: &'a StopSignal) -> Result<Self, CurateError> {
        let (out, share) = (curation.out.clone(), curation.share());
        let rewards = curation.rewards.clone();
        let counted = tokio::task::spawn_blocking(move || {
            let files = ScoreFiles::find(&out)?.of(share).without_gaps();
            let layout = files.last_layout(share)?;
            let layout = layout.unwrap_or_else(|| Layout::of_rewards(rewards.iter().map(String::as_str)));
            Ok::<_, TableError>((count(&files, files.count(share))?, layout))
        });
        let (written, layout) = counted.await.map_err(|panic| DriveError::Task(panic.to_string()))??;
        let written = Completion { definition: key_of(curation.name.as_bytes()), ..written };
        Ok(Self { curation, stop, written, layout })
    }

    async fn collect_all(mut self) -> Result<(), CurateError> {
        self.clear_last().await?;
        loop {
            let Some((ended, is_whole)) = self.next().await? else { return Ok(()) };
            match (is_whole, ended.is_empty()) {
                (true, true) => return Ok(self.written.write(&self.curation.out, self.curation.share())?),
                (true, false) => self.write(ended).await?,
                (false, _) if self.stop.is_stopped() => return Ok(()),
                (false, _) => pause(self.stop, LOOK_EVERY).await,
            }
        }
    }

    fn range(&self, file: u64) -> (u64, usize) {
        let most = self.curation.rules.blocks_per_file.max(1);
        (file.saturating_mul(most), usize::try_from(most).unwrap_or(usize::MAX))
    }

    /// What has ended of the next file, and whether that is all of it; nothing where the queue is away and somebody has asked to
    /// stop.
    async fn next(&self) -> Result<Option<(Vec<(Item, End)>, bool)>, CurateError> {
        let (from, most) = self.range(self.written.files);
        let ask = || ended(&*self.curation.queue, from, most);
        Ok(patiently(&*self.curation.reporter, self.stop, ask).await?)
    }

    /// Removes the blocks of the last file: whoever wrote it may have died before that.
    async fn clear_last(&self) -> Result<(), CurateError> {
        let Some(last) = self.written.files.checked_sub(1) else { return Ok(()) };
        let (from, most) = self.range(last);
        let queue = &self.curation.queue;
        let ended = patiently(&*self.curation.reporter, self.stop, || queue.ended(from, most)).await?;
        self.clear(&ended.unwrap_or_default()).await
    }

    async fn clear(&self, ended: &[(Item, End)]) -> Result<(), CurateError> {
        for (_, end) in ended {
            if let End::Done(done) = end {
                self.curation.depot.delete(&done.pack).await?;
            }
        }
        Ok(())
    }

    /// Writes a file, unless one of its blocks turns out to be no good: it is then judged again, and the file waits.
    async fn write(&mut self, ended: Vec<(Item, End)>) -> Result<(), CurateError> {
        let Some(records) = self.records(&ended).await? else { return Ok(()) };
        let mut layout = self.layout.clone();
        let path = self.curation.share().file(&self.curation.out, self.written.files);
        // Packing and writing keep a thread busy.
        let writing = tokio::task::spawn_blocking(move || {
            records.iter().for_each(|record| layout.grow(record));
            let bytes = encode(&layout, &records)?;
            if let Some(folder) = path.parent() {
                let failed = |source| TableError::Io { path: folder.to_owned(), source };
                std::fs::create_dir_all(folder).map_err(failed)?;
            }
            write_whole(&path, &bytes)?;
            Ok::<_, TableError>((layout, tally(&records)))
        });
        let (layout, tallied) = writing.await.map_err(|panic| DriveError::Task(panic.to_string()))??;
        self.layout = layout;
        self.written.files += 1;
        self.written.rows += tallied.rows;
        self.written.records += tallied.records;
        self.written.scored += tallied.scored;
        self.clear(&ended).await
    }

    /// The records of these blocks, in order; nothing where one of them is no good.
    async fn records(&self, ended: &[(Item, End)]) -> Result<Option<Vec<Record>>, CurateError> {
        let fetching: Vec<BoxFuture<'_, _>> =
            ended.iter().map(|(item, end)| Box::pin(self.block(item, end)) as _).collect();
        let mut fetched = stream::iter(fetching).buffered(AHEAD);
        let mut records = Vec::new();
        while let Some(block) = fetched.next().await {
            let Some(mut block) = block? else { return Ok(None) };
            records.append(&mut block);
        }
        Ok(Some(records))
    }

    /// What a block became; nothing where its file is no good.
    async fn block(&self, item: &Item, end: &End) -> Result<Option<Vec<Record>>, CurateError> {
        let done = match end {
            End::Done(done) => done,
            End::Skipped { reason } => return Ok(Some(given_up(item, reason))),
            End::Dead { reason, deliveries, .. } => {
                return Ok(Some(given_up(item, &format!("given up after {deliveries} tries: {reason}"))));
            }
        };
        let why = match self.curation.depot.get(&done.pack).await? {
            None => "it is gone".to_owned(),
            Some(bytes) => match Packed::decode(&bytes) {
                Ok(packed) => return Ok(Some(packed.records)),
                Err(reason) => reason,
            },
        };
        let told = format!("the block {} cannot be used, and its rows are judged again: {why}", done.pack);
        self.curation.reporter.tell(&told);
        self.curation.depot.delete(&done.pack).await?;
        let queue = &self.curation.queue;
        patiently(&*self.curation.reporter, self.stop, || queue.reopen(item)).await?;
        Ok(None)
    }
}

/// Records of the rows of a block that nobody could work on.
fn given_up(item: &Item, reason: &str) -> Vec<Record> {
    let rows = rows_of(item).unwrap_or_default().into_iter();
    rows.map(|(row, found)| unusable(row, &found.place, found.problem.unwrap_or_else(|| reason.to_owned()))).collect()
}

fn tally(records: &[Record]) -> Completion {
    let mut tallied = Completion { version: 1, ..Completion::default() };
    records.iter().for_each(|record| tallied.add(record));
    tallied
}

/// What the files of a share hold.
fn count(files: &ScoreFiles, number: u64) -> Result<Completion, TableError> {
    let mut counted = Completion { version: 1, files: number, ..Completion::default() };
    for record in files.records() {
        counted.add(&record?);
    }
    Ok(counted)
}
