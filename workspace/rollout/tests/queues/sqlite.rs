//! The queue in an SQLite file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use editscale_core::BoxFuture;
use editscale_rollout::queue::{QueueError, QueueRules, SqliteQueue, WorkQueue};
use tempfile::TempDir;

use crate::cases::{Bench, work};
use crate::conform;

struct Sqlite {
    folder: TempDir,
    rules: QueueRules,
}

impl Sqlite {
    fn new(rules: QueueRules) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), rules }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("queue.sqlite")
    }
}

impl Bench for Sqlite {
    fn open(&self) -> BoxFuture<'_, Result<Arc<dyn WorkQueue>>> {
        Box::pin(async { Ok(Arc::new(SqliteQueue::open(&self.path(), self.rules, "a run")?) as Arc<dyn WorkQueue>) })
    }

    fn beside<'a>(&'a self, _first: &'a Arc<dyn WorkQueue>) -> BoxFuture<'a, Result<Arc<dyn WorkQueue>>> {
        self.open()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_a_work_queue() {
    conform(Sqlite::new).await;
}

fn refusal(path: &Path, name: &str) -> String {
    match SqliteQueue::open(path, QueueRules::default(), name) {
        Err(error @ QueueError::Unusable { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_no_queue_of_this_run_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    drop(SqliteQueue::open(&at("ours"), QueueRules::default(), "first").unwrap());
    let other = refusal(&at("ours"), "second");
    assert!(other.contains("expected second, found first"), "{other}");

    std::fs::write(at("text"), "x".repeat(5000)).unwrap();
    assert!(refusal(&at("text"), "first").contains("no SQLite database"));
    assert_eq!(std::fs::read_to_string(at("text")).unwrap(), "x".repeat(5000));

    let foreign = rusqlite::Connection::open(at("foreign")).unwrap();
    foreign.execute_batch("CREATE TABLE songs (title TEXT)").unwrap();
    let before = std::fs::read(at("foreign")).unwrap();
    assert!(refusal(&at("foreign"), "first").contains("another program's"));
    assert_eq!(std::fs::read(at("foreign")).unwrap(), before);

    let newer = rusqlite::Connection::open(at("ours")).unwrap();
    newer.execute_batch("PRAGMA user_version = 2").unwrap();
    assert!(refusal(&at("ours"), "first").contains("expected a work queue of version 1, found version 2"));

    assert!(refusal(&at("no/such/folder/queue"), "first").contains("cannot be opened"));
    assert!(refusal(folder.path(), "first").contains("cannot be opened"));
}

#[tokio::test]
async fn another_boot_ends_all_leases() {
    let bench = Sqlite::new(QueueRules { lease: Duration::from_secs(3600), deliveries: 5 });
    let queue = bench.open().await.unwrap();
    queue.enter(&work(0..2)).await.unwrap();
    assert_eq!(queue.lease(2).await.unwrap().len(), 2);
    // The worker seems to live, since its lock is held.
    let hand = rusqlite::Connection::open(bench.path()).unwrap();
    hand.execute_batch("UPDATE facts SET boot = 'another'").unwrap();
    let later = bench.open().await.unwrap();
    assert_eq!(later.lease(2).await.unwrap().iter().map(|lease| lease.delivery).collect::<Vec<_>>(), [2, 2]);
}

#[tokio::test]
async fn a_dead_workers_leases_come_back_at_once() {
    let bench = Sqlite::new(QueueRules { lease: Duration::from_secs(3600), deliveries: 5 });
    let (first, second) = (bench.open().await.unwrap(), bench.open().await.unwrap());
    first.enter(&work(0..2)).await.unwrap();
    assert_eq!(first.lease(2).await.unwrap().len(), 2);
    assert!(second.lease(2).await.unwrap().is_empty());
    drop(first);
    let begun = Instant::now();
    let mut came = Vec::new();
    while came.len() < 2 {
        came.extend(second.lease(2).await.unwrap());
        assert!(begun.elapsed() < Duration::from_secs(30));
    }
}
