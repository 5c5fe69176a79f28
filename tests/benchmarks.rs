//! `editscale bench` as people use it: edits of photographs at several levels of quality, whose order is known, judged by
//! `photometric`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use editscale_testkit::said;
use serde_json::{Value, json};

const PHOTOS: [&str; 4] = ["astronaut", "coffee", "flower", "pagoda"];
/// Edits by "make it brighter", the best first, and by how much they brighten.
const LEVELS: [(&str, i32); 3] = [("right", 24), ("same", 0), ("wrong", -24)];

/// A folder with small versions of photographs and their edits.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        fs::create_dir(desk.path("pictures")).unwrap();
        for photo in PHOTOS {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/photos/{photo}.jpg"));
            let source = image::open(path).unwrap().resize(96, 96, image::imageops::FilterType::Triangle);
            source.save(desk.path(&format!("pictures/{photo}.png"))).unwrap();
            for (level, by) in LEVELS {
                source.brighten(by).save(desk.path(&picture(photo, level))).unwrap();
            }
        }
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Runs `bench` and expects an exit code; hands out stdout and stderr.
    fn expect(&self, code: i32, arguments: &[&str]) -> (String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_editscale"));
        let output = command.arg("bench").args(arguments).current_dir(self.0.path()).output().unwrap();
        said(code, output, arguments)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let all = [arguments, &["--json", "--resamples", "50"]].concat();
        serde_json::from_str(&self.expect(0, &all).0).unwrap()
    }

    /// Groups of two and three as the published script reads them. People agree with the levels but for one group of two.
    fn groups(&self) {
        let group = |photo: &str, levels: &[&str], ranking: &str| {
            let paths: Vec<String> = levels.iter().map(|level| format!("../{}", picture(photo, level))).collect();
            let source = format!("../pictures/{photo}.png");
            json!({
                "prompt": "make it brighter", "path_src": source, "paths_generated": paths, "human_vote": {"ranking": ranking},
            })
        };
        let two = PHOTOS.map(|photo| group(photo, &["right", "wrong"], if photo == "pagoda" { "B>A" } else { "A>B" }));
        let three = PHOTOS.map(|photo| group(photo, &["wrong", "right", "same"], "B>C>A"));
        self.write("bench/EditReward_Bench_2pair.json", &json!(two).to_string());
        self.write("bench/EditReward_Bench_3pair.json", &json!(three).to_string());
    }
}

fn picture(photo: &str, level: &str) -> String {
    format!("pictures/{photo}-{level}.png")
}

/// Every key of what was printed stands in its section of docs/json.md.
fn check_documented(command: &str, printed: &Value) {
    fn missing(value: &Value, section: &str) -> Vec<String> {
        let fields = || value.as_object().into_iter().flatten();
        let inner = value.as_array().into_iter().flatten().chain(fields().map(|(_, inner)| inner));
        let own = fields().map(|(key, _)| key);
        let own = own.filter(|key| !section.contains(&format!("`{key}`"))).cloned();
        own.chain(inner.flat_map(|inner| missing(inner, section))).collect()
    }
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.md")).unwrap();
    let heading = format!("## `editscale bench {command} --json`");
    let section = page.split(&heading).nth(1).unwrap().split("\n## ").next().unwrap();
    let missing = missing(printed, section);
    assert!(missing.is_empty(), "docs/json.md has no {missing:?} of `bench {command}`");
}

/// The value of a metric of the score of the whole.
fn value(found: &Value, section: &str, metric: &str, side: &str) -> f64 {
    let sections = found["judges"][0]["sections"].as_array().unwrap();
    let section = sections.iter().find(|each| each["name"] == section);
    let section = section.unwrap_or_else(|| panic!("no section in {found:#}"));
    let metrics = section["metrics"].as_array().unwrap();
    let metric = metrics.iter().find(|each| each["name"] == metric);
    let metric = metric.unwrap_or_else(|| panic!("no metric in {section:#}"));
    metric[side]["value"].as_f64().unwrap_or_else(|| panic!("no value in {metric:#}"))
}

#[test]
fn groups_of_known_order_give_known_numbers() {
    let desk = Desk::new();
    desk.groups();
    let arguments = ["editreward-bench", "bench", "--recipe", "quickstart", "--out", "out"];
    let found = desk.json(&arguments);
    assert_eq!((&found["coverage"]["cases"], &found["coverage"]["judged"]), (&json!(8), &json!(8)), "{found:#}");
    for side in ["published", "right"] {
        // Three of four groups of two, and all groups of three.
        assert!((value(&found, "2 candidates", "strict_accuracy", side) - 0.75).abs() < 1e-9, "{side}");
        assert!((value(&found, "3 candidates", "strict_accuracy", side) - 1.0).abs() < 1e-9, "{side}");
    }
    assert_eq!(found["data"]["unreadable"]["count"], 0);
    let judged = fs::read_to_string(desk.path("out/judged.jsonl")).unwrap();
    assert_eq!(judged.lines().count(), 8);
    // An edit that two groups share is judged once.
    let timed = judged.matches("\"seconds\":").count();
    assert_eq!(timed, 12, "{judged}");
    for name in ["bench.json", "report.html", "judged.jsonl.judge.json"] {
        assert!(desk.path("out").join(name).is_file(), "{name}");
    }

    // A last line that was cut off is judged again, and all others are taken over.
    fs::write(desk.path("out/judged.jsonl"), &judged[..judged.len() - 20]).unwrap();
    let (_, told) = desk.expect(0, &arguments);
    assert!(told.contains("7 cases are judged already"), "{told}");
    assert_eq!(fs::read_to_string(desk.path("out/judged.jsonl")).unwrap().lines().count(), 8);
    // Measured again without judging: the same numbers.
    let again = desk.json(&["measure", "out"]);
    for what in ["judges", "coverage", "data"] {
        assert_eq!(again[what], found[what], "{what}");
    }
    // Another judge does not go on with it.
    let other = ["editreward-bench", "bench", "--recipe", "quickstart-judge", "--out", "out"];
    let (_, refused) = desk.expect(2, &other);
    assert!(refused.contains("was begun with another judge: rewards: expected photometric"), "{refused}");
    let (table, _) = desk.expect(0, &["measure", "out", "--resamples", "50"]);
    assert!(table.contains("strict_accuracy"), "{table}");
    // What is measured before all is judged is told to be less than all.
    let first: Vec<&str> = judged.split_inclusive('\n').take(5).collect();
    fs::write(desk.path("out/judged.jsonl"), first.concat()).unwrap();
    for _ in 0..2 {
        let (_, told) = desk.expect(0, &["measure", "out", "--resamples", "50"]);
        assert!(told.contains("not judged to the end: the 5 cases that are judged are measured"), "{told}");
    }
}

#[test]
fn pairs_that_share_pictures_are_refused_on_request() {
    let desk = Desk::new();
    let mut rows = String::from("source,instruction,edited_a,edited_b,preference\n");
    for photo in PHOTOS {
        let (right, wrong) = (picture(photo, "right"), picture(photo, "wrong"));
        writeln!(rows, "pictures/{photo}.png,make it brighter,{wrong},{right},b").unwrap();
        writeln!(rows, "pictures/{photo}.png,make it brighter,{right},pictures/nowhere.png,a").unwrap();
    }
    rows += "pictures/coffee.png,make it brighter,pictures/coffee-same.png,pictures/coffee-wrong.png,perhaps\n";
    desk.write("pairs.csv", &rows);
    desk.write("other.csv", "source,instruction,edited\npictures/coffee.png,make it darker,pictures/coffee-same.png\n");
    let arguments = ["pairs", "pairs.csv", "--recipe", "quickstart", "--out", "out", "--against", "other.csv"];
    let found = desk.json(&arguments);
    assert_eq!((&found["coverage"]["cases"], &found["coverage"]["judged"]), (&json!(8), &json!(4)), "{found:#}");
    assert_eq!(found["data"]["unreadable"]["count"], 1);
    let problem = found["data"]["unreadable"]["rows"][0]["place"].as_str().unwrap();
    assert!(problem.contains("pairs.csv") && problem.contains("line 10"), "{problem}");
    let shared = found["shared"]["pictures"].as_array().unwrap();
    assert!(shared.iter().any(|each| each["is_same_file"] == true), "{shared:#?}");
    assert!(shared.iter().all(|each| each["data"].as_str().unwrap().contains("other.csv")), "{shared:#?}");
    let (_, refused) = desk.expect(1, &[&arguments[..], &["--refuse-shared", "--resamples", "50"]].concat());
    assert!(refused.contains("shares pictures"), "{refused}");

    let again = desk.json(&["measure", "out"]);
    assert_eq!((&again["data"], &again["shared"]), (&found["data"], &found["shared"]));

    let agreement = desk.json(&["agreement", "out", "out"]);
    check_documented("agreement", &agreement);
    assert!((agreement["pairs"]["observed"].as_f64().unwrap() - 1.0).abs() < 1e-9, "{agreement:#}");
    let recipes = ["agreement", "out", "quickstart", "--preset", "pairs", "--data", "pairs.csv"];
    let agreement = desk.json(&recipes);
    assert!((agreement["pairs"]["observed"].as_f64().unwrap() - 1.0).abs() < 1e-9, "{agreement:#}");
    // Cases of another benchmark have the same names and nothing else in common.
    fs::create_dir(desk.path("other")).unwrap();
    fs::copy(desk.path("out/judged.jsonl"), desk.path("other/judged.jsonl")).unwrap();
    let head = fs::read_to_string(desk.path("out/judged.jsonl.judge.json")).unwrap();
    desk.write("other/judged.jsonl.judge.json", &head.replace("\"pairs\"", "\"genai-bench\""));
    let (_, refused) = desk.expect(2, &["agreement", "out", "other"]);
    assert!(refused.contains("the judges judged different benchmarks: pairs and genai-bench"), "{refused}");
}

/// Judging hears signals; so must all that comes after it.
#[cfg(unix)]
#[test]
fn two_signals_end_it_when_all_is_judged() {
    let desk = Desk::new();
    let mut rows = String::from("source,instruction,edited_a,edited_b,preference\n");
    for photo in PHOTOS.into_iter().cycle().take(60) {
        let [a, b] = ["right", "wrong"].map(|level| picture(photo, level));
        writeln!(rows, "pictures/{photo}.png,make it brighter,{a},{b},a").unwrap();
    }
    desk.write("pairs.csv", &rows);
    let mut command = Command::new(env!("CARGO_BIN_EXE_editscale"));
    command.args(["bench", "pairs", "pairs.csv", "--recipe", "quickstart", "--out", "out", "--resamples", "1000000"]);
    let mut child = command.current_dir(desk.0.path()).stderr(Stdio::piped()).spawn().unwrap();
    let judged = || fs::read_to_string(desk.path("out/judged.jsonl")).map_or(0, |text| text.lines().count());
    while judged() < 60 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it had judged");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let id = child.id().to_string();
    let kill = |signal: &str| assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    kill("-INT");
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap() == "stopping; once more to end at once"));
    kill("-TERM");
    assert_eq!(said.next().unwrap().unwrap(), "ended: the same command goes on");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn ratings_make_a_calibration_that_a_recipe_takes() {
    let desk = Desk::new();
    let mut rows = String::from("source,instruction,edited,rating,model\n");
    for photo in PHOTOS {
        for ((level, _), rating) in LEVELS.iter().zip([5, 2, 1]) {
            writeln!(rows, "pictures/{photo}.png,make it brighter,{},{rating},{level}", picture(photo, level)).unwrap();
        }
    }
    desk.write("ratings.csv", &rows);
    let found = desk.json(&["ratings", "ratings.csv", "--recipe", "quickstart", "--out", "out"]);
    assert_eq!(found["coverage"]["scored"], 12);
    let fit = desk.json(&["calibrate", "out", "-o", "calibration.json"]);
    assert_eq!((&fit["reward"], &fit["fit"]["edits"]), (&json!("photometric"), &json!(12)), "{fit:#}");
    check_documented("calibrate", &fit);
    let (_, refused) = desk.expect(2, &["calibrate", "out", "-o", "calibration.json"]);
    assert!(refused.contains("exists"), "{refused}");
    desk.write("recipe.yaml", "version: 1\nrewards:\n  - {model: {photometric: {}}, calibration: calibration.json}\n");
    let arguments = ["ratings", "ratings.csv", "--recipe", "recipe.yaml", "--out", "calibrated"];
    desk.json(&arguments);
    let judged = fs::read_to_string(desk.path("calibrated/judged.jsonl")).unwrap();
    for line in judged.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let score = case["candidates"][0]["score"].as_f64().unwrap();
        assert!((1.0..=5.0).contains(&score), "{line}");
    }
}

#[test]
fn a_curation_is_compared_by_what_it_kept() {
    let desk = Desk::new();
    let mut rows = String::from("vorher,auftrag,nachher\n");
    for (photo, (level, _)) in PHOTOS.iter().flat_map(|photo| LEVELS.iter().map(move |level| (photo, level))) {
        writeln!(rows, "pictures/{photo}.png,make it brighter,{}", picture(photo, level)).unwrap();
    }
    desk.write("edits.csv", &rows);
    let columns = "columns: {source: vorher, instruction: auftrag, edited: [nachher]}";
    desk.write(
        "recipe.yaml",
        &format!("version: 1\nrewards: [{{model: {{photometric: {{}}}}}}]\ncurate: {{{columns}, keep: {{top: 3}}}}\n"),
    );
    let mut curate = Command::new(env!("CARGO_BIN_EXE_editscale"));
    let curate = curate.args(["curate", "edits.csv", "--recipe", "recipe.yaml", "--out", "kept"]);
    let output = curate.current_dir(desk.0.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let pairs = "source,instruction,edited_a,edited_b,preference\n";
    let row = |photo: &&str| {
        format!("pictures/{photo}.png,make it brighter,{},{},b\n", picture(photo, "wrong"), picture(photo, "right"))
    };
    desk.write("pairs.csv", &(pairs.to_owned() + &PHOTOS.iter().map(row).collect::<String>()));
    let against = |path: &str, more: &[&str]| {
        let arguments =
            ["pairs", "pairs.csv", "--recipe", "quickstart", "--out", "out", "--near", "0", "--against", path];
        desk.json(&[&arguments[..], more].concat())["shared"].clone()
    };
    let kept = against("kept", &[]);
    let place = &kept["against"][0];
    assert_eq!(place["looked_at"], "what its last choice kept, 3 of 12 edits", "{kept:#}");
    assert!(place["pictures"].as_u64().unwrap() <= 6, "{kept:#}");
    // The subset has the data set's own columns, which the recipe beside it names.
    let subset = against("kept/choice/kept", &[]);
    let file = against("kept/choice/kept/edits.csv", &[]);
    assert_eq!(file["count"], subset["count"], "{file:#}");
    assert_eq!(subset["against"][0]["pictures"], place["pictures"], "{subset:#}");
    assert_eq!(subset["count"], kept["count"], "{subset:#}");
    fs::remove_dir_all(desk.path("kept/choice")).unwrap();
    let all = against("kept", &[]);
    assert_eq!(
        all["against"][0]["looked_at"], "all 12 edits that were scored, since nothing is chosen there",
        "{all:#}"
    );
    // Columns of other names have to be said, and the hint says how.
    let arguments = ["pairs", "pairs.csv", "--recipe", "quickstart", "--out", "out", "--against", "edits.csv"];
    let (_, told) = desk.expect(2, &arguments);
    assert!(told.contains("--against-column source=NAME") && !told.contains("Say in the recipe"), "{told}");
    let names = ["source=vorher", "instruction=auftrag", "edited=nachher"].map(|name| ["--against-column", name]);
    assert_eq!(against("edits.csv", &names.concat())["count"], all["count"]);
}

#[test]
fn what_is_not_there_says_where_to_get_it() {
    let desk = Desk::new();
    for (preset, words) in [
        ("editreward-bench", "hf download TIGER-Lab/EditReward-Bench --repo-type dataset"),
        ("genai-bench", "hf download TIGER-Lab/GenAI-Bench --repo-type dataset"),
        ("aurora-bench", "https://github.com/McGill-NLP/AURORA"),
        ("imagenhub", "https://chromaica.github.io/Museum/ImagenHub_Text-Guided_IE"),
        ("pairs", "edited_a, edited_b and preference"),
        ("ratings", "source, instruction, edited and rating"),
    ] {
        let (_, told) = desk.expect(2, &[preset, "nowhere", "--recipe", "quickstart"]);
        assert!(told.contains(words), "expected `{words}` in {told}");
    }
    desk.groups();
    let (_, told) = desk.expect(2, &["position", "editreward-bench", "bench", "--recipe", "quickstart"]);
    assert!(told.contains("judge every edit by itself"), "{told}");
    let (_, told) = desk.expect(2, &["editreward-bench", "bench", "--recipe", "quickstart", "--reward", "x"]);
    assert!(told.contains("the recipe has no reward `x`"), "{told}");
    let (_, told) = desk.expect(2, &["pairs", "bench", "--recipe", "quickstart", "--column", "who=x"]);
    assert!(told.contains("there is no part `who`"), "{told}");
    let (_, told) = desk.expect(2, &["calibrate", "bench", "-o", "x.json"]);
    assert!(told.contains("judged.jsonl.judge.json"), "{told}");
}
