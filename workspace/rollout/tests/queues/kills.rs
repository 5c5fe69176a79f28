//! Real processes that are killed with signal 9 in the middle of their work.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use editscale_rollout::queue::{QueueError, QueueRules, ShardQueue, SqliteQueue, WorkQueue};

use crate::cases::{done, work};

/// Tells the child what it is and where the queue lies.
const CHILD: &str = "EDITSCALE_QUEUE_CHILD";
const ITEMS: u64 = 300;
/// So long that only the death of a worker brings its items back.
const RULES: QueueRules = QueueRules { lease: Duration::from_secs(3600), deliveries: 1000 };

fn open(engine: &str, folder: &Path) -> Result<Arc<dyn WorkQueue>, QueueError> {
    match engine {
        "sqlite" => Ok(Arc::new(SqliteQueue::open(&folder.join("queue.sqlite"), RULES, "kills")?)),
        _ => Ok(Arc::new(ShardQueue::open(folder, RULES, "kills")?)),
    }
}

/// No test of its own: what the other tests start and kill.
#[tokio::test]
async fn a_worker_that_is_killed() {
    let Ok(told) = std::env::var(CHILD) else { return };
    let (engine, folder) = told.split_once(':').unwrap();
    let queue = open(engine, Path::new(folder)).unwrap();
    queue.enter(&work(0..ITEMS)).await.unwrap();
    queue.complete_entering().await.unwrap();
    while !queue.tallies().await.unwrap().is_over() {
        for lease in queue.lease(5).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(1)).await;
            queue.end(&lease, done(lease.item.ordinal, 1)).await.unwrap();
        }
    }
}

fn start(engine: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kills::a_worker_that_is_killed"])
        .env(CHILD, format!("{engine}:{}", folder.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills workers one after the other, each a little later in its life than the one before.
fn kill_and_finish(engine: &str, workers: usize, kills: u64) {
    let folder = tempfile::tempdir().unwrap();
    let mut children: Vec<Child> = (0..workers).map(|_| start(engine, folder.path())).collect();
    for round in 0..kills {
        std::thread::sleep(Duration::from_millis(10 + round * 7));
        let mut victim = children.remove(0);
        victim.kill().unwrap();
        victim.wait().unwrap();
        children.push(start(engine, folder.path()));
    }
    let begun = Instant::now();
    for mut child in children {
        while child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(120), "a worker does not come to an end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let queue = open(engine, folder.path()).unwrap();
        let tallies = queue.tallies().await.unwrap();
        assert!(tallies.is_over() && tallies.done == ITEMS && tallies.candidates == ITEMS * 8, "{tallies:?}");
        let ended = queue.ended(0, usize::MAX).await.unwrap();
        assert_eq!(ended.len() as u64, ITEMS);
        assert!((0..).zip(&ended).all(|(ordinal, (item, end))| item.ordinal == ordinal && *end == done(ordinal, 1)));
    });
}

#[test]
fn processes_that_share_an_sqlite_queue_may_be_killed() {
    kill_and_finish("sqlite", 3, 12);
}

#[test]
fn the_process_of_a_shard_may_be_killed() {
    kill_and_finish("shard", 1, 12);
}
