//! What a run says it has chosen, on the terminal and in its report, where that is not simply the best.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;

const ONE: &str = "[{model: {photometric: {}}}]";
const TWO: &str = "[{model: {photometric: {}}, name: a}, {model: {photometric: {}}, name: b}]";

/// A folder with a small photograph.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        let photo = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/photos/coffee.jpg");
        image::open(photo).unwrap().thumbnail(96, 96).save(desk.path("photo.png")).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Edits by these rewards and this rest of a recipe into this run directory.
    fn edit(&self, (run, seed): (&str, u32), rewards: &str, rest: &str) -> Output {
        let editor = if rest.contains("editors:") { "" } else { "editor: {darkroom: {}}\n" };
        let recipe = format!("version: 1\n{editor}rewards: {rewards}\n{rest}\n");
        fs::write(self.path("recipe.yaml"), recipe).unwrap();
        let seed = seed.to_string();
        let arguments = ["edit", "photo.png", "warmer, and much more contrast", "--recipe", "recipe.yaml", "--json"];
        self.run(&[&arguments[..], &["--run-dir", run, "--seed", &seed]].concat())
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_editscale"));
        command.current_dir(self.0.path()).args(arguments).env_remove("RUST_LOG").output().unwrap()
    }

    /// What is told of such a run, and its report.
    fn told(&self, rewards: &str, rest: &str) -> (String, String) {
        let told = told(&self.edit(("run", 0), rewards, rest));
        let report = fs::read_to_string(self.path("run/report.html")).unwrap();
        fs::remove_dir_all(self.path("run")).unwrap();
        (told, report)
    }
}

fn told(output: &Output) -> String {
    let told = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(output.status.success(), "{told}");
    told
}

fn has(text: &str, parts: &[&str]) {
    parts.iter().for_each(|part| assert!(text.contains(part), "{part} is not in:\n{text}"));
}

#[test]
fn a_drawn_candidate_is_not_called_the_best() {
    let desk = Desk::new();
    let rest = "search: {best_of_n: {samples: 6}}\nselect: {soft: {temperature: 10, draw: 2}}";
    // Nearly equal chances: the highest is seldom drawn.
    let drawn = (0..8).find_map(|seed| {
        let output = desk.edit((&format!("run{seed}"), seed), ONE, rest);
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        let utility = |one: &Value| one["utility"].as_f64().unwrap();
        let highest = said["candidates"].as_array().unwrap().iter().map(utility).fold(0.0, f64::max);
        (utility(&said["winner"]) < highest).then(|| (told(&output), format!("run{seed}/report.html")))
    });
    let (told, report) = drawn.unwrap();
    has(&told, &["chosen: candidate ", ", drawn by `soft`; candidate ", " has a higher score, "]);
    let report = fs::read_to_string(desk.path(&report)).unwrap();
    has(
        &report,
        &[
            "Chosen of 6 candidates: <strong>",
            "Candidates, in the order of the verdict",
            "chance in one draw",
            "<code>{soft: {draw: 2, temperature: 10.0}}</code>",
            "Different candidates drawn",
        ],
    );
    assert_eq!(report.matches(">Drawn</span>").count(), 2);
    let (told, report) =
        desk.told(ONE, "search: {best_of_n: {samples: 6}}\nselect: {pessimistic: {relative_beta: 1.0}}");
    has(&report, &["β of the pessimistic draw"]);
    assert!(!told.contains("best: "), "{told}");
}

#[test]
fn ranks_are_told_as_ranks() {
    let desk = Desk::new();
    let (told, report) = desk.told(TWO, "search: {best_of_n: {samples: 4}}\ncombine: {mean_rank: {}}");
    has(
        &told,
        &["best: candidate ", "with mean rank 1.00, 1 is best (a.instruction_following ", ", b.instruction_following "],
    );
    has(&report, &["has the mean rank <strong>1.00</strong> (1 is best).", "Mean rank by candidate"]);
}

#[test]
fn finalists_are_marked_and_missed() {
    let desk = Desk::new();
    let rest = |calls: u32| {
        format!(
            "search: {{best_of_n: {{samples: 4}}}}\nfinalists: {{count: 2, votes: 3}}\nbudget: {{edits: 4, reward_calls: {calls}}}"
        )
    };
    let (told, report) = desk.told(ONE, &rest(5));
    has(&told, &["all candidates are made", "no finalist was judged again: the budget does not reach so far"]);
    has(&report, &["All candidates were made.", "no finalist was judged again"]);
    let (told, report) = desk.told(ONE, &rest(8));
    has(
        &told,
        &[
            "2 of 2 finalists were judged again, 2 instead of 3 times",
            "the best of 2 finalists (chosen by `best_of_n`)",
        ],
    );
    assert_eq!(report.matches("Judged again, 2 votes").count(), 2);
    let (told, _) = desk.told(ONE, &rest(10));
    has(&told, &["all that was planned is done"]);
}

/// What the critic made of the request is told under way, in the report and in JSON, and is what editors were told.
#[test]
fn a_rewritten_instruction_is_shown() {
    let desk = Desk::new();
    let rest =
        "critics: [{model: {darkroom_critic: {}}}]\nsearch: {reflection: {samples: 2, rounds: 1, rewrite_first: true}}";
    let words = "increase the warmth by 50%, increase the contrast by 54%";
    let output = desk.edit(("run", 0), ONE, rest);
    has(
        &told(&output),
        &[&format!("critic `darkroom_critic` rewrote the instruction: {words}"), " judgements, 2 critiques, "],
    );
    let report = fs::read_to_string(desk.path("run/report.html")).unwrap();
    has(&report, &["Rewritten before the first edit", &format!("told: {words}"), "<dt>Critiques</dt><dd>2</dd>"]);
    has(&report, &["<h1>warmer, and much more contrast</h1>"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let [rewriting] = json["rewritings"].as_array().unwrap().as_slice() else { panic!("{json}") };
    assert_eq!((&rewriting["round"], &rewriting["instruction"]), (&0.into(), &words.into()));
    assert_eq!(json["candidates"][0]["instruction"], words);
    let plain = desk.edit(("plain", 0), ONE, "search: {best_of_n: {samples: 1}}");
    let json: Value = serde_json::from_slice(&plain.stdout).unwrap();
    assert!(json.get("rewritings").is_none(), "{json}");
}

#[test]
fn critiques_and_editors_are_told_apart() {
    let desk = Desk::new();
    let critic = "critics: [{model: {darkroom_critic: {}}}]\nsearch: {reflection: {samples: 2, rounds: 1}}";
    let (told, report) = desk.told(ONE, critic);
    has(&told, &[" judgements, 1 critique, "]);
    has(&report, &["<dt>Critiques</dt><dd>1</dd>", "class=\"critique\""]);
    let (_, report) =
        desk.told(ONE, "editors: {far: {darkroom: {}}, near: {darkroom: {}}}\nsearch: {thompson: {samples: 4}}");
    has(
        &report,
        &[
            "<h2 id=\"editors\">Editors</h2>",
            "<th scope=\"row\">far</th><td>2</td>",
            " · by near",
            "<dt>Candidates</dt><dd>4</dd>",
        ],
    );
}

/// A process that was killed holds its run for a moment.
#[test]
fn a_run_that_is_in_use_is_waited_for() {
    let desk = Desk::new();
    told(&desk.edit(("run", 0), ONE, "search: {best_of_n: {samples: 2}}"));
    let lock = File::open(desk.path("run/run.lock")).unwrap();
    lock.lock().unwrap();
    std::thread::scope(|scope| {
        let resumed = scope.spawn(|| desk.run(&["edit", "--resume", "run"]));
        std::thread::sleep(Duration::from_secs(1));
        assert!(!resumed.is_finished(), "nobody waited");
        lock.unlock().unwrap();
        told(&resumed.join().unwrap());
    });
}
