//! Every command that a page shows works, in the order shown, in a folder of the page's own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;
use std::process::Command;

/// The pages whose commands need nothing but the repository.
const PAGES: [(&str, usize); 2] = [("README.md", 20), ("docs/editreward.md", 2)];

/// The lines of a page's shell blocks, `cargo` ones as the program that they would run.
fn commands(page: &str) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    let lines = blocks.flat_map(|block| block.lines().map(ToOwned::to_owned).collect::<Vec<String>>());
    let run = |line: String| line.replace("cargo run --release --", "editscale");
    // The other `cargo` line is the one that runs this test.
    lines.map(run).filter(|line| line.starts_with("editscale ")).collect()
}

#[test]
fn every_command_of_the_pages_works() {
    let here = fs::canonicalize(".").unwrap();
    let bin = Path::new(env!("CARGO_BIN_EXE_editscale")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    for (page, least) in PAGES {
        let desk = tempfile::tempdir().unwrap();
        for folder in ["examples", "configs"] {
            link(&here.join(folder), &desk.path().join(folder));
        }
        let commands = commands(page);
        assert!(commands.len() >= least, "{page} shows {commands:?}");
        for command in commands {
            let mut shell = Command::new("sh");
            let output = shell.args(["-c", &command]).current_dir(desk.path()).env("PATH", &path).output().unwrap();
            assert!(output.status.success(), "{page}: {command}\n{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) {
    std::os::unix::fs::symlink(from, to).unwrap();
}
