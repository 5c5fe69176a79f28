//! `editscale pool` as people use it: one budget for many pictures, and what is killed goes on.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

const RECIPE: &str = "\
version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 9, round: 3}}
";

/// A folder of its own with small photographs, a recipe, and a data set whose third row has no picture.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        let photos = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/photos");
        for name in ["coffee", "pagoda", "flower"] {
            let photo = image::open(photos.join(format!("{name}.jpg"))).unwrap();
            photo.thumbnail(160, 160).save(desk.path(&format!("{name}.png"))).unwrap();
        }
        let row = |source: &str, instruction: &str| json!({"source": source, "instruction": instruction}).to_string();
        let rows = [
            row("coffee.png", "slightly warmer, and much more contrast in the shadows"),
            row("pagoda.png", "make it brighter"),
            row("gone.png", "make it brighter"),
            row("flower.png", "make the colours more muted, and darken the background"),
        ];
        fs::write(desk.path("rows.jsonl"), rows.join("\n") + "\n").unwrap();
        fs::write(desk.path("recipe.yaml"), RECIPE).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn pool(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_editscale"));
        command.current_dir(self.0.path()).args(["pool", "rows.jsonl", "--recipe", "recipe.yaml"]).args(arguments);
        command.env_remove("RUST_LOG").output().unwrap()
    }

    /// What a pool says as JSON, and its lines a request.
    fn finish(&self, out: &str, more: &[&str]) -> (Value, Vec<Value>) {
        let output = self.pool(&[&["--edits", "20", "--probe", "3", "--out", out, "--json"], more].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines = fs::read_to_string(self.path(out).join("results.jsonl")).unwrap();
        let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (serde_json::from_slice(&output.stdout).unwrap(), lines)
    }
}

fn journal(run: &Path) -> Vec<u8> {
    fs::read(run.join("journal.jsonl")).unwrap()
}

#[test]
fn a_pool_is_split_after_a_probe_and_nothing_is_made_twice() {
    let desk = Desk::new();
    let (said, lines) = desk.finish("pool", &[]);
    assert_eq!((&said["state"], &said["rows"]), (&json!("finished"), &json!({"done": 3, "failed": 0, "skipped": 1})));
    assert!(lines[2]["skipped"].as_str().unwrap().contains("gone.png"), "{}", lines[2]);
    let edits: Vec<u64> = [0, 1, 3].map(|row: usize| lines[row]["edits"].as_u64().unwrap()).to_vec();
    assert!(edits.iter().all(|edits| (3..=9).contains(edits)), "{edits:?}");
    assert_eq!((edits.iter().sum::<u64>(), &said["edits"]), (20, &json!(20)), "the whole pool is spent");
    for row in [0, 1, 3] {
        let run = desk.path("pool").join(lines[row]["run"].as_str().unwrap());
        assert!(run.join(lines[row]["image"].as_str().unwrap()).is_file(), "{}", lines[row]);
        assert!(run.join("report.html").is_file() && run.join("best.png").is_file(), "{}", lines[row]);
        let journal = String::from_utf8(journal(&run)).unwrap();
        let made = journal.lines().filter(|line| line.contains("\"event\":\"edited\"")).count();
        assert_eq!(made as u64, lines[row]["edits"].as_u64().unwrap(), "each candidate is made once");
    }
    let page = fs::read_to_string(desk.path("pool/pool.html")).unwrap();
    for part in ["20 of 20", "href=\"runs/00000000/report.html\"", "href=\"runs/00000000/best.png\"", "gone.png"] {
        assert!(page.contains(part), "{part}");
    }
    // Again, it is all there; elsewhere, one after the other, it is the same.
    let run = desk.path("pool/runs/00000000");
    let before = journal(&run);
    assert_eq!(desk.finish("pool", &[]).1, lines);
    assert_eq!(journal(&run), before);
    assert_eq!(desk.finish("alone", &["--at-once", "1"]).1, lines);
    let split = |out: &str| fs::read_to_string(desk.path(out).join("split.json")).unwrap();
    assert_eq!(split("pool"), split("alone"));
}

/// A process that dies after the probes, or between two requests' shares, leaves what the next one goes on from.
#[test]
fn a_pool_goes_on_from_wherever_it_was_left() {
    let desk = Desk::new();
    let (_, lines) = desk.finish("whole", &[]);
    desk.finish("cut", &[]);
    // The first request has its share, the second only its probe: as if killed in between.
    fs::remove_dir_all(desk.path("cut/runs/00000001")).unwrap();
    fs::remove_file(desk.path("cut/results.jsonl")).unwrap();
    assert_eq!(desk.finish("cut", &[]).1, lines);
    // Killed while it probed: one request is done, the others are not begun, and nothing is split.
    for path in ["cut/runs/00000000", "cut/runs/00000003"] {
        fs::remove_dir_all(desk.path(path)).unwrap();
    }
    fs::remove_file(desk.path("cut/split.json")).unwrap();
    fs::remove_dir_all(desk.path("cut/runs/00000001")).unwrap();
    assert_eq!(desk.finish("cut", &[]).1, lines);
}

/// What could not be used when the pool was split has no part of it, even where it could be used since.
#[test]
fn a_row_without_a_share_gets_none_later() {
    let desk = Desk::new();
    let (_, before) = desk.finish("pool", &[]);
    fs::copy(desk.path("coffee.png"), desk.path("gone.png")).unwrap();
    let (said, after) = desk.finish("pool", &[]);
    assert_eq!((&said["edits"], &said["rows"]["skipped"]), (&json!(20), &json!(1)));
    let why = after[2]["skipped"].as_str().unwrap();
    assert!(why.ends_with("could not be used when the pool was split, and has no share"), "{why}");
    assert_eq!([&after[0], &after[1], &after[3]], [&before[0], &before[1], &before[3]]);
}

/// Finalists are judged again once a request has all of its edits, wherever that was left.
#[test]
fn finalists_are_judged_when_the_pool_is_handed_out() {
    let desk = Desk::new();
    fs::write(desk.path("recipe.yaml"), format!("{RECIPE}finalists: {{count: 2, votes: 2}}\n")).unwrap();
    let (said, lines) = desk.finish("pool", &[]);
    assert_eq!(said["edits"], 20, "the whole pool is spent");
    let edits: Vec<u64> = [0, 1, 3].map(|row: usize| lines[row]["edits"].as_u64().unwrap()).to_vec();
    assert!(edits.iter().any(|edits| *edits > 3), "{edits:?}");
    let calls = |out: &str, row: u64| {
        let outcome = desk.path(&format!("{out}/runs/{row:08}/outcome.json"));
        serde_json::from_slice::<Value>(&fs::read(outcome).unwrap()).unwrap()["ledger"]["reward_calls"]
            .as_u64()
            .unwrap()
    };
    for (row, edits) in [0, 1, 3].into_iter().zip(edits) {
        assert_eq!(calls("pool", row), edits + 2 * 2, "row {row}");
    }
    let before = journal(&desk.path("pool/runs/00000000"));
    assert_eq!(desk.finish("pool", &[]).1, lines);
    assert_eq!(journal(&desk.path("pool/runs/00000000")), before, "what is done is not done again");
    // One that is not there any more is made again, finalists and all.
    fs::remove_dir_all(desk.path("pool/runs/00000001")).unwrap();
    assert_eq!(desk.finish("pool", &[]).1, lines);
}

/// What somebody did to a split.
type Change<'a> = &'a dyn Fn(&mut Value);

#[test]
fn a_split_that_was_changed_by_hand_is_not_more_than_the_pool() {
    let desk = Desk::new();
    desk.finish("pool", &[]);
    let file = desk.path("pool/split.json");
    let whole: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let change = |change: Change<'_>| {
        let mut changed = whole.clone();
        change(&mut changed["requests"]);
        fs::write(&file, changed.to_string()).unwrap();
        let output = desk.pool(&["--edits", "20", "--probe", "3", "--out", "pool"]);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let cases: [(&str, Change<'_>); 3] = [
        ("edits after 9 of the probes, and the pool is 20", &|split| split[0]["edits"] = json!(30)),
        ("row 0 gets 2 edits: expected 3 or more", &|split| split[0]["edits"] = json!(2)),
        ("row 0 has two shares", &|split| split[1]["row"] = json!(0)),
    ];
    for (told, by) in cases {
        let (code, said) = change(by);
        assert!(code == Some(2) && said.contains(told) && said.contains("split.json"), "{code:?} {said}");
    }
    assert_eq!(change(&|_| ()).0, Some(0));
}

#[test]
fn what_cannot_be_a_pool_is_told() {
    let desk = Desk::new();
    desk.finish("pool", &[]);
    for (arguments, expected) in [
        (["--edits", "21", "--probe", "3", "--out", "pool"], "holds a pool with another --edits"),
        (["--edits", "20", "--probe", "4", "--out", "pool"], "holds a pool with another --probe"),
        (
            ["--edits", "11", "--probe", "3", "--out", "new"],
            "--edits 11 does not reach for a probe of 3 edits of each of 4 requests",
        ),
    ] {
        let output = desk.pool(&arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(expected), "{told}");
    }
    assert!(!desk.path("new").exists(), "nothing is left of what was refused");
}

#[test]
fn what_came_to_nothing_is_told_and_what_it_left_goes_to_others() {
    let desk = Desk::new();
    let row =
        |id: &str, instruction: &str| json!({"id": id, "source": "coffee.png", "instruction": instruction}).to_string();
    let rows = [row("a", "make it brighter"), row("b", "add a dragon"), row("c", "much more contrast, and cooler")];
    fs::write(desk.path("rows.jsonl"), rows.join("\n") + "\n").unwrap();
    let output = desk.pool(&["--edits", "18", "--probe", "3", "--out", "pool", "--json"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&said["rows"], &said["edits"]), (&json!({"done": 2, "failed": 1, "skipped": 0}), &json!(18)), "{told}");
    assert!(
        told.contains("came to nothing: rows.jsonl, line 2 (`b`): ")
            && told.contains("dragon")
            && told.contains("1 of them came to nothing")
    );
    let lines = fs::read_to_string(desk.path("pool/results.jsonl")).unwrap();
    let nothing: Value = serde_json::from_str(lines.lines().nth(1).unwrap()).unwrap();
    assert_eq!(nothing["edits"], 3, "what was refused at each probe gets no more");
    assert!(nothing["why"].as_str().unwrap().contains("dragon"), "{nothing}");
    fs::write(desk.path("rows.jsonl"), rows[1].clone() + "\n").unwrap();
    let output = desk.pool(&["--edits", "3", "--probe", "3", "--out", "in vain"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && told.ends_with("error: nothing came of any request\n"), "{told}");
}

#[test]
fn what_one_search_leaves_is_split_among_those_who_used_all() {
    let desk = Desk::new();
    // Some lose patience before they have used their share.
    let recipe = RECIPE.replace("samples: 9, round: 3", "samples: 30, round: 3") + "stop: {patience: 2}\n";
    fs::write(desk.path("recipe.yaml"), recipe).unwrap();
    let (said, _) = desk.finish("pool", &[]);
    let first = fs::read(desk.path("pool/split.json")).unwrap();
    let (again, _) = desk.finish("pool", &[]);
    assert_eq!((said, first), (again, fs::read(desk.path("pool/split.json")).unwrap()), "and it stays so");
}

#[test]
fn ranks_do_not_split_a_pool() {
    let desk = Desk::new();
    let two = "[{model: {photometric: {}}}, {model: {photometric: {}}, name: other}]";
    let recipe = RECIPE.replace("[{model: {photometric: {}}}]", two) + "combine: {mean_rank: {}}\n";
    fs::write(desk.path("recipe.yaml"), recipe).unwrap();
    let output = desk.pool(&["--edits", "20", "--out", "pool"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("a pool cannot be split by `mean_rank`"), "{told}");
    assert!(!desk.path("pool").exists());
}
