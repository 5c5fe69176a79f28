//! Drives a whole data set through a recipe: one task lists rows, one hands items to runs, one writes shards, one tells how far
//! it is. Any number of processes may drive the same queue.

mod attempt;
mod exporting;
mod feeding;
mod holding;
mod policy;
mod progress;
mod together;
mod trouble;
mod working;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use editscale_core::Seed;
use editscale_engine::{StopSignal, Stopper};

pub use exporting::claim;
pub use feeding::{Cut, Feeder};
pub use holding::{Held, Holds};
pub use policy::{Announcement, PolicyError, PolicyPlan};
pub use progress::{Pace, Progress, write_progress};
pub use together::{Tasks, drain, ended, finish, flat, pass_on, patiently, pause, take_turn};
pub use trouble::DriveError;

use crate::dataset::Pictures;
use crate::depot::Depot;
use crate::export::ExportRules;
use crate::queue::{QueueError, Sharding, Tallies, WorkQueue};
use crate::rows::Rows;
use crate::workshop::Workshop;
use crate::written::Measures;

/// What a process takes part in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// Listing rows. One process does it at a time.
    pub feed: bool,
    /// Carrying out runs.
    pub work: bool,
    /// Writing shards. One process does it at a time.
    pub export: bool,
}

/// How items become runs.
#[derive(Debug, Clone, PartialEq)]
pub struct DriveRules {
    /// How often each row is edited.
    pub repeats: u32,
    /// The root of all seeds.
    pub seed: Seed,
    /// How rewards are looked at within a group.
    pub measures: Measures,
    /// How often a flat group is sampled again.
    pub resample: u32,
    /// Which share of the items this queue has.
    pub sharding: Option<Sharding>,
    /// What this process takes part in.
    pub roles: Roles,
    /// Runs under way at once.
    pub groups_at_once: usize,
    /// How long runs may go on once the process is asked to stop.
    pub grace: Duration,
    /// How long a lease lasts that is not extended.
    pub lease: Duration,
    /// How often an item is handed out at most.
    pub deliveries: u32,
    /// Whether the depot lies elsewhere than in the folder of the rollouts, so that others may export from it too.
    pub is_shared_depot: bool,
    /// What all processes together may spend, in millionths of a dollar; what is under way then is finished.
    pub most_usd_micros: Option<u64>,
}

/// Where files lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// What people get.
    pub out: PathBuf,
    /// Runs under way, on this machine.
    pub work: PathBuf,
    /// What processes of one queue agree by: whose turn it is to feed and to export.
    pub state: PathBuf,
    /// Where it is told how far the queue is.
    pub progress: PathBuf,
}

/// Hears what happens.
pub trait Reporter: Send + Sync {
    /// Something that people should know, once.
    fn tell(&self, line: &str);
    /// Something that may pass, and that many rows may meet at once.
    fn trouble(&self, line: &str) {
        self.tell(line);
    }
    /// How far it is; about once a second.
    fn progress(&self, progress: &Progress);
}

/// All that is needed to drive a data set.
#[derive(Clone)]
pub struct Drive {
    /// The recipe at work; a process that does not carry out runs needs no editors and rewards in it.
    pub workshop: Workshop,
    /// Where rows come from.
    pub rows: Rows,
    /// Loads the pictures that rows name.
    pub pictures: Arc<Pictures>,
    /// Where items wait.
    pub queue: Arc<dyn WorkQueue>,
    /// Where packs lie.
    pub depot: Arc<Depot>,
    /// How items become runs.
    pub rules: DriveRules,
    /// Where files lie.
    pub folders: Folders,
    /// What is written for trainers.
    pub export: ExportRules,
    /// The weights, where the recipe names them.
    pub policy: Option<PolicyPlan>,
    /// Who hears what happens.
    pub reporter: Arc<dyn Reporter>,
    /// What this process is called in rows.
    pub worker: String,
}

impl fmt::Debug for Drive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drive").field("rules", &self.rules).field("folders", &self.folders).finish_non_exhaustive()
    }
}

/// What became of a drive.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// How far the queue is.
    pub tallies: Tallies,
    /// Shards that are written.
    pub shards: u64,
    /// Whether all is done and, where this process had a part in it, written.
    pub is_over: bool,
    /// Whether it ended because what may be spent is spent.
    pub is_spent: bool,
    /// Whether it was asked to stop.
    pub was_stopped: bool,
}

/// Works until everything has ended and is written, or until it is asked to stop. Everything that was journaled is kept,
/// whatever ends it, and the same call goes on from there.
pub async fn drive(drive: Drive, stop: StopSignal) -> Result<Summary, DriveError> {
    let drive = Arc::new(drive);
    // An error of one task asks the others to stop, as somebody outside would.
    let (stopper, signal) = Stopper::new();
    let outside = tokio::spawn(pass_on(stop.clone(), stopper.clone()));
    let mut tasks: Tasks<DriveError> = Tasks::new();
    if drive.rules.roles.feed {
        tasks.spawn(feeding::feed(Arc::clone(&drive), signal.clone()));
    }
    if drive.rules.roles.work {
        tasks.spawn(working::work(Arc::clone(&drive), stopper.clone()));
    }
    if drive.rules.roles.export {
        tasks.spawn(exporting::export(Arc::clone(&drive), signal.clone()));
    }
    let teller = tokio::spawn(progress::tell(Arc::clone(&drive)));
    let first = finish(&mut tasks, &stopper).await;
    teller.abort();
    outside.abort();
    let summary = summary(&drive, stop.is_stopped()).await;
    first?;
    let summary = summary?;
    if drive.rules.roles.export {
        progress::write_final(&drive, &summary)?;
    }
    Ok(summary)
}

async fn summary(drive: &Drive, was_stopped: bool) -> Result<Summary, DriveError> {
    let shards = exporting::shards(drive)?;
    let tallies = match drive.queue.tallies().await {
        // What was done is in the queue, wherever that is: it goes on from there.
        Err(QueueError::Away { .. }) => None,
        other => Some(other?),
    };
    let Some(tallies) = tallies else {
        let tallies = Tallies::default();
        return Ok(Summary { tallies, shards, is_over: false, is_spent: false, was_stopped });
    };
    let written = !drive.rules.roles.export || exporting::is_all_written(drive, &tallies)?;
    let is_over = tallies.is_over() && written;
    let is_spent = !is_over && drive.rules.most_usd_micros.is_some_and(|most| tallies.spent.usd_micros >= most);
    Ok(Summary { tallies, shards, is_over, is_spent, was_stopped })
}
