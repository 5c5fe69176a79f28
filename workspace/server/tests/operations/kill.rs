//! A server that is killed at any moment, again and again, under load.

#[path = "../../examples/soak/call.rs"]
mod call;
#[path = "../../examples/soak/none.rs"]
mod none;
#[path = "../../examples/soak/storm.rs"]
mod storm;

use std::env;
use std::path::Path;
use std::process::Command;

use storm::Storm;

/// Where a child of this test has its runs.
const RUNS: &str = "EDITSCALE_TEST_RUNS";

/// In a child of [`nothing_accepted_is_lost_or_done_twice`], the server; nothing otherwise.
#[tokio::test]
async fn server() {
    if let Ok(runs) = env::var(RUNS) {
        none::serve(Path::new(&runs), "127.0.0.1:0").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_accepted_is_lost_or_done_twice() {
    let folder = tempfile::tempdir().unwrap();
    let child = |runs: &Path| {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "kill::server", "--nocapture"]).env(RUNS, runs);
        command
    };
    let storm = Storm { kills: 5, clients: 12, runs_each: 6, start: &child };
    let tally = storm.rage(folder.path()).await.unwrap();
    assert_eq!(tally.accepted, 72, "{tally:?}");
    assert_eq!((tally.done + tally.failed, tally.lost, tally.twice), (72, 0, 0), "{tally:?}");
    assert_eq!(tally.failed, 0, "{tally:?}");
}
