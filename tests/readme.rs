//! Every command that a page shows works, in the order shown, in a folder of the page's own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// Makes a test of each page, whose commands need nothing but the repository; at least so many are shown.
macro_rules! pages {
    ($($name:ident: $page:literal, $least:literal;)*) => {
        const PAGES: &[&str] = &[$($page),*];

        $(#[test]
        fn $name() {
            check($page, $least);
        })*
    };
}

// What `docs/days` shows in Python as well is run by `tests/clients/days.py`.
pages! {
    the_readme_works: "README.md", 20;
    the_page_on_editreward_works: "docs/editreward.md", 2;
    the_day_of_an_agent_builder_works: "docs/days/agent-builder.md", 3;
    the_day_of_a_curator_works: "docs/days/curator.md", 5;
    the_day_of_an_engineer_works: "docs/days/engineer.md", 7;
    the_day_of_a_photographer_works: "docs/days/photographer.md", 8;
    the_day_of_an_rl_team_works: "docs/days/rl-team.md", 5;
}

/// What is run elsewhere: these tests themselves, and what wants a network, by `tests/clients/run.sh`.
const ELSEWHERE: [&str; 2] = ["cargo test ", "pip install "];

/// The lines of a page's shell blocks, `cargo` ones as the program that they would run.
fn commands(page: &str) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines).map(|line| line.replace("cargo run --release --", "editscale"));
    lines.filter(|line| !ELSEWHERE.iter().any(|start| line.starts_with(start))).collect()
}

#[test]
fn every_day_is_lived() {
    for entry in fs::read_dir("docs/days").unwrap() {
        let page = entry.unwrap().path();
        assert!(PAGES.iter().any(|known| Path::new(known) == page), "no test runs {}", page.display());
    }
}

/// What the table of use cases shows is among the commands that are run.
#[test]
fn every_use_case_has_a_command_that_is_run() {
    let text = fs::read_to_string("README.md").unwrap();
    let table = text.split("| you want | command | more |\n|---|---|---|\n").nth(1).unwrap();
    let rows: Vec<&str> = table.split("\n\n").next().unwrap().lines().collect();
    let run = commands("README.md");
    for row in &rows {
        let shown = row.split("| `").nth(1).and_then(|rest| rest.split("` |").next());
        assert!(shown.is_some_and(|shown| run.iter().any(|command| command == shown)), "nothing runs: {row}");
    }
    assert!(rows.len() >= 7, "{rows:?}");
}

fn check(page: &str, least: usize) {
    let here = fs::canonicalize(".").unwrap();
    let bin = Path::new(env!("CARGO_BIN_EXE_editscale")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
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
