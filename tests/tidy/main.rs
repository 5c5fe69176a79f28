//! What no tool checks: headers, licences, unused dependencies, lengths, paths of machines, pages as one book, and their figures.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on fails"
)]

mod dependencies;
mod figures;
mod numbers;
mod pages;
mod reader;

use std::fs;
use std::path::{Path, PathBuf};

/// Sources that may be longer than 500 lines, each with its reason.
const LONG: [(&str, &str); 0] = [];

/// Licences that dependencies may have.
const LICENCES: [&str; 12] = [
    "MIT",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "Unicode-3.0",
    "Unlicense",
    "CC0-1.0",
    "MIT-0",
    "Apache-2.0 WITH LLVM-exception",
];

fn sources() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                // What was built lies there.
                if !path.ends_with("target") {
                    walk(&path, found);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    let folders = ["workspace", "tests", "examples", "plugins", "fuzz"];
    folders.into_iter().for_each(|folder| walk(Path::new(folder), &mut found));
    found.sort();
    found
}

fn complain(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn every_source_says_what_it_is() {
    let headless = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("a source file");
        (!text.starts_with("//!")).then(|| format!("{} has no `//!` header", path.display()))
    };
    complain(&sources().iter().filter_map(headless).collect::<Vec<_>>());
}

#[test]
fn sources_are_short_or_have_a_reason() {
    let long = |path: &PathBuf| {
        let lines = fs::read_to_string(path).expect("a source file").lines().count();
        let known = LONG.iter().any(|(name, _)| path == Path::new(name));
        let is_test = path.components().any(|part| part.as_os_str() == "tests");
        (lines > 500 && !known && !is_test).then(|| format!("{} has {lines} lines", path.display()))
    };
    complain(&sources().iter().filter_map(long).collect::<Vec<_>>());
}

#[test]
fn no_source_is_unfinished() {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("todo", "!("), concat!("unimplemented", "!(")];
    let unfinished = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("a source file");
        let mark = marks.into_iter().find(|mark| text.contains(mark))?;
        Some(format!("{} holds `{mark}`", path.display()))
    };
    complain(&sources().iter().filter_map(unfinished).collect::<Vec<_>>());
}

/// In a crate with `test = false` nothing would run it.
#[test]
fn every_test_in_the_sources_is_run() {
    let unrun = |path: &PathBuf| {
        let (home, _) = path.to_str()?.split_once("/src/")?;
        let manifest = fs::read_to_string(format!("{home}/Cargo.toml")).ok()?;
        let is_run = !manifest.contains("[lib]\ntest = false");
        let text = fs::read_to_string(path).expect("a source file");
        (!is_run && text.contains("#[test]")).then(|| format!("{} has a test that nothing runs", path.display()))
    };
    complain(&sources().iter().filter_map(unrun).collect::<Vec<_>>());
}

/// Everything that is compiled into the program or its tests on this machine.
fn packages() -> Vec<serde_json::Value> {
    // Only what is built here is sure to be on this machine.
    let version = std::process::Command::new("rustc").arg("-vV").output().expect("rustc runs").stdout;
    let version = String::from_utf8(version).expect("text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", host])
        .output()
        .expect("cargo metadata runs");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

#[test]
fn dependencies_have_licences_that_allow_it() {
    let bad = |package: &serde_json::Value| {
        let licence = package["license"].as_str().unwrap_or_default();
        // A choice is good if one of its sides is; a conjunction if all of its parts are.
        let sides = licence.split(" OR ").flat_map(|side| side.split('/'));
        let is_good = |side: &str| {
            let parts = side.trim().trim_start_matches('(').trim_end_matches(')');
            parts.split(" AND ").all(|part| LICENCES.contains(&part.trim().trim_matches(['(', ')'])))
        };
        let good = sides.into_iter().any(is_good);
        (!good).then(|| format!("{} {} is under `{licence}`", package["name"], package["version"]))
    };
    complain(&packages().iter().filter_map(bad).collect::<Vec<_>>());
}

#[test]
fn dependencies_come_from_one_registry() {
    let all = packages();
    let sources: std::collections::BTreeSet<&str> =
        all.iter().filter_map(|package| package["source"].as_str()).collect();
    assert!(sources.len() == 1 && sources.iter().all(|source| source.starts_with("registry+")), "{sources:?}");
}

#[test]
fn fixtures_and_photographs_are_small() {
    fn weigh(folder: &Path) -> u64 {
        let entries = fs::read_dir(folder).map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
        entries
            .iter()
            .map(|entry| {
                let path = entry.path();
                if path.is_dir() { weigh(&path) } else { fs::metadata(&path).map_or(0, |metadata| metadata.len()) }
            })
            .sum()
    }
    for (folder, most) in
        [("tests/fixtures", 4 << 20), ("examples/photos", 2 << 20), ("workspace/darkroom/tests", 5 << 20)]
    {
        assert!(weigh(Path::new(folder)) <= most, "{folder} holds more than {most} bytes");
    }
}
