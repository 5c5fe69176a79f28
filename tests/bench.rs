//! `editscale bench parity` as people use it: what it compares, names and refuses.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use editscale_testkit::said;
use serde_json::Value;

const PHOTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/photos/coffee.jpg");

/// A folder with a source, brighter and darker versions of it, and pairs that name them.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        let source = image::open(PHOTO).unwrap().resize(64, 64, image::imageops::FilterType::Triangle);
        fs::create_dir(desk.path("pictures")).unwrap();
        for (name, by) in [("a.png", 0), ("b.png", 15), ("c.png", 40), ("d.png", -30)] {
            source.brighten(by).save(desk.path("pictures").join(name)).unwrap();
        }
        let line = |edited: &str| {
            format!(r#"{{"source": "pictures/a.png", "edited": "{edited}", "instruction": "make it brighter"}}"#)
        };
        let edited = ["pictures/b.png", "pictures/c.png", "pictures/d.png", "pictures/nowhere.png"];
        fs::write(desk.path("pairs.jsonl"), edited.map(|edited| line(edited) + "\n").concat()).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs and expects an exit code; hands out stdout and stderr.
    fn expect(&self, code: i32, arguments: &[&str]) -> (String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_editscale"));
        let output = command.args(["bench", "parity"]).args(arguments).current_dir(self.0.path()).output().unwrap();
        said(code, output, arguments)
    }
}

const SAME: [&str; 4] = ["--reference", "quickstart", "--native", "quickstart"];

#[test]
fn a_folder_needs_two_pictures() {
    let desk = Desk::new();
    fs::create_dir(desk.path("few")).unwrap();
    let few = [&SAME[..], &["--pairs", "few", "--instruction", "make it brighter"]].concat();
    assert!(desk.expect(2, &few).1.contains("there are no pictures in few"));
    fs::copy(desk.path("pictures/a.png"), desk.path("few/a.png")).unwrap();
    assert!(desk.expect(2, &few).1.contains("there is one picture in few: expected at least 2"));
    fs::copy(desk.path("pictures/b.png"), desk.path("few/b.png")).unwrap();
    assert!(desk.expect(0, &few).0.starts_with("1 pairs\n"));
}

#[test]
fn one_revision_with_two_scores_is_warned_of() {
    let desk = Desk::new();
    let recipe = |name: &str, score: &str| {
        let reward = format!("{{command: {{run: 'echo {score}', revision: mine/1}}}}");
        fs::write(desk.path(name), format!("version: 1\nrewards: [{{model: {reward}}}]\n")).unwrap();
    };
    recipe("one.yaml", "0.25");
    recipe("other.yaml", "0.5");
    let two = ["--reference", "one.yaml", "--native", "other.yaml", "--pairs", "pictures"];
    let (out, _) = desk.expect(0, &two);
    assert!(out.contains("warning: both have one revision and score differently"), "{out}");
    let (json, _) = desk.expect(0, &[&two[..], &["--json"]].concat());
    let found: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(found["rewards"][0]["same_revision_differs"], true);
    let (json, _) =
        desk.expect(0, &[&SAME[..], &["--pairs", "pictures", "--instruction", "make it brighter", "--json"]].concat());
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["rewards"][0]["same_revision_differs"], false);
}

#[test]
fn a_reward_agrees_with_itself() {
    let desk = Desk::new();
    let arguments = [&SAME[..], &["--pairs", "pairs.jsonl", "--at-most", "0", "--json", "--rounds", "2"]].concat();
    let found: Value = serde_json::from_str(&desk.expect(0, &arguments).0).unwrap();
    assert_eq!((&found["pairs"], &found["largest"]), (&4.into(), &0.0.into()), "{found:#}");
    assert_eq!(found["unreadable"].as_array().unwrap().len(), 1);
    let reward = &found["rewards"][0];
    assert_eq!(reward["score"]["pairs"], 3);
    assert_eq!(reward["score"]["spearman"], 1.0);
    assert_eq!(reward["score"]["order"]["agreement"], 1.0);
    assert_eq!(reward["worst"].as_array().unwrap().len(), 0);
    let sizes: Vec<u64> = reward["native"]["speed"]["secs_per_pair"]
        .as_array()
        .unwrap()
        .iter()
        .map(|batch| batch["batch"].as_u64().unwrap())
        .collect();
    assert_eq!(sizes.first(), Some(&1));
}

#[test]
fn what_it_prints_is_documented() {
    let desk = Desk::new();
    let arguments = [&SAME[..], &["--pairs", "pairs.jsonl", "--json", "--rounds", "1"]].concat();
    let found: Value = serde_json::from_str(&desk.expect(0, &arguments).0).unwrap();
    let documented = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.md")).unwrap();
    let places =
        ["", "/unreadable/0", "/rewards/0", "/rewards/0/score", "/rewards/0/score/order", "/rewards/0/reference"];
    for place in places.into_iter().chain(["/rewards/0/reference/speed", "/rewards/0/reference/speed/secs_per_pair/0"])
    {
        let object = found.pointer(place).and_then(Value::as_object);
        for key in object.unwrap_or_else(|| panic!("there is no {place}: {found:#}")).keys() {
            assert!(documented.contains(&format!("`{key}`")), "`{key}` is not documented");
        }
    }
}

#[test]
fn two_rewards_that_differ_are_told_apart() {
    let desk = Desk::new();
    let two = ["--reference", "quickstart", "--native", "quickstart-judge", "--rounds", "1"];
    let two = [&two[..], &["--instruction", "make it brighter"]].concat();
    let (out, _) = desk.expect(1, &[&two[..], &["--pairs", "pictures", "--at-most", "0.001"]].concat());
    assert!(out.contains("photometric and editreward"), "{out}");
    assert!(out.contains("apart by") && out.contains("failed: the largest difference is"), "{out}");
    let (out, _) = desk.expect(0, &[&two[..], &["--pairs", "pictures"]].concat());
    assert!(out.starts_with("3 pairs\n"), "{out}");
}

#[test]
fn a_pair_that_one_side_cannot_score_is_no_parity() {
    let desk = Desk::new();
    let recipe = |name: &str, run: &str| {
        let reward = format!("{{command: {{run: '{run}', revision: mine/1}}}}");
        fs::write(desk.path(name), format!("version: 1\nrewards: [{{model: {reward}}}]\n")).unwrap();
    };
    recipe("all.yaml", "echo 0.25");
    let once = desk.path("once").display().to_string();
    // It scores the first pair that it is asked about.
    recipe("some.yaml", &format!("mkdir {once} && echo 0.25"));
    let two = ["--reference", "all.yaml", "--native", "some.yaml", "--pairs", "pictures", "--rounds", "0"];
    let (json, _) = desk.expect(1, &[&two[..], &["--at-most", "0", "--json"]].concat());
    let found: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&found["largest"], &found["passed"]), (&0.0.into(), &false.into()), "{found:#}");
    fs::remove_dir(desk.path("once")).unwrap();
    let (out, _) = desk.expect(1, &[&two[..], &["--at-most", "0"]].concat());
    assert!(out.contains("failed: 2 scores of one side only"), "{out}");
    fs::remove_dir(desk.path("once")).unwrap();
    desk.expect(0, &two);
}

#[test]
fn what_cannot_be_compared_is_refused_or_named() {
    let desk = Desk::new();
    let (out, _) = desk.expect(0, &[&SAME[..], &["--pairs", "pairs.jsonl", "--rounds", "0"]].concat());
    assert!(out.contains("cannot be read: pictures/a.png → pictures/nowhere.png"), "{out}");
    for pairs in ["nowhere.jsonl", "."] {
        desk.expect(2, &[&SAME[..], &["--pairs", pairs]].concat());
    }
    desk.expect(2, &["--reference", "quickstart", "--native", "no-such-recipe", "--pairs", "pairs.jsonl"]);
    fs::write(desk.path("none.jsonl"), "").unwrap();
    let (out, _) = desk.expect(1, &[&SAME[..], &["--pairs", "none.jsonl"]].concat());
    assert!(out.contains("no pair was scored by both"), "{out}");
}
