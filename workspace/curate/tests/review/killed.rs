//! A process that is killed while it writes verdicts loses none that it was told of.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use editscale_curate::review::{Log, Said};

use crate::common::verdict;

const CHILD: &str = "EDITSCALE_REVIEW_CHILD";

/// What the killed process does: writes, and tells of each verdict once it is taken down.
#[test]
fn writes_until_it_is_killed() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let mut log = Log::open(path.as_ref()).unwrap();
    for row in 0..1_000_000 {
        log.append(&verdict(row, 0, Said::Keep, None)).unwrap();
        println!("told {row}");
    }
}

#[test]
fn a_kill_loses_nothing_that_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("review.jsonl");
    let mut written = 0;
    for told in [1_usize, 17, 60] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["killed::writes_until_it_is_killed", "--exact", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let last = lines.filter(|line| line.contains("told ")).nth(told).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let last: usize = last.split("told ").nth(1).unwrap().trim().parse().unwrap();
        let found = Log::read(&path).unwrap().verdicts().len();
        assert!(found > written + last, "{found} verdicts after {written} and {last} more");
        written = found;
    }
}
