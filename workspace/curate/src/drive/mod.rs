//! A whole data set judged: one task cuts its rows into blocks, one hands blocks to the rewards, one puts records together into
//! files, one tells how far it is. Any number of processes may drive the same queue.
//!
//! An item of the queue is a **block**: some consecutive rows. What comes of it is a file in the depot, under a key that is made
//! of all that decides it, and in the end a part of a score file. Whatever is killed at whatever moment, the same call goes on,
//! and the score files have the same bytes.

mod blocks;
mod chunks;
mod collecting;
mod definition;
mod packed;
mod scoring;
mod trouble;
mod working;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use editscale_engine::{StopSignal, Stopper};
use editscale_rollout::dataset::Dataset;
use editscale_rollout::depot::Depot;
use editscale_rollout::drive::{Feeder, Pace, Reporter, Roles, Tasks, finish, pass_on, write_progress};
use editscale_rollout::queue::{QueueError, Sharding, Tallies, WorkQueue};
use tokio::sync::Semaphore;

pub use self::definition::CurationDefinition;
pub use self::trouble::CurateError;

use self::blocks::Blocks;
use crate::judging::{Judges, Loader};
use crate::table::{Completion, ScoreFiles, Share};

/// How rows become records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurationRules {
    /// Rows of one block, at least 1; equal for all processes of one queue.
    pub rows_per_block: u64,
    /// Blocks of one score file, at least 1; equal for all processes of one queue. All of its records are in memory once.
    pub blocks_per_file: u64,
    /// Which share of the blocks this queue has.
    pub sharding: Option<Sharding>,
    /// What this process takes part in; `export` is putting score files together.
    pub roles: Roles,
    /// Blocks under way at once.
    pub blocks_at_once: usize,
    /// Bytes of encoded pictures in memory at once, about.
    pub bytes_at_once: u64,
    /// How long work may go on once the process is asked to stop.
    pub grace: Duration,
    /// How long a lease lasts that is not extended.
    pub lease: Duration,
    /// How often a block is handed out at most. What fails in its last delivery is written down as it failed.
    pub deliveries: u32,
    /// Whether the depot lies elsewhere than in the folder of the scores, so that others may take blocks out of it too.
    pub is_shared_depot: bool,
}

impl Default for CurationRules {
    fn default() -> Self {
        Self {
            rows_per_block: 64,
            blocks_per_file: 128,
            sharding: None,
            roles: Roles { feed: true, work: true, export: true },
            blocks_at_once: 4,
            bytes_at_once: 256 << 20,
            grace: Duration::from_secs(30),
            lease: Duration::from_secs(60),
            deliveries: 10,
            is_shared_depot: false,
        }
    }
}

/// All that is needed to judge a data set.
#[derive(Clone)]
pub struct Curation {
    /// Who judges; nobody where this process does not.
    pub judges: Option<Judges>,
    /// The names of the rewards, whose columns every score file has.
    pub rewards: Vec<String>,
    /// The data set, opened with its edited pictures.
    pub dataset: Arc<Dataset>,
    /// Loads pictures.
    pub loader: Loader,
    /// Where blocks wait.
    pub queue: Arc<dyn WorkQueue>,
    /// Where blocks lie that are done.
    pub depot: Arc<Depot>,
    /// How rows become records.
    pub rules: CurationRules,
    /// What people get: the score files are in `scores/` there.
    pub out: PathBuf,
    /// What processes of one queue agree by.
    pub state: PathBuf,
    /// Where it is told how far the queue is.
    pub progress: PathBuf,
    /// What is going on, in one word: [`editscale_rollout::Defines::name`] of the definition.
    pub name: String,
    /// Who hears what happens.
    pub reporter: Arc<dyn Reporter>,
}

impl fmt::Debug for Curation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Curation").field("rules", &self.rules).field("out", &self.out).finish_non_exhaustive()
    }
}

impl Curation {
    /// Whose score files this process writes.
    fn share(&self) -> Share {
        Share::new(self.rules.sharding)
    }

    /// What was written, where all of it is.
    fn completion(&self) -> Result<Option<Completion>, CurateError> {
        Ok(Completion::read(&self.out, self.share())?)
    }
}

/// What became of judging a data set.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// How far the queue is; it counts blocks.
    pub tallies: Tallies,
    /// What was written, where all of this queue is.
    pub completion: Option<Completion>,
    /// Whether all is done and, where this process had a part in it, written.
    pub is_over: bool,
    /// Whether it was asked to stop.
    pub was_stopped: bool,
}

impl Summary {
    /// That of a data set of which all scores are there.
    pub fn of_scored(curation: &Curation) -> Result<Self, CurateError> {
        let tallies = Tallies { is_complete: true, ..Tallies::default() };
        Ok(Self { tallies, completion: curation.completion()?, is_over: true, was_stopped: false })
    }
}

/// Judges until everything has ended and is written, or until it is asked to stop. What was done is kept, whatever ends it, and
/// the same call goes on from there.
pub async fn judge_all(curation: Curation, stop: StopSignal) -> Result<Summary, CurateError> {
    if let Some(judges) = &curation.judges {
        judges.check_pointwise()?;
    }
    let curation = Arc::new(curation);
    // An error of one task asks the others to stop, as somebody outside would.
    let (stopper, signal) = Stopper::new();
    let outside = tokio::spawn(pass_on(stop.clone(), stopper.clone()));
    let mut tasks: Tasks<CurateError> = Tasks::new();
    if curation.rules.roles.feed {
        tasks.spawn(feed(Arc::clone(&curation), signal.clone()));
    }
    if let Some(judges) = curation.judges.clone().filter(|_| curation.rules.roles.work) {
        let bytes = Arc::new(Semaphore::new(chunks::permits(curation.rules.bytes_at_once)));
        let worker = working::Worker { curation: Arc::clone(&curation), judges, bytes };
        tasks.spawn(working::work(worker, signal.clone()));
    }
    if curation.rules.roles.export {
        tasks.spawn(collecting::collect(Arc::clone(&curation), signal.clone()));
    }
    let teller = tokio::spawn(tell(Arc::clone(&curation)));
    let first = finish(&mut tasks, &stopper).await;
    teller.abort();
    outside.abort();
    let summary = summary(&curation, stop.is_stopped()).await;
    first?;
    let summary = summary?;
    if curation.rules.roles.export {
        let state = if summary.is_over { "finished" } else { "stopped" };
        write_progress(&curation.progress, (&summary.tallies, files(&curation)?), state)?;
    }
    Ok(summary)
}

async fn feed(curation: Arc<Curation>, stop: StopSignal) -> Result<(), CurateError> {
    let (queue, reporter) = (&*curation.queue, &*curation.reporter);
    let feeder = Feeder { dataset: &curation.dataset, queue, state: &curation.state, reporter };
    Ok(feeder.feed(|known| Blocks::new(&curation.rules, known), &stop).await?)
}

fn files(curation: &Curation) -> Result<u64, CurateError> {
    Ok(ScoreFiles::find(&curation.out)?.count(curation.share()))
}

/// Tells once a second, for ever.
async fn tell(curation: Arc<Curation>) {
    let mut pace = Pace::default();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        ticks.tick().await;
        // Whoever works tells of a queue that is away.
        let Ok(tallies) = curation.queue.tallies().await else { continue };
        let files = files(&curation).unwrap_or_default();
        curation.reporter.progress(&pace.progress(Instant::now(), tallies, files));
        let is_told = curation.rules.roles.export;
        if is_told && write_progress(&curation.progress, (&tallies, files), "running").is_err() {
            tracing::debug!("the progress file cannot be written");
        }
    }
}

async fn summary(curation: &Curation, was_stopped: bool) -> Result<Summary, CurateError> {
    let completion = curation.completion()?;
    let tallies = match curation.queue.tallies().await {
        // What was done is in the queue, wherever that is: it goes on from there.
        Err(QueueError::Away { .. }) => {
            return Ok(Summary { tallies: Tallies::default(), completion, is_over: false, was_stopped });
        }
        other => other?,
    };
    let is_written = !curation.rules.roles.export || completion.is_some();
    Ok(Summary { tallies, completion, is_over: tallies.is_over() && is_written, was_stopped })
}
