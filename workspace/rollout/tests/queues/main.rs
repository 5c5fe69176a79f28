//! Work queues: one suite of cases for the engines that need no server, kills of real processes, and damaged files.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod cases;
mod sqlite;

use cases::Bench;
use editscale_rollout::queue::QueueRules;

/// Runs all cases, each on a queue of its own.
async fn conform<B: Bench>(make: impl Fn(QueueRules) -> B) {
    let mut failed = Vec::new();
    for case in cases::all() {
        let bench = make(case.rules);
        if let Err(error) = (case.run)(&bench).await {
            failed.push(format!("{}: {error:#}", case.name));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
