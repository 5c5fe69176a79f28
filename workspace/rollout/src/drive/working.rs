//! Hands items to runs: as many at once as the rules say, until nothing is left or somebody asks to stop.

use std::sync::Arc;
use std::time::Duration;

use editscale_engine::{StopSignal, Stopper};

use super::attempt::{Came, attempt};
use super::holding::{Held, Holds};
use super::policy::Keeper;
use super::together::{Tasks, drain, flat, patiently};
use super::{Drive, DriveError, exporting};
use crate::group::PolicyStamp;
use crate::queue::{Lease, QueueError, Recorded, Tallies};

/// How long to wait before a queue that had nothing is asked again.
const IDLE: Duration = Duration::from_millis(100);

type Groups = Tasks<DriveError>;

/// Works until all has ended, or until it is asked to stop.
pub(super) async fn work(drive: Arc<Drive>, stopper: Stopper) -> Result<(), DriveError> {
    let holds = Arc::new(Holds::default());
    let renewing = tokio::spawn(Arc::clone(&holds).renew(Arc::clone(&drive.queue), drive.rules.lease));
    let mut groups = Groups::new();
    let worked = Worker { drive: &drive, holds: &holds, groups: &mut groups, stop: stopper.signal() }.run().await;
    if worked.is_err() {
        holds.stop_all();
    }
    let drained = drain(&mut groups, &holds, drive.rules.grace).await;
    renewing.abort();
    if matches!(worked, Ok(Why::Spent)) {
        // The others of this process have nothing to wait for.
        stopper.stop();
    }
    worked.map(|_| ()).and(drained)
}

/// Why a worker takes no more items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Nothing is left, or somebody asked to stop.
    Ended,
    /// What may be spent is spent.
    Spent,
}

struct Worker<'a> {
    drive: &'a Arc<Drive>,
    holds: &'a Arc<Holds>,
    groups: &'a mut Groups,
    stop: StopSignal,
}

impl Worker<'_> {
    async fn run(&mut self) -> Result<Why, DriveError> {
        let mut keeper = Keeper::begin(self.drive).await?;
        loop {
            while let Some(ended) = self.groups.try_join_next() {
                flat(ended)?;
            }
            if self.stop.is_stopped() {
                return Ok(Why::Ended);
            }
            if keeper.has_news(self.drive) {
                // Weights change between groups, never within one.
                if self.settle().await? {
                    keeper.adopt(self.drive).await;
                }
                continue;
            }
            let free = self.drive.rules.groups_at_once.saturating_sub(self.groups.len());
            if free == 0 {
                self.wait(Duration::MAX).await?;
                continue;
            }
            if self.is_spent().await? {
                self.drive.reporter.tell("the money that may be spent is spent: no more rows are begun");
                return Ok(Why::Spent);
            }
            let leases = self.lease(free).await?;
            if leases.is_empty() {
                if self.groups.is_empty() && self.is_over().await? {
                    return Ok(Why::Ended);
                }
                self.wait(IDLE).await?;
            }
            for lease in leases {
                let held = self.holds.hold(&lease);
                self.groups.spawn(carry(Arc::clone(self.drive), lease, held, keeper.stamp()));
            }
        }
    }

    /// Waits until no run is under way; whether that came before a stop.
    async fn settle(&mut self) -> Result<bool, DriveError> {
        while !self.groups.is_empty() && !self.stop.is_stopped() {
            self.wait(Duration::MAX).await?;
        }
        Ok(self.groups.is_empty() && !self.stop.is_stopped())
    }

    /// Waits until a run ends, somebody asks to stop, or the time is up.
    async fn wait(&mut self, longest: Duration) -> Result<(), DriveError> {
        tokio::select! {
            Some(ended) = self.groups.join_next(), if !self.groups.is_empty() => flat(ended),
            () = self.stop.stopped() => Ok(()),
            () = tokio::time::sleep(longest) => Ok(()),
        }
    }

    /// Whether nothing is left to do, and nothing can come back.
    async fn is_over(&mut self) -> Result<bool, DriveError> {
        let drive = self.drive;
        let tallies = patiently(&*drive.reporter, &self.stop, || drive.queue.tallies()).await?;
        let Some(tallies) = tallies.filter(Tallies::is_over) else { return Ok(false) };
        // Whoever writes shards may find a pack damaged, whose row is then to be edited again.
        Ok(!drive.rules.roles.export || exporting::is_all_written(drive, &tallies)?)
    }

    /// Whether what may be spent is spent.
    async fn is_spent(&mut self) -> Result<bool, DriveError> {
        let Some(most) = self.drive.rules.most_usd_micros else { return Ok(false) };
        let drive = self.drive;
        let tallies = patiently(&*drive.reporter, &self.stop, || drive.queue.tallies()).await?;
        Ok(tallies.is_some_and(|tallies| tallies.spent.usd_micros >= most))
    }

    async fn lease(&mut self, most: usize) -> Result<Vec<Lease>, DriveError> {
        let drive = self.drive;
        let leases = patiently(&*drive.reporter, &self.stop, || drive.queue.lease(most)).await?;
        Ok(leases.unwrap_or_default())
    }
}

/// One item from its lease to its end.
async fn carry(drive: Arc<Drive>, lease: Lease, held: Held, stamp: PolicyStamp) -> Result<(), DriveError> {
    let came = attempt(&drive, &lease, &stamp, held.signal()).await?;
    let stop = held.signal();
    match came {
        Came::Ended { end, work } => {
            if let Some(work) = work {
                // What ended lies in the depot, where whoever gets the item next finds it. The folder goes first: after the end,
                // nobody would look for it. One that cannot be removed is only in the way of the disk.
                tokio::task::spawn_blocking(move || std::fs::remove_dir_all(work)).await.ok();
            }
            let recorded = patiently(&*drive.reporter, &stop, || drive.queue.end(&lease, end.clone())).await?;
            if recorded == Some(Recorded::Already) {
                tracing::debug!(ordinal = lease.item.ordinal, "somebody else had ended this item");
            }
        }
        Came::Back(why) => {
            let given = patiently(&*drive.reporter, &stop, || drive.queue.give_back(&lease, why.clone())).await;
            match given {
                // The item is somebody else's, and there is nothing to give back.
                Err(QueueError::LeaseLost { .. }) => {}
                other => drop(other?),
            }
        }
    }
    Ok(())
}
