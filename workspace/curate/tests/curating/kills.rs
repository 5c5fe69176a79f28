//! Real processes that are killed with signal 9 in the middle of their work.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::desk::{Desk, LONG, files, undisturbed, write_rows};

/// Tells the child what it is, and where the data set lies.
const CHILD: &str = "EDITSCALE_CURATE_CHILD";

const ROWS: u8 = 120;

/// No test of its own: what the other test starts and kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_killed() {
    let Ok(folder) = std::env::var(CHILD) else { return };
    let mut desk = Desk::over(Path::new(&folder));
    // Leases of the dead come back soon, and do not count for long.
    desk.rules.lease = Duration::from_secs(1);
    desk.rules.deliveries = 1000;
    desk.reward.delay = Duration::from_millis(3);
    assert!(desk.run().await.unwrap().is_over);
}

fn start(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kills::a_worker_that_is_killed"])
        .env(CHILD, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn processes_may_be_killed_at_any_moment() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let quiet = runtime.block_on(undisturbed(ROWS));
    let folder = tempfile::tempdir().unwrap();
    write_rows(folder.path(), ROWS);
    let mut children: Vec<Child> = (0..2).map(|_| start(folder.path())).collect();
    for round in 0..8 {
        std::thread::sleep(Duration::from_millis(20 + round * 17));
        let mut victim = children.remove(0);
        victim.kill().unwrap();
        victim.wait().unwrap();
        children.push(start(folder.path()));
    }
    let begun = Instant::now();
    for mut child in children {
        let ended = loop {
            if let Some(ended) = child.try_wait().unwrap() {
                break ended;
            }
            assert!(begun.elapsed() < LONG, "a worker does not come to an end");
            std::thread::sleep(Duration::from_millis(10));
        };
        assert!(ended.success(), "{ended:?}");
    }
    assert_eq!(quiet, files(&folder.path().join("out")));
}
