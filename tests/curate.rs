//! `editscale curate` as people use it: a data set of real photographs and darkroom edits in, scores out, whatever happens on the
//! way.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on fails"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use editscale_curate::Record;
use editscale_curate::results::ChoiceFolder;
use editscale_curate::table::ScoreFiles;
use editscale_testkit::said;
use serde_json::{Value, json};

const PHOTOS: [&str; 4] = ["astronaut", "coffee", "flower", "pagoda"];

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// No editor and no search: it only judges.
const RECIPE: &str = "version: 1\nrewards: [{model: {photometric: {}}}]\ncurate: {columns: {keep: [licence]}}\n";

/// A folder of its own for one test, with pictures, a recipe and a data set.
struct Desk(tempfile::TempDir);

impl Desk {
    /// Each photograph, made brighter well, hardly, and not at all: two edited pictures in one row, one in the next.
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        let mut lines = String::new();
        for name in PHOTOS {
            let path = format!("{}/examples/photos/{name}.jpg", env!("CARGO_MANIFEST_DIR"));
            let photo = image::open(path).unwrap().resize(96, 96, image::imageops::FilterType::Triangle);
            photo.save(desk.path(&format!("{name}.png"))).unwrap();
            photo.brighten(40).save(desk.path(&format!("{name}-bright.png"))).unwrap();
            photo.brighten(2).save(desk.path(&format!("{name}-hardly.png"))).unwrap();
            photo.brighten(-60).save(desk.path(&format!("{name}-dark.png"))).unwrap();
            let row = |edited: Value| json!({"id": name, "source": format!("{name}.png"), "instruction": "make it brighter", "edited": edited, "licence": "CC0"});
            for edited in
                [json!([format!("{name}-bright.png"), format!("{name}-hardly.png")]), json!(format!("{name}-dark.png"))]
            {
                lines += &row(edited).to_string();
                lines += "\n";
            }
        }
        desk.write("rows.jsonl", &lines);
        desk.write("recipe.yaml", RECIPE);
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_editscale"));
        command.arg("curate").args(words.split(' ')).current_dir(self.0.path()).stdin(Stdio::null());
        command.env_remove("RUST_LOG");
        if !words.contains("--recipe") {
            command.args(["--recipe", "recipe.yaml"]);
        }
        command
    }

    /// Runs and expects an exit code; hands out stdout and stderr.
    fn expect(&self, code: i32, words: &str) -> (String, String) {
        said(code, self.command(words).output().unwrap(), words)
    }

    fn records(&self, out: &str) -> Vec<Record> {
        ScoreFiles::find(&self.path(out)).unwrap().records().collect::<Result<_, _>>().unwrap()
    }

    /// The bytes of all files of scores.
    fn scores(&self, out: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let files = fs::read_dir(self.path(out).join("scores")).unwrap().map(|entry| entry.unwrap().path());
        files.map(|path| (path.file_name().unwrap().into(), fs::read(&path).unwrap())).collect()
    }
}

#[test]
fn photographs_are_scored_with_everything_that_is_known_of_them() {
    let desk = Desk::new();
    let (out, err) = desk.expect(0, "rows.jsonl --out out --json");
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["state"], "finished", "{out}\n{err}");
    assert_eq!((&told["scores"]["rows"], &told["scores"]["records"]), (&json!(8), &json!(12)));
    let records = desk.records("out");
    assert_eq!(records.len(), 12);
    for of_photo in records.chunks(3) {
        let score = |place: usize| of_photo[place].score.unwrap();
        assert!(score(0) > score(1) && score(0) > score(2), "brighter is better: {of_photo:?}");
        for record in of_photo {
            assert_eq!((record.extra["licence"].as_str(), record.failure.as_deref()), (Some("CC0"), None));
            assert!(record.said.contains_key("photometric") && record.said.contains_key("photometric.preservation"));
            assert_eq!(record.source.as_ref().unwrap().width.max(record.source.as_ref().unwrap().height), 96);
        }
    }
    // Once more there is nothing to do, and another choice scores nothing again.
    let before = desk.scores("out");
    desk.write(
        "recipe.yaml",
        &RECIPE.replace("keep: [licence]}", "keep: [licence]}, kappa: 1, without_sigma: certain"),
    );
    let (out, err) = desk.expect(0, "rows.jsonl --out out");
    assert_eq!((out.trim(), desk.scores("out")), ("out", before), "{err}");
}

#[test]
fn a_process_that_is_killed_is_gone_on_with_to_the_same_bytes() {
    let desk = Desk::new();
    desk.expect(0, "rows.jsonl --out whole --rows-together 2");
    let words = "rows.jsonl --out out --rows-together 2 --blocks-at-once 1 --lease-secs 1 --grace-secs 0";
    for round in 0..6_u64 {
        let mut child = desk.command(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(30 * round) && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().ok();
        child.wait().unwrap();
    }
    let begun = Instant::now();
    desk.expect(0, words);
    assert!(begun.elapsed() < PATIENCE);
    assert_eq!(desk.scores("whole"), desk.scores("out"));
}

#[test]
fn shares_are_scored_by_processes_of_their_own() {
    let desk = Desk::new();
    let share = |index: u32| format!("rows.jsonl --out out --rows-together 2 --shard {index}/2");
    let (_, err) = desk.expect(0, &share(1));
    assert!(err.contains("the other shares are not scored yet"), "{err}");
    let (_, err) = desk.expect(0, &share(0));
    assert!(!err.contains("not scored yet"), "{err}");
    desk.expect(0, "rows.jsonl --out whole");
    assert_eq!(desk.records("out"), desk.records("whole"));
}

#[test]
fn what_cannot_be_is_told_before_anything_is_written() {
    let desk = Desk::new();
    desk.write("ranks.yaml", "version: 1\nrewards: [{model: {photometric: {}}}]\ncombine: {mean_rank: {}}\n");
    desk.write(
        "other.yaml",
        "version: 1\nrewards: [{name: mine, model: {photometric: {}}}]\ncurate: {columns: {keep: [licence]}}\n",
    );
    desk.expect(0, "rows.jsonl --out out");
    for (words, expected) in [
        ("missing.jsonl --out none", "missing.jsonl"),
        ("rows.jsonl --out none --recipe ranks.yaml", "expected one whose numbers compare between calls"),
        ("rows.jsonl --out none --queue redis://x", "expected `sqlite` or nats://HOST:PORT"),
        ("rows.jsonl --out none --shard 3/2", "--shard 3/2"),
        ("rows.jsonl --out out --recipe other.yaml", "holds scores of something else: the rewards of the recipe"),
        ("rows.jsonl --out out --rows-together 3", "the number of rows of a block was `64`, here it is `3`"),
    ] {
        let (_, err) = desk.expect(2, words);
        assert!(err.contains(expected), "{words}: {err}");
        assert!(!Path::new(&desk.path("none")).exists(), "{words}");
    }
}

#[test]
fn a_data_set_of_which_nothing_can_be_scored_is_a_failure_that_says_why() {
    let desk = Desk::new();
    desk.write("bad.jsonl", "{\"source\": \"nowhere.png\", \"edited\": \"coffee.png\", \"instruction\": \"x\"}\n");
    let (_, err) = desk.expect(1, "bad.jsonl --out out --recipe quickstart");
    assert!(err.contains("no edited picture has a score") && err.contains("nowhere.png"), "{err}");
    assert_eq!(desk.records("out").len(), 1);
}

/// One process lists, two judge, one writes.
#[test]
fn processes_of_different_roles_work_together() {
    let desk = Desk::new();
    desk.expect(0, "rows.jsonl --out whole --rows-together 1");
    let words = |role: &str| format!("rows.jsonl --out out --rows-together 1 --role {role}");
    let start = |role: &str| desk.command(&words(role)).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut children = [start("export"), start("work"), start("feed"), start("work")];
    let begun = Instant::now();
    for child in &mut children {
        let ended = loop {
            if let Some(ended) = child.try_wait().unwrap() {
                break ended;
            }
            assert!(begun.elapsed() < PATIENCE, "a process does not come to an end");
            std::thread::sleep(Duration::from_millis(10));
        };
        assert_eq!(ended.code(), Some(0));
    }
    assert_eq!(desk.scores("whole"), desk.scores("out"));
}

/// Folders that hold scores and nothing of what made them, and folders that hold other things.
#[test]
fn what_is_there_is_chosen_from_or_left_alone() {
    let desk = Desk::new();
    desk.expect(0, "rows.jsonl --out out");
    let scores = desk.scores("out");
    for gone in ["state", "depot"] {
        fs::remove_dir_all(desk.path("out").join(gone)).unwrap();
    }
    desk.expect(0, "rows.jsonl --out out");
    assert_eq!(desk.scores("out"), scores, "nothing is scored again");
    // A file that is gone is made again.
    fs::remove_file(desk.path("out/scores/scores-00000.parquet")).unwrap();
    desk.expect(0, "rows.jsonl --out out");
    assert_eq!(desk.scores("out"), scores);
    // Scores of another recipe are not taken for those of this one.
    desk.write("sharper.yaml", "version: 1\nrewards: [{name: mine, model: {photometric: {}}}]\n");
    fs::create_dir_all(desk.path("foreign/scores")).unwrap();
    for (name, bytes) in &scores {
        fs::write(desk.path("foreign/scores").join(name), bytes).unwrap();
    }
    let (_, err) = desk.expect(2, "rows.jsonl --out foreign --recipe sharper.yaml");
    assert!(err.contains("scores of another data set or of other rewards"), "{err}");
    // What somebody else called so is theirs.
    fs::create_dir_all(desk.path("theirs/choice")).unwrap();
    desk.write("theirs/choice/notes.txt", "mine");
    let (_, err) = desk.expect(2, "rows.jsonl --out theirs");
    assert!(err.contains("choice was not written by `editscale curate`"), "{err}");
    assert_eq!(fs::read_to_string(desk.path("theirs/choice/notes.txt")).unwrap(), "mine");
    let (_, err) = desk.expect(2, "out/choice/kept/rows.jsonl --out out");
    assert!(err.contains("lies where the choice of --out out is put"), "{err}");
    assert!(desk.path("out/choice/kept/rows.jsonl").is_file());
}

#[test]
fn whoever_meets_another_that_chooses_is_to_come_again() {
    let desk = Desk::new();
    desk.expect(0, "rows.jsonl --out out");
    let other = ChoiceFolder::begin(&desk.path("out")).unwrap();
    let (_, err) = desk.expect(75, "rows.jsonl --out out");
    assert!(err.contains("another process chooses"), "{err}");
    drop(other);
    desk.expect(0, "rows.jsonl --out out");
}
