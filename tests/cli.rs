//! The program as people use it: what it prints, writes and refuses.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on fails"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use editscale_testkit::said;
use serde_json::{Value, json};

const PHOTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/photos/coffee.jpg");

/// A folder of its own for one test.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        fs::write(self.path(name), bytes).unwrap();
        name.to_owned()
    }

    /// A small picture, so that a run takes a fraction of a second.
    fn picture(&self, name: &str, edge: u32) -> String {
        let image = image::open(PHOTO).unwrap().resize(edge, edge, image::imageops::FilterType::Triangle);
        image.save(self.path(name)).unwrap();
        name.to_owned()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_editscale")).args(arguments).current_dir(self.0.path()).output().unwrap()
    }

    /// Runs and expects an exit code; hands out stdout and stderr.
    fn expect(&self, code: i32, arguments: &[&str]) -> (String, String) {
        said(code, self.run(arguments), arguments)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.expect(0, arguments).0).unwrap()
    }
}

fn size_of(path: &Path) -> (u32, u32) {
    image::image_dimensions(path).unwrap()
}

#[test]
fn the_main_job_writes_the_best_picture_beside_its_record() {
    let desk = Desk::new();
    let photo = desk.picture("photo.png", 160);
    let (out, err) = desk.expect(0, &["edit", &photo, "make it warmer, with a little more contrast"]);
    let best = desk.path(out.trim());
    assert_eq!(size_of(&best), size_of(&desk.path("photo.png")));
    assert!(err.contains("best: candidate"), "{err}");
    let run = best.parent().unwrap();
    for file in ["run.json", "journal.jsonl", "outcome.json", "report.html", "images"] {
        assert!(run.join(file).exists(), "{file}");
    }
    assert!(fs::metadata(run.join("report.html")).unwrap().len() < 5 << 20);
}

#[test]
fn json_is_one_documented_object() {
    let desk = Desk::new();
    let photo = desk.picture("photo.png", 96);
    let run =
        desk.json(&["edit", &photo, "brighter", "--json", "--recipe", "best-of-n", "--keep", "3", "-o", "out.jpg"]);
    let documented = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.md")).unwrap();
    for key in run.as_object().unwrap().keys().chain(run["winner"].as_object().unwrap().keys()) {
        assert!(documented.contains(&format!("`{key}`")), "`{key}` is not documented");
    }
    assert_eq!(run["outputs"], serde_json::json!(["out.jpg", "out-2.jpg", "out-3.jpg"]));
    assert!(run["winner"]["scores"]["photometric"]["mean"].as_f64().unwrap() > 0.1);
    let ids: Vec<u64> = run["candidates"].as_array().unwrap().iter().map(|each| each["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (0..ids.len() as u64).collect::<Vec<u64>>());
}

/// An editor that makes one picture, whatever the seed, is told of to programs as to people.
#[test]
#[cfg(unix)]
fn a_doctor_advises_programs_too() {
    let desk = Desk::new();
    let recipe = b"version: 1\neditor: {command: {run: \"cp {source} {output}\", seeds: true}}\nrewards: [{model: {photometric: {}}}]\nsearch: {best_of_n: {samples: 2}}\n";
    let copies = desk.write("copies.yaml", recipe);
    let said = desk.json(&["doctor", "--recipe", &copies, "--json"]);
    let advice = said.pointer("/cards/0/found/advice").and_then(Value::as_str);
    assert!(advice.is_some_and(|advice| advice.contains("copies")), "{said:#}");
}

/// The sections of `docs/json.md` with these headings.
fn documented(headings: &[&str]) -> String {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.md")).unwrap();
    let sections = page.split("\n## ").filter(|section| headings.iter().any(|heading| section.starts_with(heading)));
    sections.collect()
}

#[test]
fn what_every_command_prints_as_json_is_documented() {
    let desk = Desk::new();
    let photo = desk.picture("photo.png", 64);
    let bad = desk.write("bad.yaml", b"version: 1\neditor: {darkrom: {}}\n");
    let row = format!("{{\"source\": \"{photo}\", \"edited\": \"{photo}\", \"instruction\": \"warmer\"}}\n");
    let rows = desk.write("rows.jsonl", row.as_bytes());
    let judges = desk.write("judges.yaml", b"version: 1\nrewards: [{model: {photometric: {}}}]\n");
    let nano = concat!(env!("CARGO_MANIFEST_DIR"), "/workspace/models/nano");
    let commands: [(&[&str], &[&str], &[&str]); 8] = [
        (&["check", &bad], &["`editscale check --json`"], &["", "/files/0", "/files/0/diagnostics/0"]),
        (
            &["doctor"],
            &["`editscale doctor --json`"],
            &[
                "",
                "/cards/0",
                "/cards/0/assumed",
                "/cards/0/found",
                "/cards/0/found/picture",
                "/cards/0/found/seeds",
                "/cards/0/found/mask",
                "/cards/1/assumed",
                "/cards/1/found",
                "/cards/1/found/latency",
            ],
        ),
        (
            &["edit", &photo, "warmer", "--dry-run"],
            &["`editscale edit --dry-run --json`"],
            &["", "/forecast", "/forecast/readings/0"],
        ),
        // What a score is stands in the first of these.
        (
            &["score", &photo, &photo, "warmer"],
            &["`editscale edit --json`", "`editscale score --json`"],
            &["", "/scores/photometric", "/scores/photometric/counters"],
        ),
        (&["models", "list"], &["`editscale models list --json`"], &["", "/models/0"]),
        (&["models", "verify", nano], &["`editscale models verify --json`"], &[""]),
        (
            &["pool", &rows, "--edits", "8", "--recipe", "best-of-n", "--out", "pooled"],
            &["`editscale pool --json`"],
            &["", "/rows"],
        ),
        (
            &["curate", &rows, "--recipe", &judges, "--out", "curated"],
            &["`editscale curate --json`"],
            &["", "/blocks", "/scores", "/choice", "/choice/kept", "/choice/train", "/choice/train/pictures"],
        ),
    ];
    for (arguments, headings, places) in commands {
        let documented = documented(headings);
        let said: Value = serde_json::from_slice(&desk.run(&[arguments, &["--json"]].concat()).stdout).unwrap();
        for place in places {
            let object = said.pointer(place).and_then(Value::as_object);
            for key in object.unwrap_or_else(|| panic!("{arguments:?} has no {place}: {said:#}")).keys() {
                assert!(documented.contains(&format!("`{key}`")), "{arguments:?}: `{key}` is not documented");
            }
        }
    }
}

/// The commands below one, each as its words, and those below them.
fn commands(desk: &Desk, above: &[String]) -> Vec<Vec<String>> {
    let words: Vec<&str> = above.iter().map(String::as_str).chain(["-h"]).collect();
    let (help, _) = desk.expect(0, &words);
    let listed = help.split_once("\nCommands:\n").map_or("", |(_, listed)| listed);
    // What goes on in a second line stands further to the right.
    let rows = listed.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.strip_prefix("  "));
    let names = rows.filter(|row| !row.starts_with(' ')).filter_map(|row| row.split_whitespace().next());
    let own = names.filter(|name| *name != "help").map(|name| [above, &[name.to_owned()]].concat());
    own.flat_map(|command| [vec![command.clone()], commands(desk, &command)].concat()).collect()
}

#[test]
fn every_command_that_prints_json_has_a_place_on_the_page() {
    let desk = Desk::new();
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.md")).unwrap();
    let mut count = 0;
    for command in commands(&desk, &[]) {
        let words: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
        if desk.expect(0, &words).0.contains("--json") {
            let name = command.join(" ");
            // Benchmarks print the same object, and are listed where it is told.
            let listed = command.strip_prefix(&["bench".to_owned()]).map(|rest| format!("`{}`", rest.join(" ")));
            let is_there =
                page.contains(&format!("{name} --json`")) || listed.is_some_and(|listed| page.contains(&listed));
            assert!(is_there, "docs/json.md has no `{name} --json`");
            count += 1;
        }
    }
    assert!(count >= 20, "{count} commands");
}

#[test]
fn equal_seeds_give_equal_runs_and_others_do_not() {
    let desk = Desk::new();
    let photo = desk.picture("photo.png", 96);
    let image = |seed: &str| {
        let run = desk.json(&["edit", &photo, "more contrast", "--json", "--seed", seed]);
        run["winner"]["image"].as_str().unwrap().to_owned()
    };
    assert_eq!(image("3"), image("3"));
    assert_ne!(image("3"), image("4"));
}

/// Those that the help lists.
#[test]
fn every_recipe_that_is_built_in_runs_end_to_end() {
    let desk = Desk::new();
    let photo = desk.picture("photo.png", 96);
    let (help, _) = desk.expect(0, &["edit", "--help"]);
    let listed = help.split("built-in one:").nth(1).and_then(|rest| rest.split("[default").next()).unwrap();
    let recipes: Vec<&str> = listed.split(',').map(str::trim).collect();
    assert!(recipes.len() >= 10 && recipes.contains(&"quickstart"), "{recipes:?}");
    for recipe in recipes {
        let run = desk.json(&["edit", &photo, "slightly darker, and a soft vignette", "--json", "--recipe", recipe]);
        assert!(run["winner"]["utility"].as_f64().unwrap() > 0.2, "{recipe}");
        assert_eq!(run["draw"].is_object(), ["guarded", "reward-weighted"].contains(&recipe), "{recipe}");
    }
}

#[test]
fn a_search_that_routes_asks_all_editors() {
    let desk = Desk::new();
    let photo = desk.picture("photo.png", 96);
    let recipe = "routing";
    let instruction = "slightly darker, and a soft vignette";
    let run = desk.json(&["edit", &photo, instruction, "--json", "--recipe", recipe, "--run-dir", "run"]);
    let editors = || run["candidates"].as_array().unwrap().iter().map(|each| each["editor"].as_str().unwrap());
    assert!(["careful", "eager"].iter().all(|name| editors().filter(|editor| editor == name).count() >= 2), "{run}");
    assert!(run["winner"]["utility"].as_f64().unwrap() > 0.2);
    let again = desk.json(&["edit", &photo, instruction, "--json", "--recipe", recipe, "--run-dir", "again"]);
    assert_eq!(run["winner"]["utility"], again["winner"]["utility"], "equal seeds choose equally");
    let forecast = desk.expect(0, &["edit", &photo, instruction, "--recipe", recipe, "--dry-run"]).0;
    assert!(forecast.contains("at most 24 by `careful` or `eager`"), "{forecast}");
}

#[test]
fn a_candidate_can_be_continued_and_a_run_resumed() {
    let desk = Desk::new();
    let photo = desk.picture("photo.png", 96);
    let first = desk.json(&["edit", &photo, "warmer", "--json", "--run-dir", "first"]);
    let (resumed, _) = desk.expect(0, &["edit", "--resume", "first", "--json"]);
    let resumed: Value = serde_json::from_str(&resumed).unwrap();
    assert_eq!(resumed["winner"], first["winner"]);
    let second =
        desk.json(&["edit", "--from", "first:1", "rotate 90 degrees clockwise", "--json", "--run-dir", "second"]);
    let (width, height) = size_of(&desk.path("photo.png"));
    assert_eq!(size_of(&desk.path("second/best.png")), (height, width), "{second}");
    let (path, _) = desk.expect(0, &["report", "first"]);
    assert!(desk.path(path.trim()).exists());
}

#[test]
fn the_best_can_be_continued_and_what_is_not_kept_is_told() {
    let desk = Desk::new();
    let photo = desk.picture("photo.png", 96);
    let recipe = "version: 1\neditor: {darkroom: {}}\nrewards: [{model: {photometric: {}}}]\n\
                  search: {best_of_n: {samples: 4}}\nretain: {winner: {}}\n";
    fs::write(desk.path("sparing.yaml"), recipe).unwrap();
    let first = desk.json(&["edit", &photo, "warmer", "--json", "--recipe", "sparing.yaml", "--run-dir", "first"]);
    desk.expect(0, &["edit", "--from", "first:best", "cooler", "--run-dir", "second"]);
    let best = first["winner"]["id"].as_u64().unwrap();
    let other = (0..4).find(|id| *id != best).unwrap();
    let (_, told) = desk.expect(2, &["edit", "--from", &format!("first:{other}"), "cooler"]);
    assert!(told.contains(&format!("candidate {other} is not kept")), "{told}");
    assert!(told.contains(&format!("the run keeps {best};")), "{told}");
}

#[test]
fn a_mask_and_an_output_size_are_honoured() {
    let desk = Desk::new();
    let photo = desk.picture("photo.png", 96);
    let (width, height) = size_of(&desk.path("photo.png"));
    let mask = image::GrayImage::from_fn(width, height, |x, _| image::Luma([if x < width / 2 { 255 } else { 0 }]));
    mask.save(desk.path("mask.png")).unwrap();
    desk.expect(0, &["edit", &photo, "much brighter", "--mask", "mask.png", "-o", "out.png"]);
    let (before, after) =
        (image::open(desk.path("photo.png")).unwrap().to_rgb8(), image::open(desk.path("out.png")).unwrap().to_rgb8());
    let changed = |x: u32| (0..height).filter(|y| before.get_pixel(x, *y) != after.get_pixel(x, *y)).count();
    assert!(changed(4) > height as usize / 2);
    assert_eq!(changed(width - 4), 0);
    desk.expect(0, &["edit", &photo, "brighter", "--size", "50x40", "-o", "small.png"]);
    assert_eq!(size_of(&desk.path("small.png")), (50, 40));
    let (_, err) = desk.expect(2, &["edit", &photo, "brighter", "--mask", PHOTO]);
    assert!(err.contains("expected the source's"), "{err}");
}

#[test]
fn what_is_not_understood_is_said() {
    let desk = Desk::new();
    let photo = desk.picture("photo.png", 96);
    let (_, err) = desk.expect(1, &["edit", &photo, "make it warmer and add a hat"]);
    assert!(err.contains("cannot do `add a hat`: darkroom only"), "{err}");
    assert!(
        err.ends_with("hint: choose an editing model with --recipe, or do the rest alone with --partial\n"),
        "{err}"
    );
    let (_, err) = desk.expect(0, &["edit", &photo, "make it warmer and add a hat", "--partial"]);
    assert!(err.contains("left out `add a hat`"), "{err}");
}

#[test]
fn what_no_picture_could_change_is_refused_before_anything_is_tried() {
    let desk = Desk::new();
    let photo = desk.picture("photo.png", 64);
    for more in [&["--dry-run"][..], &[], &["--partial"], &["--recipe", "routing"]] {
        let (_, err) = desk.expect(1, &[&["edit", &photo, "add a hat"][..], more].concat());
        assert_eq!(err.matches("cannot do `add a hat`").count(), 1, "{err}");
        assert!(err.ends_with("hint: choose an editing model with --recipe\n"), "{err}");
    }
    let (out, _) = desk.expect(1, &["edit", &photo, "add a hat", "--json"]);
    let said: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&said["error"]["kind"], &said["error"]["hint"]),
        (&json!("failure"), &json!("choose an editing model with --recipe"))
    );
    assert!(!desk.path("runs").exists(), "a refused run leaves nothing behind");
}

#[test]
fn a_dry_run_says_what_is_understood() {
    let desk = Desk::new();
    let photo = desk.picture("photo.png", 64);
    let dry = |more: &[&str]| desk.expect(0, &[&["edit", &photo][..], more, &["--dry-run"]].concat()).0;
    let said = dry(&["warmer, add a hat and a little more contrast", "--partial"]);
    assert!(said.contains("understood  `warmer`, `a little more contrast`\nleft out    `add a hat`\n"), "{said}");
    let said = dry(&["make the hair red", "--recipe", "routing"]);
    for name in ["careful", "eager"] {
        assert!(said.contains(&format!("understood  by `{name}`: `")), "{said}");
        assert!(said.contains(&format!("note        by `{name}`: in `")), "{said}");
    }
    let said: Value = serde_json::from_str(&dry(&["warmer", "--json"])).unwrap();
    let reading = json!({"editor": "darkroom", "understood": ["warmer"], "left_out": [], "notes": [], "refusal": null});
    assert_eq!(said["forecast"]["readings"], json!([reading]));
}

#[test]
fn a_choice_that_does_hardly_what_was_asked_is_handed_out_with_a_note() {
    let desk = Desk::new();
    image::RgbImage::new(96, 64).save(desk.path("black.png")).unwrap();
    let edit = ["edit", "black.png", "warmer and a little more contrast", "--run-dir", "run"];
    let (_, err) = desk.expect(0, &edit);
    let note =
        "the instruction was hardly followed (instruction_following 0.00): look at the picture before you use it";
    let after = err.split_once("best: ").unwrap().1;
    assert!(after.contains(&format!("\nnote: {note}\n")), "{err}");
    let report = fs::read_to_string(desk.path("run/report.html")).unwrap();
    assert!(report.split_once("</header>").unwrap().0.contains(note));
    let photo = desk.picture("photo.png", 96);
    let (_, err) = desk.expect(0, &["edit", &photo, "much warmer", "--run-dir", "other"]);
    assert!(!err.contains("hardly followed"), "{err}");
}

#[test]
fn why_nothing_came_of_a_run_is_told_once() {
    let desk = Desk::new();
    let photo = desk.picture("photo.png", 64);
    image::RgbImage::from_pixel(64, 64, image::Rgb([128, 128, 128])).save(desk.path("grey.png")).unwrap();
    let (_, err) = desk.expect(1, &["edit", "grey.png", "make the grass greener"]);
    assert_eq!(err.matches("greenery").count(), 1, "{err}");
    assert!(err.starts_with("8 edits, 0 judgements"), "one round tells: {err}");
    assert!(!err.contains("candidates failed") && err.matches("could be made").count() == 1, "{err}");
    let gated = "version: 1\neditor: {darkroom: {}}\nrewards: [{model: {photometric: {}}}]\nsearch: {best_of_n: {samples: 3}}\n";
    let gated = format!("{gated}gates: [{{reward: photometric, at_least: 9}}]\n");
    let gated = desk.write("gated.yaml", gated.as_bytes());
    let (_, err) = desk.expect(1, &["edit", &photo, "warmer", "--recipe", &gated]);
    let words = "error: no candidate passed the gates: `photometric` of at least 9, the best had 0.";
    assert!(err.contains(words) && !err.contains("could be made"), "{err}");
}

/// A run in this folder that is stopped once a candidate is made, whose stdout is given to somebody who reads it or not; its exit code
/// and what it said.
#[cfg(unix)]
fn stopped(desk: &Desk, run: &str, (more, is_read): (&[&str], bool)) -> (Option<i32>, String) {
    let photo = desk.picture("photo.png", 640);
    let recipe = "version: 1\neditor: {darkroom: {}}\nrewards: [{model: {photometric: {}}}]\nsearch: {best_of_n: {samples: 60}}\n";
    let recipe = desk.write("recipe.yaml", recipe.as_bytes());
    let edit = ["edit", &photo, "warmer", "--recipe", &recipe, "--run-dir", run];
    let mut command = Command::new(env!("CARGO_BIN_EXE_editscale"));
    let command = command.args(edit).args(more).current_dir(desk.0.path());
    let mut child = command.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    if !is_read {
        drop(child.stdout.take());
    }
    let begun =
        || fs::read_to_string(desk.path(run).join("journal.jsonl")).is_ok_and(|text| text.contains("\"edited\""));
    while !begun() {
        assert!(child.try_wait().unwrap().is_none(), "it was done before it was stopped");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[cfg(unix)]
#[test]
fn a_run_that_is_stopped_counts_what_is_left_and_says_how_to_go_on() {
    let (code, err) = stopped(&Desk::new(), "run", (&[], true));
    assert_eq!(code, Some(75), "{err}");
    assert!(err.contains("of 60 candidates are not finished") && !err.contains("failed"), "{err}");
    assert!(err.ends_with("go on with: editscale edit --resume run\n"), "{err}");
}

/// Ctrl-C ends whatever reads our stdout at once, and us when we are done.
#[cfg(unix)]
#[test]
fn a_stop_is_told_where_nobody_reads_any_more_as_a_line_to_paste() {
    let more = ["-o", "a b.png", "--keep", "2"];
    let (code, err) = stopped(&Desk::new(), "my run", (&more, false));
    assert_eq!(code, Some(75), "{err}");
    let again = "go on with: editscale edit --resume 'my run' --output 'a b.png' --force --keep 2\n";
    assert!(err.ends_with(again), "{err}");
}

#[cfg(unix)]
#[test]
fn names_that_are_not_utf_8_are_names() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let desk = Desk::new();
    desk.picture("photo.png", 64);
    let name = |bytes: &'static [u8]| OsStr::from_bytes(bytes);
    fs::rename(desk.path("photo.png"), desk.0.path().join(name(b"caf\xe9.png"))).unwrap();
    let run = |arguments: &[&OsStr]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_editscale"));
        let output = command.args(arguments).current_dir(desk.0.path()).output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{out}\n{err}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let edit =
        [b"edit".as_slice(), b"caf\xe9.png", b"warmer", b"--run-dir", b"r\xe9", b"--json"].map(OsStr::from_bytes);
    assert_eq!(run(&edit)["run_dir"], "r\u{fffd}");
    let recipe = "version: 1\neditor: {darkroom: {}}\nrewards: [{model: {photometric: {}}}]\nsearch: {best_of_n: {samples: 2}}\n";
    fs::write(desk.0.path().join(name(b"r\xe9.yaml")), recipe).unwrap();
    assert_eq!(
        run(&[b"check".as_slice(), b"r\xe9.yaml", b"--json"].map(OsStr::from_bytes))["files"][0]["file"],
        "r\u{fffd}.yaml"
    );
}

#[test]
fn a_key_is_a_line_of_its_own() {
    let desk = Desk::new();
    desk.expect(0, &["keys", "add", "one", "--file", "keys"]);
    let text = fs::read_to_string(desk.path("keys")).unwrap();
    // As an editor may leave it.
    desk.write("keys", text.trim_end().as_bytes());
    desk.expect(0, &["keys", "add", "two", "--file", "keys"]);
    assert_eq!(desk.expect(0, &["keys", "list", "--file", "keys"]).0, "one\ntwo\n");
}

#[test]
fn a_partial_run_is_resumed_as_one() {
    let desk = Desk::new();
    let photo = desk.picture("photo.png", 64);
    let edit =
        ["edit", &photo, "make it warmer and add a hat", "--partial", "--recipe", "best-of-n", "--run-dir", "run"];
    desk.expect(0, &edit);
    let best = fs::read(desk.path("run/best.png")).unwrap();
    let journal = desk.path("run/journal.jsonl");
    let begun: Vec<String> =
        fs::read_to_string(&journal).unwrap().lines().take(3).map(|line| format!("{line}\n")).collect();
    fs::write(&journal, begun.concat()).unwrap();
    let run: Value = serde_json::from_str(&desk.expect(0, &["edit", "--resume", "run", "--json"]).0).unwrap();
    assert_eq!(run["failed"], 0);
    assert_eq!(fs::read(desk.path("run/best.png")).unwrap(), best);
}

#[test]
fn equal_runs_at_once_do_not_get_in_each_others_way() {
    let desk = Desk::new();
    let photo = desk.picture("photo.png", 64);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| desk.expect(0, &["edit", &photo, "warmer"]));
        }
    });
    assert_eq!(fs::read_dir(desk.path("runs")).unwrap().count(), 4);
}

#[test]
fn scores_tell_right_from_wrong() {
    let desk = Desk::new();
    let photo = desk.picture("photo.png", 128);
    let source = image::open(desk.path("photo.png")).unwrap();
    source.brighten(25).save(desk.path("bright.png")).unwrap();
    source.brighten(-25).save(desk.path("dark.png")).unwrap();
    let score = |edited: &str| {
        let said = desk.json(&["score", &photo, edited, "make it brighter", "--json"]);
        said["scores"]["photometric"]["mean"].as_f64().unwrap()
    };
    assert!(score("bright.png") > 0.6 && score(&photo) < 0.2 && score("dark.png") < 0.2);
}

#[test]
fn a_recipe_that_only_judges_is_one() {
    let desk = Desk::new();
    let photo = desk.picture("photo.png", 64);
    let judges = desk.write("judges.yaml", b"version: 1\nrewards: [{model: {photometric: {}}}]\n");
    let said = desk.json(&["score", &photo, &photo, "brighter", "--json", "--recipe", &judges]);
    assert!(said["scores"]["photometric"]["mean"].is_number(), "{said}");
    let (_, err) = desk.expect(0, &["check", &judges]);
    assert_eq!(err, "judges.yaml: good to judge with, without an editor\n");
    let wrong = desk.write("wrong.yaml", b"version: 1\nrewards: [{model: {photometric: {}}, wieght: 2}]\n");
    let (out, _) = desk.expect(2, &["check", &wrong]);
    assert!(out.contains("wieght") && !out.contains("lacks the key"), "{out}");
    desk.expect(0, &["doctor", "--recipe", &judges]);
    let data = desk.write("rows.jsonl", b"{}\n");
    for (command, who) in [
        (&["edit", &photo, "brighter"][..], "`editscale edit`"),
        (&["run", &data, "--out", "out"], "`editscale run`"),
        (&["serve"], "serving"),
        (&["mcp"], "serving"),
    ] {
        let (_, err) = desk.expect(2, &[command, &["--recipe", &judges]].concat());
        let told = format!("error: recipe `judges.yaml` only judges: {who} needs the keys `editor` and `search`");
        assert!(err.contains(&told), "{err}");
    }
}

/// A recipe whose reward has the calibration in `judge.json`.
const CALIBRATED: &[u8] = b"version: 1\neditor: {darkroom: {}}\nsearch: {best_of_n: {samples: 3}}
rewards: [{model: {photometric: {}}, calibration: judge.json}]\n";

fn calibration(highest: f64, revision: &str) -> String {
    let knots = [[0.0, 1.0], [1.0, highest]];
    serde_json::json!({"version": 1, "reward": "photometric", "revision": revision, "between": "line", "knots": knots})
        .to_string()
}

#[test]
fn a_calibration_is_read_from_the_recipes_folder_and_pinned() {
    let desk = Desk::new();
    let photo = desk.picture("photo.png", 64);
    fs::create_dir(desk.path("recipes")).unwrap();
    let recipe = desk.write("recipes/mine.yaml", CALIBRATED);
    let (out, _) = desk.expect(2, &["check", &recipe]);
    assert!(out.contains("cannot use the calibration `judge.json`: ") && out.contains("mine.yaml:4:38"), "{out}");
    let file = desk.write("recipes/judge.json", calibration(5.0, "another").as_bytes());
    let (out, err) = desk.expect(0, &["check", &recipe]);
    assert!(out.contains("was fitted to scores of `another`") && err.contains("good, 1 warning"), "{out}{err}");

    let raw = desk.json(&["score", &photo, &photo, "brighter", "--json"])["scores"]["photometric"].clone();
    let (out, err) = desk.expect(0, &["score", &photo, &photo, "brighter", "--json", "--recipe", &recipe]);
    assert!(
        err.contains("warning: the calibration of reward `photometric` was fitted to scores of `another`"),
        "{err}"
    );
    let said = serde_json::from_str::<Value>(&out).unwrap()["scores"]["photometric"].clone();
    let mean = raw["mean"].as_f64().unwrap();
    assert!((said["mean"].as_f64().unwrap() - (1.0 + 4.0 * mean)).abs() < 1e-9, "{said}");
    let parts = said["parts"].to_string();
    assert!(parts.contains("uncalibrated") && parts.contains("preservation"), "{parts}");

    let first = desk.json(&["edit", &photo, "warmer", "--json", "--recipe", &recipe, "--run-dir", "first"]);
    // What is in the run is what it goes on with, whatever became of the file.
    desk.write(&file, calibration(9.0, "another").as_bytes());
    let (resumed, _) = desk.expect(0, &["edit", "--resume", "first", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&resumed).unwrap()["winner"], first["winner"]);
    let manifest = fs::read_to_string(desk.path("first/run.json")).unwrap();
    fs::write(desk.path("first/run.json"), manifest.replace("[1.0, 5.0]", "[1.0, 9.0]")).unwrap();
    let (_, err) = desk.expect(1, &["edit", "--resume", "first"]);
    assert!(err.contains("the reward differs") && err.contains("calibrated"), "{err}");
}

#[test]
fn bad_input_is_refused_by_name() {
    let desk = Desk::new();
    let photo = desk.picture("photo.png", 64);
    let long = "warmer ".repeat(14_000);
    let text = desk.write("text.png", b"not a picture at all");
    let empty = desk.write("empty.jpg", b"");
    let cut = desk.write("cut.jpg", &fs::read(PHOTO).unwrap()[..200]);
    let half = |name: &str, whole: &Path| {
        let bytes = fs::read(whole).unwrap();
        desk.write(name, &bytes[..bytes.len() / 2])
    };
    let (half_jpeg, half_png) = (half("half.jpg", Path::new(PHOTO)), half("half.png", &desk.path("photo.png")));
    let bad_recipe = desk.write("bad.yaml", b"version: 1\neditor: {darkrom: {}}\n");
    desk.write("out.png", b"precious");
    let cases: [(&[&str], &str); 28] = [
        (&["edit", "missing.jpg", "warmer"], "missing.jpg"),
        (&["edit", &text, "warmer"], "not a picture"),
        (&["edit", &empty, "warmer"], "empty"),
        (&["edit", &cut, "warmer"], "JPEG"),
        (&["edit", &half_jpeg, "warmer"], "half.jpg: the JPEG file is truncated"),
        (&["edit", &half_png, "warmer"], "half.png: the PNG file is truncated"),
        (&["edit", &photo, "warmer", "--mask", &half_png], "truncated"),
        (&["edit", &photo, "warmer", "--size", "20000x20000"], "megapixels"),
        (&["edit", &photo, "warmer", "--run-dir", "."], "not empty"),
        (&["edit", ".", "warmer"], "not a file"),
        (&["edit", &photo, "   "], "instruction is empty"),
        (&["edit", &photo, &long], "too long"),
        (&["edit", &photo], "expected a picture and an instruction"),
        (&["edit", &photo, "make", "it", "warmer"], "photo.png \"make it warmer\""),
        (&["edit", &photo, "make", "it", "warmer"], "put the instruction in quotation marks"),
        (&["edit", "--from", "run:0", "make", "it", "warmer"], "--from RUN:CANDIDATE \"make it warmer\""),
        (&["edit", &photo, "warmer", "-o", "out.png"], "exists"),
        (&["edit", &photo, "warmer", "-o", "nowhere/out.png"], "no folder"),
        (&["edit", &photo, "warmer", "-o", "out.xyz"], "format"),
        (&["edit", &photo, "warmer", "--recipe", "nothing"], "there is no recipe"),
        (&["edit", &photo, "warmer", "--recipe", &bad_recipe], "darkroom"),
        (&["edit", &photo, "warmer", "--recipe", "."], "not a file"),
        (&["doctor", "-o", "nowhere/cards.json"], "no folder nowhere"),
        (&["doctor", "-o", "out.png"], "out.png exists"),
        (&["edit", "--resume", "."], "not a run directory"),
        (&["edit", "--from", ".:0", "warmer"], "not a run directory"),
        (&["report", "."], "not a run directory"),
        (&["edit", "--from", "nowhere:x", "warmer"], "RUN:CANDIDATE"),
    ];
    for (arguments, words) in cases {
        let (out, err) = desk.expect(2, arguments);
        assert!(err.contains(words), "{arguments:?}: {err}");
        assert!(out.is_empty(), "{arguments:?} printed data: {out}");
    }
    assert_eq!(fs::read(desk.path("out.png")).unwrap(), b"precious");
    assert!(!desk.path("runs").exists(), "a refused run leaves nothing behind");
}

#[test]
fn an_early_failure_is_an_object_too() {
    let desk = Desk::new();
    let photo = desk.picture("photo.png", 64);
    let bad_recipe = desk.write("bad.yaml", b"version: 1\neditor: {darkrom: {}}\n");
    let cases: [(&[&str], i32, &str, &str); 7] = [
        (&["edit", "missing.jpg", "warmer", "--json"], 2, "usage", "missing.jpg"),
        (&["edit", &photo, "warmer", "--json", "--recipe", &bad_recipe], 2, "usage", "bad.yaml"),
        (&["edit", &photo, "warmer", "--json", "--dry-run", "--recipe", "nothing"], 2, "usage", "nothing"),
        (&["edit", "--jsno", "--json"], 2, "usage", "unexpected argument '--jsno'"),
        (&["check", "--json"], 2, "usage", "required arguments were not provided: <FILE|NAME>"),
        (&["doctor", "--json", "--recipe", "nothing"], 2, "usage", "nothing"),
        (&["score", &photo, "missing.jpg", "warmer", "--json"], 2, "usage", "missing.jpg"),
    ];
    for (arguments, code, kind, words) in cases {
        let (out, err) = desk.expect(code, arguments);
        let said: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}"));
        assert_eq!((&said["version"], &said["error"]["kind"]), (&1.into(), &kind.into()), "{arguments:?}");
        let message = said["error"]["message"].as_str().unwrap();
        assert!(message.contains(words) && !message.contains('\n'), "{arguments:?}: {message}");
        assert!(err.contains("error: "), "people are told as well: {err}");
    }
    let (out, _) = desk.expect(2, &["edit", &photo, "warmer", "--json", "--recipe", &bad_recipe]);
    let said: Value = serde_json::from_str(&out).unwrap();
    let found = said["error"]["diagnostics"].as_array().unwrap();
    assert!(found.iter().any(|one| one["line"] == 2 && one["column"] == 10), "{said:#}");
    let (out, _) = desk.expect(0, &["edit", "--help", "--json"]);
    assert!(out.contains("Usage"), "{out}");
}

#[test]
fn unusual_pictures_are_edited() {
    let desk = Desk::new();
    let photo = image::open(PHOTO).unwrap().thumbnail(64, 64);
    let kinds: [(&str, image::DynamicImage); 6] = [
        ("grey.png", image::DynamicImage::ImageLuma8(photo.to_luma8())),
        ("alpha.png", image::DynamicImage::ImageRgba8(photo.to_rgba8())),
        ("deep.png", image::DynamicImage::ImageRgb16(photo.to_rgb16())),
        ("dot.png", photo.crop_imm(0, 0, 1, 1)),
        ("thin.bmp", photo.crop_imm(0, 0, 64, 1)),
        ("web.webp", photo.clone()),
    ];
    for (name, image) in kinds {
        image.save(desk.path(name)).unwrap();
        let (out, _) = desk.expect(0, &["edit", name, "brighter"]);
        let edited = image::open(desk.path(out.trim())).unwrap();
        assert_eq!((edited.width(), edited.height()), (image.width(), image.height()), "{name}");
        assert_eq!(edited.color().has_alpha(), image.color().has_alpha(), "{name}");
    }
}

#[test]
fn check_lists_every_mistake_with_its_place() {
    let desk = Desk::new();
    let bad =
        desk.write("bad.yaml", b"version: 1\neditor: {darkroom: {}}\nrewards: []\nsearch: {best_of_n: {sampels: 8}}\n");
    let (out, _) = desk.expect(2, &["check", &bad]);
    assert!(out.contains("bad.yaml:3") && out.contains("bad.yaml:4") && out.contains("did you mean"), "{out}");
    let (out, _) = desk.expect(2, &["check", &bad, "missing.yaml", "--json"]);
    let checked: Value = serde_json::from_str(&out).unwrap();
    assert!(checked["files"][0]["diagnostics"].as_array().unwrap().len() >= 2);
    assert_eq!(checked["files"][1]["diagnostics"].as_array().unwrap().len(), 1);
    let empty = desk.write("empty.yaml", b"");
    let (out, _) = desk.expect(2, &["check", "missing.yaml", ".", &empty]);
    let told = "error: missing.yaml: cannot read the file";
    assert!(out.contains(told) && out.contains("\n\nerror: .: ") && !out.contains("-->"), "{out}");
    let (out, err) = desk.expect(0, &["check", "quickstart", "beam"]);
    assert_eq!((out.as_str(), err.as_str()), ("", "quickstart: good\nbeam: good\n"));
    let named = "version: 1\nrewards: [{model: {photometric: {}}}]\nsearch: {best_of_n: {samples: 8}}\neditors:\n  flux_kontext: {flux_kontext: {dir: nowhere}}\n";
    let named = desk.write("named.yaml", named.as_bytes());
    let (out, err) = desk.expect(0, &["check", &named]);
    assert!(out.contains("named.yaml:5:3") && out.contains("nowhere"), "{out}");
    assert_eq!(err, "named.yaml: good, 1 warning\n");
}

#[test]
fn check_looks_for_the_programs_of_plugins() {
    let desk = Desk::new();
    let with = |model: &str| format!("version: 1\nrewards:\n  - {{model: {model}}}\n");
    let missing = |model: &str| {
        let recipe = desk.write("plugin.yaml", with(model).as_bytes());
        desk.expect(0, &["check", &recipe]).0
    };
    for (model, kind, program) in [
        ("{plugin: {run: [no-such-program-here, x]}}", "plugin", "no-such-program-here"),
        ("{plugin: {run: [./no-such-file]}}", "plugin", "./no-such-file"),
        ("{command: {run: 'no-such-program-here {source}'}}", "command", "no-such-program-here"),
    ] {
        let out = missing(model);
        let told =
            format!("warning: the program `{program}` of the `{kind}` is not there: expected an executable file");
        assert!(out.contains(&told) && out.contains("plugin.yaml:3"), "{out}");
    }
    for model in ["{plugin: {run: [sh]}}", "{command: {run: 'sh {source}'}}", "{command: {run: 'echo 1; x'}}"] {
        let out = missing(model);
        assert!(out.contains("was not started") && !out.contains("is not there"), "{out}");
    }
}

/// What an editor cannot do is known although the judge beside it is a program that was not started.
#[test]
fn check_refuses_what_edit_refuses_whatever_programs_can_do() {
    let desk = Desk::new();
    for (rewards, rest, told) in [
        ("", "search: {noise_search: {rounds: 2}}", "editor `darkroom`: it does not let its noise be steered"),
        ("", "search: {particles: {particles: 4}}", "editor `darkroom`: it has a deterministic sampler"),
        (
            ", {model: {photometric: {}}}",
            "search: {best_of_n: {samples: 2}}\ncombine: {lower_bound: {}}",
            "reward `photometric`: it does not say how sure it is",
        ),
    ] {
        let rewards = format!("[{{name: judge, model: {{command: {{run: 'echo 0.5'}}}}}}{rewards}]");
        let text = format!("version: 1\neditor: {{darkroom: {{}}}}\nrewards: {rewards}\n{rest}\n");
        let recipe = desk.write("recipe.yaml", text.as_bytes());
        let (out, _) = desk.expect(2, &["check", &recipe]);
        assert!(out.contains(told) && out.contains("was not started"), "{out}");
    }
}

/// Before any edit is paid, and not after all of them.
#[test]
fn check_warns_of_what_no_candidate_reaches() {
    let desk = Desk::new();
    let gate = "gates: [{reward: photometric,";
    for (rest, told) in [
        (format!("{gate} part: preservatoin, at_least: 0}}]"), "did you mean `preservation`?"),
        (format!("{gate} at_least: 1.5}}]"), "no candidate passes this gate: scores of `photometric` are at most 1"),
        ("stop: {target_score: 5}".to_owned(), "`target_score` cannot be 5 with `weighted` of these rewards"),
    ] {
        let text = format!(
            "version: 1\neditor: {{darkroom: {{}}}}\nrewards: [{{model: {{photometric: {{}}}}}}]\n\
             search: {{best_of_n: {{samples: 2}}}}\n{rest}\n"
        );
        let recipe = desk.write("recipe.yaml", text.as_bytes());
        let (out, err) = desk.expect(0, &["check", &recipe]);
        assert!(out.contains(told) && out.contains("recipe.yaml:5") && err.contains("1 warning"), "{out}{err}");
    }
}

#[test]
fn a_run_of_another_version_is_refused() {
    let desk = Desk::new();
    let photo = desk.picture("photo.png", 64);
    desk.expect(0, &["edit", &photo, "warmer", "--run-dir", "run"]);
    let path = desk.path("run/run.json");
    let text = fs::read_to_string(&path).unwrap().replace("\"version\": 3", "\"version\": 7");
    fs::write(&path, text).unwrap();
    let (_, err) = desk.expect(2, &["edit", "--resume", "run"]);
    assert!(err.contains("format version 7"), "{err}");
}

#[test]
fn a_recipe_says_which_pictures_stay() {
    let desk = Desk::new();
    let photo = desk.picture("photo.png", 64);
    let recipe = "version: 1\neditor: {darkroom: {}}\nrewards: [{model: {photometric: {}}}]\nsearch: {best_of_n: {samples: 6}}\n";
    for (kept, expected) in [("{all: {}}", 6), ("{best: {count: 2}}", 2), ("{winner: {}}", 1)] {
        let recipe = desk.write("recipe.yaml", format!("{recipe}retain: {kept}\n").as_bytes());
        let run = desk.json(&["edit", &photo, "brighter", "--json", "--recipe", &recipe, "--force", "-o", "out.png"]);
        let folder = Path::new(run["run_dir"].as_str().unwrap());
        let left = fs::read_dir(desk.path("").join(folder).join("images")).unwrap().count();
        // The source stays too.
        assert_eq!(left, expected + 1, "{kept}");
        assert_eq!(run["candidates"].as_array().unwrap().len(), 6, "{kept}");
    }
}

#[test]
fn private_exif_is_dropped_unless_asked_for() {
    let mut exif = b"II*\0\x08\0\0\0\x01\0\x0e\x01\x02\0\x0c\0\0\0\x1a\0\0\0\0\0\0\0".to_vec();
    exif.extend(b"SECRET PLACE");
    let mut photo = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new(&mut photo);
    image::ImageEncoder::set_exif_metadata(&mut encoder, exif).unwrap();
    encoder.encode_image(&image::RgbImage::from_fn(40, 30, |x, y| image::Rgb([x as u8 * 6, y as u8 * 8, 90]))).unwrap();
    let desk = Desk::new();
    let photo = desk.write("photo.jpg", &photo);
    let secret = |name: &str| fs::read(desk.path(name)).unwrap().windows(6).any(|bytes| bytes == b"SECRET");
    assert!(secret("photo.jpg"));
    desk.expect(0, &["edit", &photo, "brighter", "-o", "public.jpg"]);
    desk.expect(0, &["edit", &photo, "brighter", "-o", "private.jpg", "--keep-metadata"]);
    assert!(!secret("public.jpg") && secret("private.jpg"));
}
