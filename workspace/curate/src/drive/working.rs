//! Hands blocks to the rewards: as many at once as the rules say, until nothing is left or somebody asks to stop.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use editscale_engine::{StopSignal, digest_of};
use editscale_rollout::drive::{DriveError, Held, Holds, Tasks, drain, flat, patiently};
use editscale_rollout::queue::{Done, End, GiveBack, Lease, QueueError, Recorded, Spent, Tallies};
use tokio::sync::Semaphore;

use super::blocks::{NumberedRow, rows_of};
use super::chunks::{PERMITS_OF_CHUNK, fetch};
use super::packed::Packed;
use super::scoring::{Passing, Scored, Scorer};
use super::{CurateError, Curation};
use crate::judging::Judges;

/// How long to wait before a queue that had nothing is asked again.
const IDLE: Duration = Duration::from_millis(100);

/// How often a block is handed out for pictures whose server or disk does not answer.
const PICTURE_DELIVERIES: u32 = 3;

/// The longest that a block waits to be tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// What judging blocks needs. Cheap to clone.
#[derive(Clone)]
pub(super) struct Worker {
    pub(super) curation: Arc<Curation>,
    pub(super) judges: Judges,
    /// Permits for bytes of pictures in memory.
    pub(super) bytes: Arc<Semaphore>,
}

/// Works until all has ended, or until it is asked to stop.
pub(super) async fn work(worker: Worker, stop: StopSignal) -> Result<(), CurateError> {
    let rules = &worker.curation.rules;
    let holds = Arc::new(Holds::default());
    let renewing = tokio::spawn(Arc::clone(&holds).renew(Arc::clone(&worker.curation.queue), rules.lease));
    let mut tasks = Tasks::new();
    let worked = Working { worker: &worker, holds: &holds, tasks: &mut tasks, stop }.run().await;
    if worked.is_err() {
        holds.stop_all();
    }
    let drained = drain(&mut tasks, &holds, rules.grace).await;
    renewing.abort();
    worked.and(drained)
}

struct Working<'a> {
    worker: &'a Worker,
    holds: &'a Arc<Holds>,
    tasks: &'a mut Tasks<CurateError>,
    stop: StopSignal,
}

impl Working<'_> {
    async fn run(&mut self) -> Result<(), CurateError> {
        let curation = &self.worker.curation;
        loop {
            while let Some(ended) = self.tasks.try_join_next() {
                flat(ended)?;
            }
            if self.stop.is_stopped() {
                return Ok(());
            }
            let free = curation.rules.blocks_at_once.max(1).saturating_sub(self.tasks.len());
            if free == 0 {
                self.wait(Duration::MAX).await?;
                continue;
            }
            let leases = patiently(&*curation.reporter, &self.stop, || curation.queue.lease(free)).await?;
            let leases = leases.unwrap_or_default();
            if leases.is_empty() {
                if self.tasks.is_empty() && self.is_over().await? {
                    return Ok(());
                }
                self.wait(IDLE).await?;
            }
            for lease in leases {
                let held = self.holds.hold(&lease);
                self.tasks.spawn(carry(self.worker.clone(), lease, held));
            }
        }
    }

    /// Waits until a block ends, somebody asks to stop, or the time is up.
    async fn wait(&mut self, longest: Duration) -> Result<(), CurateError> {
        tokio::select! {
            Some(ended) = self.tasks.join_next(), if !self.tasks.is_empty() => flat(ended),
            () = self.stop.stopped() => Ok(()),
            () = tokio::time::sleep(longest) => Ok(()),
        }
    }

    /// Whether nothing is left to do, and nothing can come back: whoever writes files may find a block damaged.
    async fn is_over(&self) -> Result<bool, CurateError> {
        let curation = &self.worker.curation;
        let tallies = patiently(&*curation.reporter, &self.stop, || curation.queue.tallies()).await?;
        if !tallies.as_ref().is_some_and(Tallies::is_over) {
            return Ok(false);
        }
        Ok(!curation.rules.roles.export || curation.completion()?.is_some())
    }
}

/// What came of a block.
enum Came {
    Ended(Done),
    Back(GiveBack),
}

/// One block from its lease to its end.
async fn carry(worker: Worker, lease: Lease, held: Held) -> Result<(), CurateError> {
    let stop = held.signal();
    let came = Block { worker: &worker, lease: &lease, stop: &stop }.attempt().await?;
    let (queue, reporter) = (&worker.curation.queue, &*worker.curation.reporter);
    match came {
        Came::Ended(done) => {
            let recorded = patiently(reporter, &stop, || queue.end(&lease, End::Done(done.clone()))).await?;
            if recorded == Some(Recorded::Already) {
                tracing::debug!(ordinal = lease.item.ordinal, "somebody else had ended this block");
            }
        }
        Came::Back(why) => match patiently(reporter, &stop, || queue.give_back(&lease, why.clone())).await {
            // The block is somebody else's, and there is nothing to give back.
            Err(QueueError::LeaseLost { .. }) => {}
            other => drop(other?),
        },
    }
    // Whatever else is asked of a reward that has died fails as well.
    match worker.judges.trouble() {
        Some((reward, reason)) => Err(CurateError::Reward { reward, reason }),
        None => Ok(()),
    }
}

/// One block that is worked on.
struct Block<'a> {
    worker: &'a Worker,
    lease: &'a Lease,
    stop: &'a StopSignal,
}

impl Block<'_> {
    fn curation(&self) -> &Curation {
        &self.worker.curation
    }

    /// The key of its file: made of all that decides what is in it.
    fn key(&self) -> String {
        let item = &self.lease.item;
        let revision = |reward: &Arc<dyn editscale_core::RewardModel>| {
            format!("{}\0{}\0", reward.card().name, reward.card().revision)
        };
        let rewards: String = self.worker.judges.rewards().map(revision).collect();
        let facts = [
            "editscale-block/1".to_owned(),
            self.curation().name.clone(),
            self.worker.judges.objective(),
            rewards,
            item.row.to_string(),
            item.place.0.clone(),
        ];
        let id = digest_of(facts.join("\0\0").as_bytes()).to_string();
        format!("blocks/{}/{id}", id.get(..2).unwrap_or_default())
    }

    async fn attempt(&self) -> Result<Came, CurateError> {
        let key = self.key();
        if let Some(packed) = self.found(&key).await? {
            // A worker that died before it could say so.
            return Ok(Came::Ended(done(&key, &packed)));
        }
        let partial = format!("{key}.partial");
        let before = self.found(&partial).await?;
        let has_partial = before.is_some();
        let mut packed = before.unwrap_or_default();
        let passing = self.score(&mut packed).await?;
        if let Some(why) = self.reason_to_give_back(passing) {
            self.put(&partial, &packed, has_partial).await?;
            return Ok(Came::Back(self.back(why)));
        }
        packed.records.sort_by_key(|record| (record.row, record.candidate));
        self.put(&key, &packed, false).await?;
        if has_partial {
            self.curation().depot.delete(&partial).await?;
        }
        Ok(Came::Ended(done(&key, &packed)))
    }

    /// What lies under a key, if it is whole.
    async fn found(&self, key: &str) -> Result<Option<Packed>, CurateError> {
        let curation = self.curation();
        let Some(bytes) = curation.depot.get(key).await? else { return Ok(None) };
        match Packed::decode(&bytes) {
            Ok(packed) => Ok(Some(packed)),
            Err(reason) => {
                curation.reporter.tell(&format!("the block {key} is damaged and is judged anew: {reason}"));
                curation.depot.delete(key).await?;
                Ok(None)
            }
        }
    }

    async fn put(&self, key: &str, packed: &Packed, replaces: bool) -> Result<(), CurateError> {
        let bytes: Bytes = packed.encode().map_err(crate::table::TableError::Unwritable)?;
        let depot = &self.curation().depot;
        if replaces {
            depot.delete(key).await?;
        }
        depot.put_if_absent(key, bytes).await?;
        Ok(())
    }

    /// Judges the rows that have no records yet, a chunk at a time; what may pass is answered.
    async fn score(&self, packed: &mut Packed) -> Result<Vec<Passing>, CurateError> {
        let begun = Instant::now();
        let known: BTreeSet<u64> = packed.records.iter().map(|record| record.row).collect();
        let rows = rows_of(&self.lease.item).map_err(|reason| self.unusable(reason))?;
        let mut rest: Vec<NumberedRow> = rows.into_iter().filter(|(row, _)| !known.contains(row)).collect();
        let mut passing = Vec::new();
        while !rest.is_empty() {
            if self.stop.is_stopped() {
                passing.push(Passing::Stopped);
                break;
            }
            let scored;
            (scored, rest) = self.score_chunk(rest).await?;
            packed.spent += scored.spent;
            // The last try's failures stand as they are.
            let mut found: Vec<Passing> = scored.passing.iter().map(|(_, why)| why.clone()).collect();
            let is_kept = !found.iter().any(|why| self.is_given_back(why));
            packed.records.extend(if is_kept { scored.records } else { scored.without_passing().records });
            passing.append(&mut found);
        }
        packed.spent.wall_secs += begun.elapsed().as_secs_f64();
        Ok(passing)
    }

    fn unusable(&self, reason: String) -> CurateError {
        QueueError::Unusable { queue: format!("of {}", self.curation().out.display()), reason }.into()
    }

    async fn score_chunk(&self, rows: Vec<NumberedRow>) -> Result<(Scored, Vec<NumberedRow>), CurateError> {
        // Nobody ever closes it.
        let _bytes = self.worker.bytes.acquire_many(PERMITS_OF_CHUNK).await;
        let dataset = Arc::clone(&self.curation().dataset);
        let fetched = tokio::task::spawn_blocking(move || fetch(&dataset, rows)).await;
        let (fetched, rest) = fetched.map_err(|panic| DriveError::Task(panic.to_string()))?;
        let scorer = Scorer { loader: &self.curation().loader, judges: &self.worker.judges, stop: self.stop };
        Ok((scorer.score(fetched).await, rest))
    }

    /// Why the block goes back, if it does: a stop before all else.
    fn reason_to_give_back(&self, passing: Vec<Passing>) -> Option<Passing> {
        if passing.contains(&Passing::Stopped) {
            return Some(Passing::Stopped);
        }
        passing.into_iter().find(|why| self.is_given_back(why))
    }

    fn is_given_back(&self, why: &Passing) -> bool {
        let (delivery, most) = (self.lease.delivery, self.curation().rules.deliveries);
        match why {
            Passing::Stopped => true,
            Passing::Reward(_) => delivery < most,
            // It was asked for several times already each time: a picture is not worth holding a file up for long.
            Passing::Picture(_) => delivery < most.min(PICTURE_DELIVERIES),
        }
    }

    /// How a block goes back: later each time, and at once where somebody asked to stop.
    fn back(&self, why: Passing) -> GiveBack {
        let reason = match why {
            Passing::Stopped if self.stop.is_stopped() => return GiveBack::Stopping,
            Passing::Stopped => "a reward said that it was asked to stop".to_owned(),
            Passing::Picture(reason) | Passing::Reward(reason) => reason,
        };
        let after = Duration::from_secs(5).saturating_mul(1 << self.lease.delivery.min(7)).min(LONGEST_WAIT);
        let row = self.lease.item.row;
        self.curation().reporter.trouble(&format!("rows from {row} on: {reason}: tried again later"));
        // What was spent lies in the depot with what was judged, and counts when the block has ended.
        GiveBack::Again { after, reason, spent: Spent::default() }
    }
}

fn done(key: &str, packed: &Packed) -> Done {
    Done { pack: key.to_owned(), candidates: packed.scored(), spent: packed.spent }
}
