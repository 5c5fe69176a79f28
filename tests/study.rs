//! `editscale study` as people use it: what it finds in runs, writes, prints and refuses.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use editscale_testkit::{copy_folder, said};
use serde_json::Value;

const PHOTOS: [(&str, &str); 4] = [
    ("astronaut", "make it brighter"),
    ("coffee", "slightly warmer, much more contrast"),
    ("flower", "darken the background"),
    ("pagoda", "turn the sky orange"),
];

/// A second reward, which no policy chooses by.
const RECIPE: &str = "
version: 1
editor: {darkroom: {}}
rewards:
  - {model: {photometric: {}}}
  - {name: kept, model: {photometric: {}}, weight: 0}
";

/// A folder with runs of two recipes over four small photographs, one of them twice, and one run that is not finished.
static DESK: LazyLock<Desk> = LazyLock::new(Desk::new);

struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        let search =
            |samples: u32, round: u32| format!("search: {{best_of_n: {{samples: {samples}, round: {round}}}}}\n");
        fs::write(desk.path("few.yaml"), format!("{RECIPE}{}", search(4, 2))).unwrap();
        fs::write(desk.path("many.yaml"), format!("{RECIPE}{}", search(8, 2))).unwrap();
        fs::write(desk.path("judge.yaml"), "version: 1\nrewards: [{model: {editreward: {dir: builtin}}}]\n").unwrap();
        for (photo, instruction) in PHOTOS {
            let path = format!("{}/examples/photos/{photo}.jpg", env!("CARGO_MANIFEST_DIR"));
            let small = image::open(path).unwrap().resize(48, 48, image::imageops::FilterType::Triangle);
            small.save(desk.path(&format!("{photo}.png"))).unwrap();
            for recipe in ["few", "many"] {
                desk.edit(photo, instruction, (recipe, "0"), &format!("runs/{recipe}/{photo}"));
            }
        }
        desk.edit("coffee", PHOTOS[1].1, ("few", "7"), "runs/few/again");
        desk.edit("coffee", "make it cooler", ("few", "0"), "alone");
        desk.edit("coffee", PHOTOS[1].1, ("many", "3"), "runs/many/cut");
        fs::remove_file(desk.path("runs/many/cut/outcome.json")).unwrap();
        desk
    }

    fn edit(&self, photo: &str, instruction: &str, (recipe, seed): (&str, &str), run_dir: &str) {
        let (photo, recipe) = (format!("{photo}.png"), format!("{recipe}.yaml"));
        self.expect(0, &["edit", &photo, instruction, "--recipe", &recipe, "--seed", seed, "--run-dir", run_dir]);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs and expects an exit code; hands out stdout and stderr.
    fn expect(&self, code: i32, arguments: &[&str]) -> (String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_editscale"));
        let output = command.args(arguments).current_dir(self.0.path()).output().unwrap();
        said(code, output, arguments)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.expect(0, arguments).0).unwrap()
    }
}

/// Every key of an object and of what is in it, by its path; of a list the first item stands for all.
fn shape(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| shape(value, &format!("{path}.{key}"), found)),
        Value::Array(items) => items.iter().take(1).for_each(|item| shape(item, &format!("{path}[]"), found)),
        _ => found.push(path.to_owned()),
    }
}

#[test]
fn two_recipes_are_studied_by_a_reward_that_was_held_out() {
    let study = DESK.json(&["study", "runs", "--gold", "kept", "--out", "held-out", "--json"]);
    assert_eq!(study, serde_json::from_str::<Value>(&DESK.read("held-out/study.json")).unwrap());
    let groups = study["groups"].as_array().unwrap();
    let told: Vec<(&str, u64, u64)> = groups
        .iter()
        .map(|group| {
            (group["name"].as_str().unwrap(), group["runs"].as_u64().unwrap(), group["requests"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(told, [("few", 5, 4), ("many", 4, 4)]);
    let names: Vec<&str> = told.iter().map(|(name, _, _)| *name).collect();
    // The gold is the proxy under another name, so there is no gap, and more candidates are never worse.
    for scaling in study["scaling"].as_array().unwrap() {
        let points = scaling["points"].as_array().unwrap();
        let golds: Vec<f64> = points.iter().map(|point| point["gold"]["mean"].as_f64().unwrap()).collect();
        assert!(golds.len() > 2 && golds.windows(2).all(|pair| pair[1] >= pair[0] - 1e-12), "{golds:?}");
        assert!(points.iter().all(|point| point["gap"]["mean"].as_f64().unwrap().abs() < 1e-12));
        assert_eq!(scaling["requests"], 4);
    }
    assert_eq!(study["gold"]["chosen_by"], serde_json::json!(names), "it is the same judge at weight 0");
    let end = study["comparisons"].as_array().unwrap().last().unwrap();
    assert_eq!((&end["requests"], &end["budget"], &end["exact"]), (&4.into(), &Value::Null, &true.into()));
    // With four of them the smallest p is 1/8.
    let (answers, [first, second]) = (study["answers"].to_string(), [names[0], names[1]]);
    let said = format!("4 requests are too few to tell any difference between {second} and {first}.");
    assert!(answers.contains(&said) && answers.contains(&format!("{first} 4, {second} 8.")), "{answers}");
    assert!(answers.contains("Too few requests for intervals") && end["difference"]["low"].is_null(), "{answers}");
    let front = study["fronts"][0]["groups"].as_array().unwrap();
    assert_eq!((front[0]["spent"]["mean"].as_f64(), front[1]["spent"]["mean"].as_f64()), (Some(4.0), Some(8.0)));
    // What is chosen by changes with what is spent, never for the worse, and ends where the run does.
    for (path, end) in study["paths"].as_array().unwrap().iter().zip(front) {
        let points = path["points"].as_array().unwrap();
        let of = |place: usize, key: &str| {
            points[place][key].as_f64().unwrap_or_else(|| points[place][key]["mean"].as_f64().unwrap())
        };
        let golds: Vec<f64> = (0..points.len()).map(|place| of(place, "gold")).collect();
        assert!(of(0, "budget") == 1.0 && golds.windows(2).all(|pair| pair[1] >= pair[0] - 1e-12));
        assert_eq!(of(points.len() - 1, "budget"), end["spent"]["mean"].as_f64().unwrap());
        assert!((golds[golds.len() - 1] - end["gold"]["mean"].as_f64().unwrap()).abs() < 1e-12);
    }
    let left_out = study["left_out"].as_array().unwrap();
    assert_eq!(left_out.len(), 1);
    assert!(left_out[0]["run"].as_str().unwrap().ends_with("cut"), "{left_out:?}");
    let mut found = Vec::new();
    shape(&study, "", &mut found);
    let documented = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.md")).unwrap();
    let section = documented.split("## `editscale study --json`").nth(1).unwrap().split("\n## ").next().unwrap();
    for key in found.iter().flat_map(|path| path.split('.')).map(|key| key.trim_end_matches("[]")) {
        assert!(key.is_empty() || section.contains(&format!("`{key}`")), "`{key}` is not documented");
    }
    found.retain(|path| !path.starts_with(".remarks"));
    found.sort();
    assert_eq!(found.join("\n"), SHAPE.trim());
}

/// A journal with the answers of each round in another order: every picture judged at once, or all made before any is judged.
fn rearranged(journal: &str, is_judged_at_once: bool) -> String {
    let mut lines: Vec<Value> = journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let times: Vec<Value> = lines.iter().map(|line| line["at"].clone()).collect();
    for round in lines.split_mut(|line| line["event"] == "decided") {
        let place = |line: &Value| {
            let (id, is_judgement) = (line["id"].as_u64().unwrap(), line["event"] != "edited");
            if is_judged_at_once { (id, u64::from(is_judgement)) } else { (u64::from(is_judgement), id) }
        };
        round.sort_by_key(place);
    }
    let timed = lines.iter_mut().zip(times).map(|(line, at)| {
        line["at"] = at;
        format!("{line}\n")
    });
    timed.collect()
}

#[test]
fn quality_against_cost_does_not_tell_which_answer_came_first() {
    fs::write(DESK.path("whole.yaml"), format!("{RECIPE}search: {{best_of_n: {{samples: 8}}}}\n")).unwrap();
    for (photo, instruction) in PHOTOS {
        for (order, is_judged_at_once) in [("early", true), ("late", false)] {
            let run = format!("order/{order}/{photo}");
            DESK.edit(photo, instruction, ("whole", "0"), &run);
            let journal = rearranged(&DESK.read(&format!("{run}/journal.jsonl")), is_judged_at_once);
            fs::write(DESK.path(&format!("{run}/journal.jsonl")), journal).unwrap();
        }
    }
    let groups = ["--group", "early=order/early", "--group", "late=order/late"];
    let study = DESK.json(&[&["study", "--json", "--out", "ordered"][..], &groups].concat());
    assert_eq!(study["paths"][0]["points"], study["paths"][1]["points"]);
    assert_eq!(study["paths"][0]["points"][0]["budget"], 1.0, "there is a choice from the first candidate on");
    let comparisons = study["comparisons"].as_array().unwrap();
    let budgets: Vec<Option<f64>> = comparisons.iter().map(|one| one["budget"].as_f64()).collect();
    assert_eq!(budgets, [Some(2.0), Some(4.0), Some(8.0), None], "{}", study["remarks"]);
    let lead = study["leads"][0]["points"].as_array().unwrap();
    assert!(lead.len() == 15 && lead.iter().all(|at| at["difference"]["mean"] == 0.0), "{lead:?}");
    for one in comparisons {
        assert_eq!((&one["difference"]["mean"], &one["requests"]), (&0.0.into(), &4.into()), "{one}");
    }
}

/// The keys of `study.json`.
const SHAPE: &str = "
.answers[]
.comparisons[].better
.comparisons[].budget
.comparisons[].detectable
.comparisons[].difference.high
.comparisons[].difference.low
.comparisons[].difference.mean
.comparisons[].exact
.comparisons[].first
.comparisons[].p
.comparisons[].p_holm
.comparisons[].requests
.comparisons[].second
.comparisons[].spread
.comparisons[].worse
.confidence
.cost
.fronts[].cost
.fronts[].groups[].gold.high
.fronts[].groups[].gold.low
.fronts[].groups[].gold.mean
.fronts[].groups[].group
.fronts[].groups[].is_on_front
.fronts[].groups[].requests
.fronts[].groups[].spent.high
.fronts[].groups[].spent.low
.fronts[].groups[].spent.mean
.gold.chosen_by[]
.gold.kind
.gold.name
.gold.rewards[][]
.groups[].name
.groups[].objectives[]
.groups[].recipes[]
.groups[].requests
.groups[].runs
.groups[].searches[]
.leads[].group
.leads[].points[].budget
.leads[].points[].difference.high
.leads[].points[].difference.low
.leads[].points[].difference.mean
.leads[].than
.left_out[].run
.left_out[].why
.paths[].group
.paths[].points[].budget
.paths[].points[].gold.high
.paths[].points[].gold.low
.paths[].points[].gold.mean
.program
.proxy
.scaling[].fall
.scaling[].gold_spread
.scaling[].group
.scaling[].left_out
.scaling[].peak.high
.scaling[].peak.k
.scaling[].peak.low
.scaling[].peak.rising
.scaling[].points[].best.high
.scaling[].points[].best.low
.scaling[].points[].best.mean
.scaling[].points[].cost
.scaling[].points[].gap.high
.scaling[].points[].gap.low
.scaling[].points[].gap.mean
.scaling[].points[].gap_in_spreads.high
.scaling[].points[].gap_in_spreads.low
.scaling[].points[].gap_in_spreads.mean
.scaling[].points[].gold.high
.scaling[].points[].gold.low
.scaling[].points[].gold.mean
.scaling[].points[].k
.scaling[].points[].proxy.high
.scaling[].points[].proxy.low
.scaling[].points[].proxy.mean
.scaling[].proxy_spread
.scaling[].requests
.seed
.version
";

#[test]
fn the_files_stand_by_themselves() {
    let (out, _) = DESK.expect(0, &["study", "runs/few", "runs/many", "--cost", "reward_calls", "--out", "files"]);
    assert_eq!(out.trim(), "files/study.html");
    let page = DESK.read("files/study.html");
    for outside in ["http://", "https://", "src=\"/", "url(", "<link", "@import"] {
        let found = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!found.contains(outside), "{outside}");
    }
    assert!(page.contains("prefers-color-scheme: dark") && page.contains("praised for what they optimised"));
    for name in [
        "scaling-gold",
        "quality-by-cost",
        "lead-by-cost",
        "front-edits",
        "front-reward_calls",
        "differences",
        "requests-1",
    ] {
        let svg = DESK.read(&format!("files/{name}.svg"));
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{name}");
    }
    let comparisons = DESK.read("files/comparisons.csv");
    let counts: Vec<usize> = comparisons.lines().map(|line| line.split(',').count()).collect();
    assert!(counts.len() > 1 && counts.iter().all(|count| *count == counts[0]), "{comparisons}");
    assert_eq!(DESK.read("files/requests.csv").lines().count(), 9);
}

#[test]
fn a_judge_is_asked_once_about_every_picture() {
    let arguments = ["study", "runs", "--judge", "judge.yaml", "--out", "judged", "--json"];
    let first = DESK.json(&arguments);
    let lines = DESK.read("judged/judged.jsonl");
    assert!(lines.lines().count() > 20 && first["gold"]["kind"] == "judge", "{lines}");
    assert_eq!(first["gold"]["chosen_by"], serde_json::json!([]));
    assert_ne!(first["scaling"][0]["points"][1]["gap_in_spreads"]["mean"], 0.0);
    // Cut in the middle of a line, as by a kill.
    let torn = &lines[..lines.len() / 2];
    fs::write(DESK.path("judged/judged.jsonl"), torn).unwrap();
    let (again, err) = DESK.expect(0, &arguments);
    assert!(err.contains(&format!("{} pictures are judged already", torn.matches('\n').count())), "{err}");
    assert_eq!(DESK.read("judged/judged.jsonl").lines().count(), lines.lines().count());
    // The judge answers the same to 1e-5 however its pictures are cut into batches.
    let again: Value = serde_json::from_str(&again).unwrap();
    let gold = |study: &Value| study["scaling"][0]["points"][1]["gold"]["mean"].as_f64().unwrap();
    assert!((gold(&again) - gold(&first)).abs() < 1e-4, "{} {}", gold(&again), gold(&first));
    let (_, err) = DESK.expect(0, &["study", "runs/few", "--judge", "quickstart", "--out", "by-itself"]);
    assert!(err.contains("the judge quickstart is not held out: best_of_n chose by it"), "{err}");
    let other = ["study", "runs", "--judge", "quickstart", "--out", "judged"];
    assert!(DESK.expect(2, &other).1.contains("was begun with another judge"));
}

#[test]
fn what_cannot_be_studied_is_named() {
    fs::create_dir_all(DESK.path("empty")).unwrap();
    for (arguments, said) in [
        (&["study"][..], "expected run folders"),
        (&["study", "nowhere"], "nowhere is not a folder"),
        (&["study", "empty"], "there is no run in empty"),
        (&["study", "runs/many/cut"], "there is no finished run to study; runs/many/cut: it is not finished"),
        (&["study", "runs", "--gold", "sharpness"], "has no reward `sharpness`"),
        (&["study", "runs", "--confidence", "1"], "--confidence 1"),
        (&["study", "--group", "a=runs/many", "--group", "b=alone"], "no two of the groups a, b have a common request"),
        (&["study", "runs", "--group", "a"], "expected NAME=DIR"),
        (
            &["study", "plan", "--difference", "0.1", "--from", "few.yaml"],
            "few.yaml is not what `editscale study` writes",
        ),
    ] {
        let (_, err) = DESK.expect(2, arguments);
        assert!(err.contains(said), "{arguments:?}: {err}");
    }
    let one = ["study", "--out", "one-request", "--group", "a=runs/few", "--group", "b=runs/many/coffee"];
    let (_, err) = DESK.expect(0, &one);
    let said = "not compared in the end: b and a (they have 1); it takes two common requests";
    assert!(err.contains(said), "{err}");
    let (_, err) = DESK.expect(0, &["study", "runs", "--k", "99", "--out", "few-candidates"]);
    assert!(err.contains("no request has 99 independent candidates"), "{err}");
}

/// A plan from what was studied, and further arguments.
fn ask<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["study", "plan", "--difference", "0.5", "--from", "planned/study.json"], more].concat()
}

#[test]
fn a_plan_goes_both_ways() {
    let (out, _) = DESK.expect(0, &["study", "plan", "--difference", "0.02", "--spread", "0.08", "--requests", "60"]);
    assert!(out.starts_with("128 requests") && out.contains("60 requests show a mean difference of 0.029"), "{out}");
    DESK.expect(0, &["study", "runs", "--out", "planned"]);
    let plan = DESK.json(&ask(&["--json"]));
    assert!(plan["requests_needed"].as_u64().unwrap() >= 2 && plan["spread"].as_f64().unwrap() > 0.0, "{plan}");
    // The row at the end of the runs, whatever the others' spreads.
    let study: Value = serde_json::from_str(&DESK.read("planned/study.json")).unwrap();
    let end = study["comparisons"].as_array().unwrap().iter().find(|one| one["budget"].is_null()).unwrap();
    assert_eq!(plan["spread"], end["spread"]);
    let (first, second) = (end["first"].as_str().unwrap(), end["second"].as_str().unwrap());
    let (out, _) = DESK.expect(0, &ask(&["--between", &format!("{second},{first}")]));
    assert!(out.contains(&format!("{second} − {first} at the end of the runs over 4 requests")), "{out}");
    let shown = out.split("(spread ").nth(1).unwrap().split(' ').next().unwrap();
    assert!(shown.len() <= 8, "{shown}");
    let (_, err) = DESK.expect(2, &ask(&["--between", "beam,best"]));
    assert!(err.contains("does not compare `beam,best`") && err.contains(&format!("{first},{second}")), "{err}");
    let documented = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.md")).unwrap();
    for key in plan.as_object().unwrap().keys() {
        assert!(documented.contains(&format!("`{key}`")), "`{key}` is not documented");
    }
}

impl Desk {
    /// Copies the runs of these photographs, and gives the folder that they are in.
    fn copies(&self, from: &str, to: &str, photos: &[&str]) -> PathBuf {
        photos.iter().for_each(|photo| copy_folder(&self.path(&format!("{from}/{photo}")), &self.path(to).join(photo)));
        self.path(to)
    }

    /// What is left out of a study of these folders, each as the last part of its path and the reason.
    fn left_out(&self, arguments: &[&str]) -> (Value, Vec<(String, String)>) {
        let study = self.json(&[&["study", "--json"][..], arguments].concat());
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        let told = study["left_out"].as_array().unwrap().iter().map(|left| {
            let run = word(&left["run"]);
            (run.rsplit('/').next().unwrap().to_owned(), word(&left["why"]))
        });
        let told = told.collect();
        (study, told)
    }
}

/// Puts other words into a file, the last time that they stand there.
fn change(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    let at = text.rfind(from).unwrap_or_else(|| panic!("no {from} in {}", file.display()));
    fs::write(file, format!("{}{to}{}", &text[..at], &text[at + from.len()..])).unwrap();
}

/// What somebody did to a run's folder.
type Damage<'a> = &'a dyn Fn(&Path);

const THREE: [&str; 3] = ["astronaut", "coffee", "flower"];

#[test]
fn a_run_that_its_journal_does_not_bear_out_is_left_out_by_name() {
    let first_lines = |text: &str| text.lines().take(6).map(|line| format!("{line}\n")).collect::<String>();
    let journal = |change: &dyn Fn(&str) -> Option<String>, run: &Path| {
        let file = run.join("journal.jsonl");
        match change(&fs::read_to_string(&file).unwrap()) {
            Some(text) => fs::write(&file, text).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
    };
    let outcome = |from: &str, to: &str, run: &Path| change(&run.join("outcome.json"), from, to);
    let no_end = "its journal does not tell how it ended";
    let cases: [(&str, Damage<'_>, &str); 10] = [
        ("none", &|run| journal(&|_| None, run), no_end),
        ("empty", &|run| journal(&|_| Some(String::new()), run), no_end),
        ("cut", &|run| journal(&|text| Some(first_lines(text)), run), no_end),
        ("asked", &|run| outcome("\"asked\": 4", "\"asked\": 5", run), "4 of its 5 candidates are in its journal"),
        ("winner", &|run| outcome("\"winner\": ", "\"winner\": 9", run), "as `ranked` has it"),
        (
            "order",
            &|run| {
                outcome("\"winner\": ", "\"winner\": 9", run);
                outcome("\"ranked\": [\n      {\n        \"id\": ", "\"ranked\": [\n      {\n        \"id\": 9", run);
            },
            "another order",
        ),
        ("edits", &|run| outcome("\"edits\": 4", "\"edits\": 18446744073709551615", run), "edits than its journal"),
        ("calls", &|run| outcome("\"reward_calls\": 8", "\"reward_calls\": 9", run), "reward calls than its journal"),
        ("seconds", &|run| outcome("\"wall_secs\": ", "\"wall_secs\": -", run), "`wall_secs` is -"),
        ("money", &|run| outcome("\"usd\": 0.0", "\"usd\": -1.0", run), "`usd` is -1"),
    ];
    for (name, damage, said) in cases {
        let folder = format!("broken/{name}");
        damage(&DESK.copies("runs/few", &folder, &THREE).join("coffee"));
        let (study, left) = DESK.left_out(&[&folder, "--out", &format!("broken-{name}")]);
        assert_eq!((left.len(), study["groups"][0]["runs"].as_u64()), (1, Some(2)), "{name}: {left:?}");
        assert!(left[0].0 == "coffee" && left[0].1.contains(said), "{name}: {left:?}");
    }
}

#[test]
fn judges_that_share_a_name_alone_are_not_compared() {
    let marked = |from: &str, group: &str, revision: &str| {
        let folder = DESK.copies(from, &format!("judges/{group}"), &THREE);
        for photo in THREE {
            change(&folder.join(photo).join("run.json"), "\"photometric/4\"", &format!("\"{revision}\""));
        }
    };
    marked("runs/few", "nano", "nano/1 92b3 official f32");
    marked("runs/many", "exact", "nano/1 92b3 exact bf16");
    marked("runs/many", "mapped", "photometric/4, calibrated 0123");
    marked("runs/many", "other", "sharpness/1");
    let run = |code: i32, [first, second]: [&str; 2], more: &[&str]| {
        let groups = [first, second].map(|folder| format!("{}={folder}", folder.rsplit('/').next().unwrap()));
        let out = format!("judged-{}", second.replace('/', "-"));
        let words = ["study", "--json", "--group", &groups[0], "--group", &groups[1], "--out", &out];
        DESK.expect(code, &[&words[..], more].concat())
    };
    let read = |(out, _): (String, String)| serde_json::from_str::<Value>(&out).unwrap();
    let said = |(out, err): (String, String)| out + &err;
    let kept = ["--gold", "kept"];
    let study = read(run(0, ["runs/few", "runs/many"], &kept));
    assert_eq!(study["gold"]["rewards"], serde_json::json!([["kept", "photometric/4"]]));
    assert!(!study["remarks"].to_string().contains("in these runs"), "{}", study["remarks"]);
    let study = read(run(0, ["judges/nano", "judges/exact"], &kept));
    assert_eq!(study["gold"]["rewards"].as_array().unwrap().len(), 2);
    assert!(study["remarks"].to_string().contains("`kept` is set in several ways"), "{}", study["remarks"]);
    for other in ["judges/other", "judges/mapped"] {
        let err = said(run(2, ["runs/few", other], &kept));
        assert!(err.contains("`kept` is several judges in these runs: photometric/4 (few), "), "{err}");
        let err = said(run(2, ["runs/few", other], &["--proxy", "kept"]));
        assert!(err.contains("`kept` is several judges"), "{err}");
    }
    let study = read(run(0, ["runs/few", "judges/other"], &["--proxy", "kept", "--gold", "photometric"]));
    assert!(study["remarks"].to_string().contains("`kept` is several judges"), "{}", study["remarks"]);
    // What the policies chose by is of several judges too where nothing else is named.
    let folder = DESK.copies("runs/many", "judges/chosen", &THREE);
    for photo in THREE {
        let file = folder.join(photo).join("run.json");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replacen("\"photometric/4\"", "\"photometric/2\"", 1)).unwrap();
    }
    let (_, err) = run(0, ["runs/few", "judges/chosen"], &[]);
    assert!(err.contains("utilities of few and chosen are by different judges"), "{err}");
}

#[test]
fn no_group_that_is_asked_for_vanishes() {
    let twice = ["study", "--group", "x=runs/few", "--group", "y=runs/few", "--out", "twice"];
    let (_, err) = DESK.expect(2, &twice);
    assert!(err.contains("group y has no run") && err.contains("it is in group x already"), "{err}");
    let arguments = ["--group", "x=runs/few/coffee", "--group", "y=runs/few", "--out", "once"];
    let (study, left) = DESK.left_out(&arguments);
    assert_eq!((left.len(), study["groups"][1]["runs"].as_u64()), (1, Some(4)), "{left:?}");
    assert!(left[0].0 == "coffee" && left[0].1.contains("group x"), "{left:?}");
    let unfinished = ["study", "--group", "x=runs/few", "--group", "y=runs/many/cut", "--out", "cut"];
    let (_, err) = DESK.expect(2, &unfinished);
    assert!(err.contains("group y has no run") && err.contains("it is not finished"), "{err}");
}

#[test]
fn a_copy_of_a_run_counts_once() {
    let folder = DESK.copies("runs/few", "copied", &THREE);
    copy_folder(&folder.join("coffee"), &folder.join("copy"));
    let (study, left) = DESK.left_out(&["copied", "--out", "uncopied"]);
    assert_eq!((left.len(), study["groups"][0]["runs"].as_u64()), (1, Some(3)), "{left:?}");
    assert!(left[0].0 == "copy" && left[0].1.contains("it is a copy of the run in copied/coffee"), "{left:?}");
}

#[cfg(unix)]
#[test]
fn links_are_followed_once() {
    use std::os::unix::fs::symlink;
    fs::create_dir_all(DESK.path("linked")).unwrap();
    symlink("../runs/few/coffee", DESK.path("linked/coffee")).unwrap();
    symlink("../runs/few", DESK.path("linked/all")).unwrap();
    symlink("../linked", DESK.path("linked/loop")).unwrap();
    symlink("../nowhere", DESK.path("linked/nothing")).unwrap();
    let (study, left) = DESK.left_out(&["linked", "--out", "links"]);
    assert_eq!((study["groups"][0]["runs"].as_u64(), left.len()), (Some(5), 0), "{left:?}");
}

#[cfg(unix)]
#[test]
fn curves_are_of_first_scores() {
    let count = DESK.path("count");
    let run = format!("echo x >> {0}; wc -l < {0}", count.display());
    let recipe = "version: 1\neditor: {darkroom: {}}\nrewards:\n";
    let counting = format!("  - {{name: cnt, model: {{command: {{run: \"{run}\", slots: 1}}}}}}\n");
    let search = "search: {best_of_n: {samples: 4}}\nfinalists: {count: 3, votes: 2}\n";
    fs::write(DESK.path("finalists.yaml"), format!("{recipe}{counting}{search}")).unwrap();
    DESK.edit("coffee", PHOTOS[1].1, ("finalists", "0"), "finalists");
    for proxy in ["utility", "cnt"] {
        let out = format!("first-{proxy}");
        let study = DESK.json(&["study", "finalists", "--json", "--proxy", proxy, "--out", &out]);
        let points = study["scaling"][0]["points"].as_array().unwrap();
        let [one, all] = [&points[0], &points[points.len() - 1]].map(|point| point["proxy"]["mean"].as_f64().unwrap());
        // 1, 2, 3 and 4; the finalists' later ones were higher.
        assert_eq!((one, all), (2.5, 4.0), "{proxy}");
        assert_eq!(points[0]["gold"]["mean"], 2.5);
        // What was chosen in the end is by the later scores.
        let ended = study["fronts"][0]["groups"][0]["gold"]["mean"].as_f64().unwrap();
        assert!(ended > 4.0, "{ended}");
    }
}

#[test]
fn candidates_whose_editors_were_chosen_by_looking_at_others_make_no_curve() {
    let rewards = "rewards: [{model: {photometric: {}}}]\n";
    let editors = "editors: {careful: {darkroom: {}}, eager: {darkroom: {partial: true}}}\n";
    let search = "search: {thompson: {samples: 8, round: 2}}\n";
    fs::write(DESK.path("routed.yaml"), format!("version: 1\n{editors}{rewards}{search}")).unwrap();
    DESK.edit("coffee", PHOTOS[1].1, ("routed", "0"), "routed");
    let study = DESK.json(&["study", "routed", "--json", "--out", "no-curve"]);
    assert_eq!(study["scaling"], serde_json::json!([]));
    assert!(
        study["remarks"].to_string().contains("chose the editor of each candidate by how the others did"),
        "{}",
        study["remarks"]
    );
}

#[test]
fn a_plan_promises_nothing_that_the_test_cannot_show() {
    let (out, _) = DESK.expect(0, &["study", "plan", "--difference", "0.8", "--spread", "0.3", "--requests", "5"]);
    assert!(out.starts_with("6 requests") && out.contains("5 requests show no difference, however large"), "{out}");
    let (out, _) = DESK.expect(0, &["study", "plan", "--difference", "1e-8", "--spread", "1"]);
    assert!(out.contains("more than 1099511627776 requests"), "{out}");
    let (out, _) = DESK.expect(0, &["study", "plan", "--difference", "0", "--spread", "1"]);
    assert!(out.contains("no number of requests"), "{out}");
    let (_, err) = DESK.expect(2, &["study", "plan", "--difference", "nan", "--spread", "1"]);
    assert!(err.contains("a difference of NaN: expected a finite number"), "{err}");
    let (_, err) = DESK.expect(2, &["study", "plan", "--requests", "20", "--spread", "1", "--power", "0.01"]);
    assert!(err.contains("a power of 0.01: expected more than the 0.05"), "{err}");
    let study = DESK.json(&["study", "runs", "--json", "--out", "too-few"]);
    let end = study["comparisons"].as_array().unwrap().last().unwrap();
    assert_eq!((&end["requests"], &end["detectable"]), (&4.into(), &Value::Null));
}

#[test]
fn a_judge_that_fails_on_all_says_why() {
    let judge = "version: 1\nrewards: [{name: broken, model: {command: {run: 'echo out of paper >&2; exit 1'}}}]\n";
    fs::write(DESK.path("broken.yaml"), judge).unwrap();
    let (_, err) = DESK.expect(2, &["study", "runs/few/coffee", "--judge", "broken.yaml", "--out", "unjudged"]);
    let said = "no run has chosen a picture that has a gold score: there is nothing to study; runs/few/coffee: 4 of its pictures could not be judged";
    assert!(err.contains(said), "{err}");
}
