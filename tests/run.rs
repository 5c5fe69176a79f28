//! `editscale run` as people use it: whole data sets in, rollouts out, whatever happens on the way.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on fails"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use editscale_testkit::said;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use serde_json::Value;

const PHOTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/photos/coffee.jpg");

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// Three candidates a row, two groups a shard, everything written.
const RECIPE: &str = "\
version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 3}}
rollout: {export: {groups_per_shard: 2, webdataset: true, pairs: {}, best_worst: {}, sft: {}}}
";

/// Variables of schedulers, which whoever runs these tests may have set.
const VARIABLES: [&str; 12] = [
    "SLURM_ARRAY_TASK_ID",
    "SLURM_ARRAY_TASK_MIN",
    "SLURM_ARRAY_TASK_MAX",
    "SLURM_ARRAY_TASK_STEP",
    "SLURM_ARRAY_TASK_COUNT",
    "SLURM_PROCID",
    "SLURM_NTASKS",
    "JOB_COMPLETION_INDEX",
    "JOB_COMPLETIONS",
    "SKYPILOT_NODE_RANK",
    "SKYPILOT_NUM_NODES",
    "RUST_LOG",
];

/// A folder of its own for one test, with a recipe.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        desk.write("recipe.yaml", RECIPE);
        desk
    }

    /// With a data set of good rows, `rows.jsonl`.
    fn with_rows(count: usize) -> Self {
        let desk = Self::new();
        desk.picture("photo.png", 48);
        desk.write("rows.jsonl", &rows(count));
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn picture(&self, name: &str, edge: u32) {
        let image = image::open(PHOTO).unwrap().resize(edge, edge, image::imageops::FilterType::Triangle);
        image.save(self.path(name)).unwrap();
    }

    /// `editscale run …` with the desk's recipe.
    fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_editscale"));
        command.arg("run").args(words.split(' ')).current_dir(self.0.path()).stdin(Stdio::null());
        if !words.contains("--recipe") {
            command.args(["--recipe", "recipe.yaml"]);
        }
        for name in VARIABLES {
            command.env_remove(name);
        }
        command
    }

    /// Runs and expects an exit code; hands out stdout and stderr.
    fn expect(&self, code: i32, words: &str) -> (String, String) {
        said(code, self.command(words).output().unwrap(), words)
    }

    fn json(&self, code: i32, words: &str) -> Value {
        let (out, err) = self.expect(code, &format!("{words} --json"));
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}\n{err}"))
    }

    /// Starts a process that is ended while it works.
    fn start(&self, words: &str) -> Child {
        self.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// The rows of an export, by rollout and candidate, without what differs from run to run.
    fn rows(&self, out: &str) -> BTreeMap<String, Vec<String>> {
        let mut all = BTreeMap::new();
        for file in files(&self.path(out).join("parquet")) {
            let reader = SerializedFileReader::new(fs::File::open(file).unwrap()).unwrap();
            for row in reader.get_row_iter(None).unwrap() {
                let row = row.unwrap();
                let cells = row.get_column_iter().filter(|(name, _)| !name.starts_with("timing_") && *name != "worker");
                let cells: Vec<String> = cells.map(|(name, cell)| format!("{name} = {cell:?}")).collect();
                let is_key = |cell: &&String| cell.starts_with("rollout_id =") || cell.starts_with("candidate =");
                let key: Vec<&str> = cells.iter().filter(is_key).map(String::as_str).collect();
                assert_eq!(key.len(), 2, "{key:?}");
                let key = key.join(", ");
                assert!(all.insert(key.clone(), cells).is_none(), "{key} is there twice");
            }
        }
        all
    }

    /// The lines about rows that came to nothing.
    fn skipped(&self, out: &str) -> Vec<Value> {
        let files = files(&self.path(out).join("skipped"));
        let text: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The summaries of the shards that are there.
    fn shards(&self, out: &str) -> Vec<Value> {
        let files = files(&self.path(out).join("shards"));
        files.iter().map(|file| serde_json::from_slice(&fs::read(file).unwrap()).unwrap()).collect()
    }

    /// Waits until a process has written so many shards; it must not end before.
    fn wait_for_shards(&self, out: &str, count: usize, child: &mut Child) {
        let began = Instant::now();
        while files(&self.path(out).join("shards")).len() < count {
            assert!(child.try_wait().unwrap().is_none(), "it was done before it was stopped");
            assert!(began.elapsed() < PATIENCE, "no shard came");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// The files of a folder in name order; none where it is not there.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
    // What begins with a dot, or ends in `.part`, is being written.
    let is_whole = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        !name.starts_with('.') && !name.ends_with(".part")
    };
    let mut files: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).filter(is_whole).collect();
    files.sort();
    files
}

fn rows(count: usize) -> String {
    let words = ["make it warmer", "more contrast", "slightly darker, with a soft vignette", "less saturated"];
    let row = |number: usize| {
        let instruction = words[number % words.len()];
        format!("{{\"id\": \"row-{number}\", \"image\": \"photo.png\", \"instruction\": \"{instruction}\"}}\n")
    };
    (0..count).map(row).collect()
}

#[test]
fn a_data_set_becomes_rollouts_and_bad_rows_are_told() {
    let desk = Desk::with_rows(3);
    desk.write("torn.png", "no picture");
    let bad = "not JSON\n{\"id\": 3, \"image\": \"gone.png\", \"instruction\": \"warmer\"}\n\
               {\"id\": 4, \"image\": \"torn.png\", \"instruction\": \"warmer\"}\n\
               {\"id\": 5, \"image\": \"photo.png\", \"instruction\": \" \"}\n";
    desk.write("rows.jsonl", &format!("{}{bad}{}", rows(2), rows(1).replace("row-0", "row-2")));
    let said = desk.json(0, "rows.jsonl --out rollouts");
    let counts = serde_json::json!({"entered": 7, "done": 3, "skipped": 4, "given_up": 0, "left": 0});
    assert_eq!((&said["rows"], &said["state"], &said["candidates"]), (&counts, &"finished".into(), &9.into()));
    assert_eq!((said["ledger"]["edits"].as_u64(), said["shards"].as_u64()), (Some(9), Some(4)));
    let documented = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.md")).unwrap();
    for place in ["", "/rows", "/ledger"] {
        for key in said.pointer(place).unwrap().as_object().unwrap().keys() {
            assert!(documented.contains(&format!("`{key}`")), "`{key}` is not documented");
        }
    }
    let lines: Vec<String> = desk.skipped("rollouts").iter().map(|line| line["reason"].to_string()).collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    for ((line, number), word) in lines.iter().zip(3..).zip(["JSON", "gone.png", "torn.png", "instruction"]) {
        assert!(line.contains(&format!("rows.jsonl, line {number}: ")) && line.contains(word), "{line}: {word}");
    }
    assert_eq!(desk.rows("rollouts").len(), 9);
    // What is written is as its shard says.
    let mut rows = BTreeMap::new();
    for file in desk.shards("rollouts").iter().flat_map(|shard| shard["files"].as_array().unwrap().clone()) {
        let path = file["path"].as_str().unwrap();
        assert_eq!(fs::metadata(desk.path("rollouts").join(path)).unwrap().len(), file["bytes"], "{path}");
        let (folder, _) = path.rsplit_once('/').unwrap();
        *rows.entry(folder.to_owned()).or_insert(0) += file["rows"].as_u64().unwrap();
    }
    let rows: Vec<(&str, u64)> = rows.iter().map(|(folder, count)| (folder.as_str(), *count)).collect();
    let expected = [("parquet", 9), ("skipped", 4), ("views/best_worst", 6), ("views/pairs", 3), ("views/sft", 9)];
    assert_eq!(rows, [&expected[..], &[("webdataset", 9)]].concat());
}

#[test]
fn a_second_run_does_nothing() {
    let desk = Desk::with_rows(3);
    let (out, err) = desk.expect(0, "rows.jsonl --out rollouts");
    assert_eq!(out, "rollouts\n");
    assert!(err.contains("JSONL, rows.jsonl: rows.jsonl; source = `image`, instruction = `instruction`"), "{err}");
    assert!(err.contains("3 groups with 9 scored candidates; 0 rows skipped, 0 given up"), "{err}");
    let shards = || {
        let of = |file: PathBuf| (fs::metadata(&file).unwrap().modified().unwrap(), fs::read(&file).unwrap());
        files(&desk.path("rollouts/parquet")).into_iter().map(of).collect::<Vec<_>>()
    };
    let before = shards();
    let said = desk.json(0, "rows.jsonl --out rollouts");
    assert_eq!((said["rows"]["done"].as_u64(), said["ledger"]["edits"].as_u64()), (Some(3), Some(9)));
    assert_eq!(said, desk.json(0, "./rows.jsonl --out rollouts --groups-at-once 1"), "how it is done may differ");
    assert!(shards() == before, "a file was written again");
}

#[test]
fn a_folder_of_pictures_with_a_table_is_a_data_set() {
    let desk = Desk::new();
    fs::create_dir(desk.path("photos")).unwrap();
    desk.picture("photos/a.png", 32);
    desk.picture("photos/b.jpg", 40);
    desk.write("photos/metadata.csv", "file_name,what,topic\na.png,\"warmer,\nand darker\",x\nb.jpg,more contrast,y\n");
    let columns = "rollout: {columns: {instruction: what, keep: [topic]}, repeats: 2}\n";
    desk.write("csv.yaml", &RECIPE.replace(&RECIPE[RECIPE.find("rollout:").unwrap()..], columns));
    let said = desk.json(0, "photos --recipe csv.yaml --out rollouts");
    assert_eq!((said["rows"]["done"].as_u64(), said["candidates"].as_u64()), (Some(4), Some(12)));
    let rows = desk.rows("rollouts");
    let with = |cell: &str| rows.values().filter(|cells| cells.iter().any(|found| found.contains(cell))).count();
    assert_eq!(
        (with(r#"topic\":\"x\"#), with(r#"topic\":\"y\"#), with("instruction = Str(\"more contrast\")")),
        (6, 6, 6)
    );
    let said = desk.json(0, "photos --recipe csv.yaml --out again --repeats 1");
    assert_eq!(said["rows"]["done"], 2);
}

#[test]
fn what_is_going_on_in_a_folder_is_not_mixed_with_anything_else() {
    let desk = Desk::with_rows(2);
    desk.expect(0, "rows.jsonl --out rollouts");
    desk.write("other.jsonl", &rows(1));
    desk.write("other.yaml", &RECIPE.replace("samples: 3", "samples: 4"));
    for (words, named) in [
        (
            "rows.jsonl --out rollouts --recipe other.yaml",
            "the recipe was `search: {best_of_n: {samples: 3}}`, here it is",
        ),
        ("rows.jsonl --out rollouts --seed 7", "--seed was `0`, here it is `7`"),
        ("rows.jsonl --out rollouts --repeats 2", "the number of repeats was `1`, here it is `2`"),
        ("rows.jsonl --out rollouts --shard 0/2", "the number of shares of --shard was `none`, here it is `2`"),
        ("other.jsonl --out rollouts", "the data set was "),
        ("rows.jsonl --out other --depot rollouts/depot --seed 7", "--seed was `0`, here it is `7`"),
    ] {
        // The depot beside the rollouts is named here for the first time.
        if words.contains("--depot") {
            fs::copy(desk.path("rollouts/rollout.json"), desk.path("rollouts/depot/rollout.json")).unwrap();
        }
        let (out, err) = desk.expect(2, words);
        assert!(out.is_empty() && err.contains(named), "{words}: {out}\n{err}");
        assert!(err.contains("rollout.json") && err.contains("hint: give another --out"), "{err}");
    }
    assert_eq!(desk.rows("rollouts").len(), 6);
}

/// Pictures that nobody could judge are kept, and are no success.
#[test]
fn a_reward_that_always_fails_is_told() {
    let desk = Desk::with_rows(2);
    let reward = "{model: {command: {run: \"echo broken >&2; exit 3\"}}}";
    desk.write("recipe.yaml", &RECIPE.replace("{model: {photometric: {}}}", reward));
    let (_, err) = desk.expect(1, "rows.jsonl --out rollouts");
    assert!(err.contains("2 groups with 0 scored candidates"), "{err}");
    assert!(err.contains("no candidate has a score: reward `command`: ") && err.contains("broken"), "{err}");
}

/// Rows of two versions of a model in one data set would be told apart by nobody.
#[test]
fn workers_of_another_program_are_refused() {
    let desk = Desk::with_rows(3);
    desk.expect(0, "rows.jsonl --out rollouts");
    let noted = desk.path("rollouts/depot/revisions");
    let revisions = fs::read_to_string(&noted).unwrap();
    assert!(revisions.starts_with("editor darkroom: ") && revisions.contains("\nreward photometric: "), "{revisions}");
    let other = revisions.replacen("editor darkroom: ", "editor darkroom: an earlier ", 1);
    fs::write(&noted, &other).unwrap();
    let (_, err) = desk.expect(2, "rows.jsonl --out rollouts");
    assert!(err.contains("begun with `editor darkroom: an earlier ") && err.contains("this worker has `"), "{err}");
    fs::write(&noted, format!("{revisions}\nreward second: 1")).unwrap();
    desk.expect(2, "rows.jsonl --out rollouts");
    // Somebody who makes nothing has no models that could differ.
    desk.expect(0, "rows.jsonl --out rollouts --role export");
}

#[test]
fn a_folder_that_was_moved_is_gone_on_with() {
    let desk = Desk::with_rows(3);
    desk.expect(0, "rows.jsonl --out rollouts");
    fs::rename(desk.path("rollouts"), desk.path("moved")).unwrap();
    let summary = desk.json(0, "rows.jsonl --out moved");
    assert_eq!(summary["rows"]["done"], 3, "{summary}");
    assert_eq!(desk.rows("moved").len(), 9);
}

#[test]
fn what_cannot_be_is_said_before_anything_is_written() {
    let desk = Desk::with_rows(1);
    desk.write("notes.txt", "these are\nno rows\n");
    desk.write("odd.jsonl", "{\"before\": \"photo.png\", \"what\": \"warmer\"}\n");
    desk.write("empty.jsonl", "");
    desk.write("misnamed.yaml", &RECIPE.replace("rollout: {", "rollout: {columns: {mask: veil}, "));
    desk.write("policy.yaml", &RECIPE.replace("rollout: {", "rollout: {policy: {version: a, adapter: b}, "));
    desk.write("follow.yaml", &RECIPE.replace("rollout: {", "rollout: {policy: {version: a, follow: b.json}, "));
    desk.write("editor.yaml", &RECIPE.replace("rollout: {", "rollout: {policy: {version: a, editor: b}, "));
    for (words, named) in [
        ("gone.jsonl", "gone.jsonl: No such file"),
        ("notes.txt", "notes.txt: "),
        ("empty.jsonl", "empty.jsonl: "),
        ("odd.jsonl", "the columns are `before`, `what`. Say in the recipe which is which: rollout: {columns: "),
        (
            "rows.jsonl --recipe misnamed.yaml",
            "columns.mask names `veil`, which is not a column; the columns are `id`, `image`",
        ),
        ("rows.jsonl --recipe gone.yaml", "gone.yaml"),
        ("rows.jsonl --recipe policy.yaml", "editor `darkroom` cannot take up policy `a` (the adapter `b`, scale 1)"),
        ("rows.jsonl --recipe follow.yaml", "editor `darkroom` cannot take up"),
        ("rows.jsonl --recipe editor.yaml", "the recipe has no editor `b`"),
        (
            "rows.jsonl --shard 3/3",
            "--shard 3/3: `3/3` is no shard: shards are counted from 0, so the last one of 3 is 2/3",
        ),
        ("rows.jsonl --shard third", "expected i/n, such as 0/4 for the first of four shards"),
        ("rows.jsonl --shard auto", "no variable of Slurm, Kubernetes or SkyPilot tells this process's share"),
        ("rows.jsonl --queue redis://here", "--queue redis://here: expected `sqlite` or nats://HOST:PORT"),
        ("rows.jsonl --queue nats://", "--queue: expected nats://HOST:PORT or tls://HOST:PORT"),
        ("rows.jsonl --queue nats://user:word@a//b", "--queue: expected nats://HOST:PORT"),
        ("rows.jsonl --depot ftp://here/there", "--depot: "),
        ("--role work", "whoever does not see the data set needs --queue nats://HOST:PORT and --depot"),
        ("--role work --queue nats://127.0.0.1:9", "needs --queue nats://HOST:PORT and --depot"),
        ("--role export --depot depot", "needs --queue nats://HOST:PORT and --depot"),
        ("--role feed --queue nats://127.0.0.1:9 --depot depot", "the data set is missing"),
    ] {
        let (out, err) = desk.expect(2, &format!("{words} --out rollouts"));
        assert!(out.is_empty() && err.contains(named), "{words}: {out}\n{err}");
        assert!(!desk.path("rollouts").exists(), "{words} has written something");
        let said = desk.json(2, &format!("{words} --out rollouts"));
        assert_eq!(said["error"]["kind"], "usage", "{words}: {said}");
    }
    for words in ["--out rollouts", "rows.jsonl", "rows.jsonl --out rollouts --shard 0/2 --queue nats://127.0.0.1:9"] {
        let (out, err) = desk.expect(2, words);
        assert!(out.is_empty() && err.contains("--"), "{words}: {out}\n{err}");
    }
}

#[test]
fn shares_by_the_variables_of_schedulers_are_together_the_whole() {
    let desk = Desk::with_rows(5);
    desk.expect(0, "rows.jsonl --out whole");
    let slurm = [("SLURM_ARRAY_TASK_ID", "1"), ("SLURM_ARRAY_TASK_MIN", "1"), ("SLURM_ARRAY_TASK_COUNT", "2")];
    let kubernetes = [("JOB_COMPLETION_INDEX", "1"), ("JOB_COMPLETIONS", "2")];
    for (variables, share) in [(&slurm[..], "share 0 of 2, by "), (&kubernetes[..], "share 1 of 2, by ")] {
        let words = "rows.jsonl --out shares --shard auto";
        let output = desk.command(words).envs(variables.iter().copied()).output().unwrap();
        let (out, err) = said(0, output, words);
        let (name, value) = variables[0];
        assert!(out == "shares\n" && err.contains(share) && err.contains(&format!("{name}={value}")), "{err}");
    }
    assert_eq!(desk.rows("shares"), desk.rows("whole"));
    let names: Vec<_> =
        files(&desk.path("shares/shards")).iter().map(|path| path.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, ["rollouts-0-of-2-00000.json", "rollouts-0-of-2-00001.json", "rollouts-1-of-2-00000.json"]);
    assert!(desk.path("shares/progress-1-of-2.json").exists());
    let words = "rows.jsonl --out more --shard auto";
    let incomplete = desk.command(words).env("JOB_COMPLETION_INDEX", "1").output().unwrap();
    let (_, err) = said(2, incomplete, words);
    assert!(err.contains("JOB_COMPLETION_INDEX is set and JOB_COMPLETIONS is not"), "{err}");
}

#[test]
fn instructions_that_cannot_be_followed_are_given_up_and_nothing_at_all_is_a_failure() {
    let desk = Desk::with_rows(1);
    desk.write("hats.jsonl", "{\"image\": \"photo.png\", \"instruction\": \"make it warmer and add a hat\"}\n");
    let (out, err) = desk.expect(1, "hats.jsonl --out rollouts");
    assert_eq!(out, "rollouts\n");
    assert!(err.contains("0 groups with 0 scored candidates; 0 rows skipped, 1 given up"), "{err}");
    assert!(err.contains("rollouts/skipped/*.jsonl") && err.contains("error: nothing came of any row"), "{err}");
    let told = desk.skipped("rollouts");
    assert_eq!(told[0]["outcome"], "dead");
    let reason = told[0]["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("hats.jsonl, line 1: no candidate could be made: ") && reason.contains("hat"),
        "{reason}"
    );
    let said = desk.json(0, "hats.jsonl --out parts --partial");
    assert_eq!((said["rows"]["done"].as_u64(), said["candidates"].as_u64()), (Some(1), Some(3)));
}

#[cfg(unix)]
#[test]
fn what_is_told_to_stop_puts_its_work_aside_and_goes_on_later() {
    let desk = Desk::with_rows(4);
    let words = "rows.jsonl --out rollouts --repeats 25 --grace-secs 60";
    let mut child = desk.start(words);
    desk.wait_for_shards("rollouts", 1, &mut child);
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let (out, err) = said(75, child.wait_with_output().unwrap(), words);
    assert_eq!(out, "rollouts\n");
    assert!(err.contains("stopping: runs under way have 60 seconds"), "{err}");
    assert!(err.contains("rows are left: run the same command line again to go on"), "{err}");
    let progress: Value = serde_json::from_slice(&fs::read(desk.path("rollouts/progress.json")).unwrap()).unwrap();
    assert_eq!((progress["state"].as_str(), progress["leased"].as_u64()), (Some("stopped"), Some(0)));
    let said = desk.json(0, words);
    assert_eq!((said["rows"]["done"].as_u64(), said["ledger"]["edits"].as_u64()), (Some(100), Some(300)));
    assert_eq!(desk.rows("rollouts").len(), 300);
}

#[cfg(unix)]
#[test]
fn processes_killed_at_any_moment_cost_no_row_and_make_none_twice() {
    let desk = Desk::with_rows(4);
    let words = |out: &str| format!("rows.jsonl --out {out} --repeats 12 --lease-secs 5 --deliveries 100");
    desk.expect(0, &words("whole"));
    let (mut first, mut second) = (desk.start(&words("killed")), desk.start(&words("killed")));
    for (count, child) in [(2, &mut first), (6, &mut second)] {
        desk.wait_for_shards("killed", count, child);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(desk.shards("killed").len() < 24, "it was done before it was killed");
    // Two again, as after a machine has come back.
    let (mut first, second) = (desk.start(&words("killed")), desk.json(0, &words("killed")));
    assert!(first.wait().unwrap().success());
    assert_eq!(second["rows"]["done"], 48);
    assert_eq!(desk.rows("killed"), desk.rows("whole"));
    let bytes = |out: &str| files(&desk.path(out)).iter().map(|file| fs::read(file).unwrap()).collect::<Vec<_>>();
    assert!(bytes("killed/views/pairs") == bytes("whole/views/pairs"), "a view differs");
}
