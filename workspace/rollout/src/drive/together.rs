//! What all drives of a queue have in common, whatever they make of its items: tasks that end together, queues that are away
//! for a while, and turns that one process takes at a time.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use editscale_core::BoxFuture;
use editscale_engine::{StopSignal, Stopper};
use tokio::task::{JoinError, JoinSet};

use super::holding::Holds;
use super::trouble::io;
use super::{DriveError, Reporter};
use crate::queue::{End, Item, QueueError, WorkQueue};

/// The longest wait for a queue that is away.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Tasks of one drive.
pub type Tasks<E> = JoinSet<Result<(), E>>;

/// Asks a queue until it answers; nothing where somebody asked to stop before it did.
pub async fn patiently<'a, T>(
    reporter: &dyn Reporter,
    stop: &StopSignal,
    ask: impl Fn() -> BoxFuture<'a, Result<T, QueueError>>,
) -> Result<Option<T>, QueueError> {
    let mut wait = Duration::from_millis(500);
    let mut was_told = false;
    loop {
        match ask().await {
            Ok(answer) => {
                if was_told {
                    reporter.tell("the queue answers again");
                }
                return Ok(Some(answer));
            }
            Err(QueueError::Away { .. }) if stop.is_stopped() => return Ok(None),
            Err(away @ QueueError::Away { .. }) => {
                if !was_told {
                    reporter.tell(&format!("{away}: trying again until it answers"));
                    was_told = true;
                }
                pause(stop, wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
            Err(other) => return Err(other),
        }
    }
}

/// Items with how they ended, and whether these are all that there will be.
type Ended = (Vec<(Item, End)>, bool);

/// What has ended of so many items from an ordinal on, and whether that is all that there will be of them.
pub fn ended(queue: &dyn WorkQueue, from: u64, most: usize) -> BoxFuture<'_, Result<Ended, QueueError>> {
    Box::pin(async move {
        let (tallies, ended) = (queue.tallies().await?, queue.ended(from, most).await?);
        let is_last = tallies.is_over() && from + ended.len() as u64 >= tallies.entered;
        let is_whole = ended.len() == most || is_last;
        Ok((ended, is_whole))
    })
}

/// Waits for so long, or until somebody asks to stop.
pub async fn pause(stop: &StopSignal, time: Duration) {
    let mut stop = stop.clone();
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = stop.stopped() => {}
    }
}

/// A file that one process holds while it does what only one may do at a time; nothing while another holds it.
pub fn take_turn(state: &Path, name: &str) -> Result<Option<File>, DriveError> {
    let path = state.join(name);
    let file = File::create(&path).map_err(io("create", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(io("lock", &path)(error)),
    }
}

/// What a task came to; a panic is an error.
pub fn flat<E: From<DriveError>>(ended: Result<Result<(), E>, JoinError>) -> Result<(), E> {
    ended.unwrap_or_else(|panic| Err(DriveError::Task(panic.to_string()).into()))
}

/// Waits for all tasks; the first error stops the others and is the one that is told.
pub async fn finish<E: From<DriveError> + 'static>(tasks: &mut Tasks<E>, stopper: &Stopper) -> Result<(), E> {
    let mut first = Ok(());
    while let Some(ended) = tasks.join_next().await {
        let ended = flat(ended);
        if ended.is_err() && first.is_ok() {
            first = ended;
            stopper.stop();
        }
    }
    first
}

/// Waits for the work under way; what takes longer than the grace is stopped, and can be gone on with.
pub async fn drain<E: From<DriveError> + 'static>(
    tasks: &mut Tasks<E>,
    holds: &Holds,
    grace: Duration,
) -> Result<(), E> {
    let mut first = Ok(());
    let end = tokio::time::sleep(grace);
    tokio::pin!(end);
    let mut is_late = false;
    loop {
        tokio::select! {
            ended = tasks.join_next() => match ended {
                None => return first,
                Some(ended) => first = first.and(flat(ended)),
            },
            () = &mut end, if !is_late => {
                is_late = true;
                holds.stop_all();
            }
        }
    }
}

/// Stops a stopper when a signal comes.
pub async fn pass_on(mut stop: StopSignal, stopper: Stopper) {
    stop.stopped().await;
    stopper.stop();
}
