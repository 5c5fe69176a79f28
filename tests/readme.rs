//! Every command that a page shows works, in the order shown, in a folder of the page's own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// The pages whose commands need nothing but the repository, and how many they show at least. What `docs/days` shows in Python as well is run
/// by `tests/clients/days.py`.
const PAGES: [(&str, usize); 7] = [
    ("README.md", 20),
    ("docs/editreward.md", 2),
    ("docs/days/agent-builder.md", 3),
    ("docs/days/curator.md", 5),
    ("docs/days/engineer.md", 7),
    ("docs/days/photographer.md", 8),
    ("docs/days/rl-team.md", 5),
];

/// The lines of a page's shell blocks, `cargo` ones as the program that they would run.
fn commands(page: &str) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    let lines = blocks.flat_map(|block| block.lines().map(ToOwned::to_owned).collect::<Vec<String>>());
    let run = |line: String| line.replace("cargo run --release --", "editscale");
    // The other `cargo` line is the one that runs this test.
    lines.map(run).filter(|line| line.starts_with("editscale ") || line.starts_with("sed ")).collect()
}

/// What the table of use cases shows is among the commands that are run.
#[test]
fn every_use_case_has_a_command_that_is_run() {
    let text = fs::read_to_string("README.md").unwrap();
    let table = text.split("| you want | command | more |").nth(1).unwrap().split("\n\n").next().unwrap();
    let shown: Vec<&str> = table.lines().filter_map(|row| row.split("| `").nth(1)?.split("` |").next()).collect();
    let run = commands("README.md");
    let missing: Vec<&&str> = shown.iter().filter(|command| !run.contains(&(**command).to_owned())).collect();
    assert!(shown.len() >= 5 && missing.is_empty(), "{shown:?} shown, {missing:?} never run");
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
            shell.current_dir(desk.path()).env("PATH", &path).stdin(Stdio::null());
            if command.starts_with("editscale serve") {
                // It would listen where another test, or somebody's own server, may: elsewhere it is the same.
                check_serves(shell.args(["-c", &format!("exec {command} --listen 127.0.0.1:0")]), &command);
                continue;
            }
            let output = shell.args(["-c", &command]).output().unwrap();
            assert!(output.status.success(), "{page}: {command}\n{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

/// A server says where it is, and then goes on until it is ended.
fn check_serves(shell: &mut Command, command: &str) {
    let mut server = shell.stdout(Stdio::piped()).spawn().unwrap();
    let mut address = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut address).unwrap();
    assert!(address.starts_with("http://127.0.0.1:"), "{command}: {address:?}");
    assert!(server.try_wait().unwrap().is_none(), "{command} has ended");
    server.kill().unwrap();
    server.wait().unwrap();
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) {
    std::os::unix::fs::symlink(from, to).unwrap();
}
