//! Every command that the README shows works, in the order shown, in one folder.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;
use std::process::Command;

/// The lines of the README's shell blocks, `cargo` ones as the program that they would run.
fn commands() -> Vec<String> {
    let readme = fs::read_to_string("README.md").unwrap();
    let blocks = readme.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    let lines = blocks.flat_map(|block| block.lines().map(ToOwned::to_owned).collect::<Vec<String>>());
    let run = |line: String| line.replace("cargo run --release --", "editscale");
    // The other `cargo` line is the one that runs this test.
    lines.map(run).filter(|line| line.starts_with("editscale ")).collect()
}

#[test]
fn every_command_of_the_readme_works() {
    let desk = tempfile::tempdir().unwrap();
    let here = fs::canonicalize(".").unwrap();
    for folder in ["examples", "configs"] {
        link(&here.join(folder), &desk.path().join(folder));
    }
    let bin = Path::new(env!("CARGO_BIN_EXE_editscale")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let commands = commands();
    assert!(commands.len() > 10, "{commands:?}");
    for command in commands {
        let output =
            Command::new("sh").args(["-c", &command]).current_dir(desk.path()).env("PATH", &path).output().unwrap();
        assert!(output.status.success(), "{command}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) {
    std::os::unix::fs::symlink(from, to).unwrap();
}
