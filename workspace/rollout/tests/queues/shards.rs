//! The journal of one shard.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use editscale_core::BoxFuture;
use editscale_rollout::queue::{End, QueueError, QueueRules, ShardQueue, WorkQueue};
use tempfile::TempDir;

use crate::cases::{Bench, done, work};
use crate::conform;

struct Shard {
    folder: TempDir,
    rules: QueueRules,
}

impl Shard {
    fn new(rules: QueueRules) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), rules }
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("queue.jsonl")
    }

    fn queue(&self) -> Result<ShardQueue, QueueError> {
        ShardQueue::open(self.folder.path(), self.rules, "a run, shard 0/2")
    }
}

impl Bench for Shard {
    fn open(&self) -> BoxFuture<'_, Result<Arc<dyn WorkQueue>>> {
        Box::pin(async { Ok(Arc::new(self.queue()?) as Arc<dyn WorkQueue>) })
    }

    fn beside<'a>(&'a self, first: &'a Arc<dyn WorkQueue>) -> BoxFuture<'a, Result<Arc<dyn WorkQueue>>> {
        Box::pin(async { Ok(first.clone()) })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_a_work_queue() {
    conform(Shard::new).await;
}

#[tokio::test]
async fn one_process_has_it_and_others_are_told() {
    let shard = Shard::new(QueueRules::default());
    let open = shard.queue().unwrap();
    let refused = shard.queue().unwrap_err().to_string();
    assert!(refused.contains("another process does this shard"), "{refused}");
    drop(open);
    drop(shard.queue().unwrap());
    let other = ShardQueue::open(shard.folder.path(), shard.rules, "another").unwrap_err().to_string();
    assert!(other.contains("expected another, found a run, shard 0/2"), "{other}");
}

#[tokio::test]
async fn what_is_no_journal_is_refused_and_left_alone() {
    let shard = Shard::new(QueueRules::default());
    for (text, words) in [
        ("hello", "expected the journal of a work queue"),
        ("hello\n", "expected the journal of a work queue"),
        ("{\"work_queue\":2,\"run\":\"a\"}\n", "expected a journal of version 1, found version 2"),
    ] {
        fs::write(shard.journal(), text).unwrap();
        let error = shard.queue().unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert_eq!(fs::read_to_string(shard.journal()).unwrap(), text);
    }
}

/// Cut at any byte, the journal opens with what had been written whole; and what was done before is told.
#[tokio::test]
async fn a_journal_may_be_cut_anywhere() {
    let shard = Shard::new(QueueRules::default());
    let queue = shard.queue().unwrap();
    queue.enter(&work(0..4)).await.unwrap();
    for lease in queue.lease(3).await.unwrap() {
        queue.end(&lease, done(lease.item.ordinal, 1)).await.unwrap();
    }
    queue.complete_entering().await.unwrap();
    drop(queue);
    let whole = fs::read(shard.journal()).unwrap();
    let mut before = (0, 0);
    for length in 0..=whole.len() {
        fs::write(shard.journal(), &whole[..length]).unwrap();
        let queue = shard.queue().unwrap_or_else(|error| panic!("cut at {length}: {error}"));
        let tallies = queue.tallies().await.unwrap();
        let found = (tallies.entered, tallies.done);
        assert!(found.0 >= before.0 && found.1 >= before.1, "cut at {length}: {found:?} after {before:?}");
        before = found;
        // It can be gone on with.
        queue.enter(&work(0..4)).await.unwrap();
        assert_eq!(queue.tallies().await.unwrap().entered, 4);
    }
    assert_eq!(before, (4, 3));
}

#[tokio::test]
async fn damage_in_the_middle_is_said() {
    let shard = Shard::new(QueueRules::default());
    let queue = shard.queue().unwrap();
    queue.enter(&work(0..4)).await.unwrap();
    drop(queue);
    let mut bytes = fs::read(shard.journal()).unwrap();
    let second = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    bytes[second] = b'x';
    fs::write(shard.journal(), &bytes).unwrap();
    let error = shard.queue().unwrap_err().to_string();
    assert!(error.contains(&format!("damaged at byte {second}")), "{error}");
}

#[tokio::test]
async fn a_hundred_thousand_items_are_kept_in_little_memory() {
    let shard = Shard::new(QueueRules::default());
    let queue = shard.queue().unwrap();
    for first in (0..100_000).step_by(5000) {
        queue.enter(&work(first..first + 5000)).await.unwrap();
    }
    let leases = queue.lease(100).await.unwrap();
    assert_eq!(leases.iter().map(|lease| lease.item.ordinal).collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
    queue.end(&leases[0], End::Skipped { reason: "a test".to_owned() }).await.unwrap();
    drop(queue);
    let tallies = shard.queue().unwrap().tallies().await.unwrap();
    assert_eq!((tallies.entered, tallies.skipped), (100_000, 1));
}
