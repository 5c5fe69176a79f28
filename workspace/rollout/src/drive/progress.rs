//! How far a drive is: for people, and for programs in `progress.json`.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use editscale_engine::write_whole;
use serde::Serialize;

use super::{Drive, DriveError, Summary, exporting};
use crate::queue::Tallies;

/// How far a drive is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The queue's counts, over all processes.
    pub tallies: Tallies,
    /// Shards that are written.
    pub shards: u64,
    /// Items that have ended a second, over the last minute.
    pub items_per_sec: f64,
    /// Candidates that got a reward a second, over the last minute.
    pub candidates_per_sec: f64,
    /// When all will have ended at this pace, where all is entered and there is a pace.
    pub left: Option<Duration>,
}

/// The form of `progress.json`.
#[derive(Debug, Serialize)]
struct ProgressFile {
    version: u32,
    /// `running`; `stopped`, where the process that wrote it last was told to stop; `finished` once all has ended and is written.
    state: &'static str,
    entered: u64,
    is_entering_complete: bool,
    waiting: u64,
    leased: u64,
    done: u64,
    skipped: u64,
    dead: u64,
    candidates: u64,
    shards: u64,
    edits: u64,
    reward_calls: u64,
    nfe: u64,
    tokens: u64,
    usd: f64,
    updated_unix_secs: f64,
}

/// How far back the pace looks.
const WINDOW: Duration = Duration::from_secs(60);

/// Tells once a second, for ever.
pub(super) async fn tell(drive: Arc<Drive>) {
    let mut pace = Pace::default();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        ticks.tick().await;
        // Whoever works tells of a queue that is away.
        let Ok(tallies) = drive.queue.tallies().await else { continue };
        let shards = exporting::shards(&drive).unwrap_or_default();
        let progress = pace.progress(Instant::now(), tallies, shards);
        drive.reporter.progress(&progress);
        if drive.rules.roles.export && write(&drive, (&tallies, shards), "running").is_err() {
            tracing::debug!("progress.json cannot be written");
        }
    }
}

/// Writes `progress.json` as things stand at the end.
pub(super) fn write_final(drive: &Drive, summary: &Summary) -> Result<(), DriveError> {
    let was_ended = summary.was_stopped || summary.is_spent;
    write(drive, (&summary.tallies, summary.shards), if was_ended { "stopped" } else { "running" })
}

fn write(drive: &Drive, (tallies, shards): (&Tallies, u64), otherwise: &'static str) -> Result<(), DriveError> {
    let is_written = shards.saturating_mul(drive.export.groups_per_shard) >= tallies.entered;
    let state = if tallies.is_over() && is_written { "finished" } else { otherwise };
    write_progress(&drive.folders.progress, (tallies, shards), state)
}

/// Writes `progress.json`: the queue's counts, how many shards are written, and one of the words `running`, `stopped` and
/// `finished`.
pub fn write_progress(path: &Path, (tallies, shards): (&Tallies, u64), state: &'static str) -> Result<(), DriveError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let file = ProgressFile {
        version: 1,
        state,
        entered: tallies.entered,
        is_entering_complete: tallies.is_complete,
        waiting: tallies.waiting,
        leased: tallies.leased,
        done: tallies.done,
        skipped: tallies.skipped,
        dead: tallies.dead,
        candidates: tallies.candidates,
        shards,
        edits: tallies.spent.edits,
        reward_calls: tallies.spent.reward_calls,
        nfe: tallies.spent.nfe,
        tokens: tallies.spent.tokens,
        usd: tallies.spent.usd_micros as f64 / 1e6,
        updated_unix_secs: now.as_secs_f64(),
    };
    let text = serde_json::to_vec_pretty(&file).unwrap_or_default();
    write_whole(path, &text).map_err(|error| DriveError::Run(error.into()))
}

/// Counts of the last minute, from which the pace is told.
#[derive(Debug, Default)]
pub struct Pace(VecDeque<(Instant, u64, u64)>);

impl Pace {
    /// How far a drive is that stands like this, at the pace of the last minute.
    pub fn progress(&mut self, now: Instant, tallies: Tallies, shards: u64) -> Progress {
        self.0.push_back((now, tallies.ended(), tallies.candidates));
        while self.0.len() > 2 && self.0.front().is_some_and(|(at, ..)| now.duration_since(*at) > WINDOW) {
            self.0.pop_front();
        }
        let (items, candidates) = self.per_second();
        let left = tallies.entered.saturating_sub(tallies.ended());
        let is_known = tallies.is_complete && items > 0.0;
        let left = is_known.then(|| Duration::try_from_secs_f64(left as f64 / items).ok()).flatten();
        Progress { tallies, shards, items_per_sec: items, candidates_per_sec: candidates, left }
    }

    fn per_second(&self) -> (f64, f64) {
        let (Some(first), Some(last)) = (self.0.front(), self.0.back()) else { return (0.0, 0.0) };
        let secs = last.0.duration_since(first.0).as_secs_f64();
        if secs <= 0.0 {
            return (0.0, 0.0);
        }
        let grown = |from: u64, to: u64| to.saturating_sub(from) as f64 / secs;
        (grown(first.1, last.1), grown(first.2, last.2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_that_of_the_last_minute() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let tallies = |ended: u64| Tallies {
            entered: 1000,
            is_complete: true,
            done: ended,
            candidates: 8 * ended,
            ..Tallies::default()
        };
        for second in 0..=100_u64 {
            // Ten a second at first, one a second for the last minute and more.
            let ended = if second < 30 { 10 * second } else { 300 + (second - 30) };
            let progress = pace.progress(start + Duration::from_secs(second), tallies(ended), 0);
            if second == 100 {
                assert!((progress.items_per_sec - 1.0).abs() < 0.05, "{progress:?}");
                assert!((progress.candidates_per_sec - 8.0).abs() < 0.4, "{progress:?}");
                assert!((progress.left.unwrap().as_secs_f64() - 630.0).abs() < 30.0, "{progress:?}");
            }
        }
    }
}
