//! I11: a run killed at any moment and resumed ends as an undisturbed one does, and does nothing twice.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on fails"
)]

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const PHOTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/photos/coffee.jpg");

/// How often the run is killed.
const KILLS: u64 = 50;

const RECIPE: &str = "\
version: 1
editor: {darkroom: {workers: 2}}
rewards:
  - {model: {photometric: {}}, weight: 1.0}
search: {beam: {width: 3, children: 4, depth: 12, edges: {re_edit: 1, edit_of_edit: 1, fresh: 1}}}
budget: {edits: 150, reward_calls: 150}
";

fn start(folder: &Path, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_editscale"))
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

const EDIT: [&str; 5] = ["edit", "photo.png", "warmer, more contrast and a vignette", "--recipe", "recipe.yaml"];

fn begin(folder: &Path, run: &str) -> Child {
    start(folder, &[&EDIT[..], &["--run-dir", run]].concat())
}

fn lines(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("journal.jsonl")).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The outcome without its time.
fn outcome(run: &Path) -> Value {
    let mut outcome: Value = serde_json::from_slice(&fs::read(run.join("outcome.json")).unwrap()).unwrap();
    outcome["ledger"].as_object_mut().unwrap().remove("wall_secs");
    outcome
}

#[test]
fn a_run_killed_fifty_times_ends_like_an_undisturbed_one() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let photo = image::open(PHOTO).unwrap().resize(120, 120, image::imageops::FilterType::Triangle);
    photo.save(at.join("photo.png")).unwrap();
    fs::write(at.join("recipe.yaml"), RECIPE).unwrap();
    let began = Instant::now();
    assert!(begin(at, "whole").wait().unwrap().success());
    let took = began.elapsed();

    let run = at.join("killed");
    let written = || fs::metadata(run.join("journal.jsonl")).map_or(0, |journal| journal.len());
    let (mut kills, mut seed) = (0, 12_345_u64);
    while kills < KILLS {
        let before = written();
        let mut child = if run.join("run.json").exists() {
            start(at, &["edit", "--resume", "killed"])
        } else {
            fs::remove_dir_all(&run).ok();
            begin(at, "killed")
        };
        // A moment anywhere in the first third of what a whole run takes, so that all kills fall before the end.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let moment = Duration::from_secs_f64(took.as_secs_f64() / 3.0 * (seed >> 40) as f64 / (1_u64 << 24) as f64);
        std::thread::sleep(moment);
        // Every other kill strikes a run that has got on, however long the program takes to start; the others fall anywhere.
        while kills % 2 == 0 && written() <= before && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        if child.try_wait().unwrap().is_some() {
            // It was done before the kill: begin another run and go on killing.
            check_same(at, &run);
            fs::remove_dir_all(&run).unwrap();
            continue;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    if run.join("run.json").exists() {
        assert!(start(at, &["edit", "--resume", "killed"]).wait().unwrap().success());
    } else {
        fs::remove_dir_all(&run).ok();
        assert!(begin(at, "killed").wait().unwrap().success());
    }
    check_same(at, &run);
}

fn check_same(at: &Path, run: &Path) {
    assert_eq!(outcome(run), outcome(&at.join("whole")));
    assert_eq!(fs::read(run.join("best.png")).unwrap(), fs::read(at.join("whole/best.png")).unwrap());
    let mut done = HashSet::new();
    for line in lines(run) {
        let event = line["event"].as_str().unwrap_or_default();
        if ["edited", "judged", "decided"].contains(&event) {
            let key = (
                event.to_owned(),
                line["id"].clone().to_string(),
                line["round"].to_string(),
                line["reward"].to_string(),
            );
            assert!(done.insert(key.clone()), "{key:?} was done twice");
        }
    }
}
