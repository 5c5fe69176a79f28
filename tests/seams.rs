//! One recipe means the same whoever uses it: `edit`, `run`, `serve` and an agent make the same candidates of the same request,
//! say the same of each, and choose the same one; `study` sees what they all see.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use editscale_testkit::exchange;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::{Value, json};

const INSTRUCTION: &str = "much warmer, with a soft vignette";
const SEED: u64 = 7;

/// A search that looks at rewards on its way, so that a difference anywhere becomes one everywhere.
const RECIPE: &str = "\
version: 1
editor: {darkroom: {}}
rewards:
  - {model: {photometric: {}}, weight: 0.7}
  - {model: {editreward: {dir: builtin}}, weight: 0.3}
search: {beam: {width: 2, children: 2, depth: 2}}
";

/// What is the same everywhere: of each candidate its seed, where it comes from, its scores and utility; and the winner.
#[derive(Debug)]
struct Told {
    candidates: Vec<Candidate>,
    winner: u64,
}

#[derive(Debug)]
struct Candidate {
    seed: u64,
    parent: Option<u64>,
    edge: String,
    /// Of `REWARDS`, in their order.
    scores: Vec<f64>,
    utility: f64,
}

/// By name, as rollouts have them.
const REWARDS: [&str; 2] = ["editreward", "photometric"];

/// How far scores of a trained judge may lie apart where rounds were cut into other batches (invariant I8).
const ALIKE: f64 = 1e-5;

impl Candidate {
    fn is(&self, other: &Self) -> bool {
        let numbers = |of: &Self| [&of.scores[..], &[of.utility]].concat();
        let far = |(one, two): (f64, f64)| (one - two).abs() > ALIKE;
        let lineage = |of: &Self| (of.seed, of.parent, of.edge.clone());
        lineage(self) == lineage(other) && !numbers(self).into_iter().zip(numbers(other)).any(far)
    }
}

impl Told {
    fn check(&self, other: &Self, who: &str) {
        assert_eq!(self.candidates.len(), other.candidates.len(), "{who}");
        for (id, (one, two)) in self.candidates.iter().zip(&other.candidates).enumerate() {
            assert!(one.is(two), "{who}, candidate {id}: {one:?} and {two:?}");
        }
        assert_eq!(self.winner, other.winner, "{who}");
    }
}

/// As `edit --json`, a trace over HTTP and a trace for an agent have them.
fn told(shown: &Value, winner: &Value) -> Told {
    let candidate = |shown: &Value| Candidate {
        seed: shown["seed"].as_u64().unwrap(),
        parent: shown["parent"].as_u64(),
        edge: shown["edge"].as_str().unwrap().to_owned(),
        scores: REWARDS.iter().map(|reward| shown["scores"][reward]["mean"].as_f64().expect("a score")).collect(),
        utility: shown["utility"].as_f64().unwrap(),
    };
    let candidates = shown["candidates"].as_array().expect("candidates").iter().map(candidate).collect();
    Told { candidates, winner: winner.as_u64().expect("a winner") }
}

struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        let photo = image::open(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/photos/coffee.jpg")).unwrap();
        photo.resize(120, 120, image::imageops::FilterType::Triangle).save(desk.path("photo.png")).unwrap();
        fs::write(desk.path("seam.yaml"), RECIPE).unwrap();
        let row = json!({"id": "one", "source": "photo.png", "instruction": INSTRUCTION, "seed": SEED});
        fs::write(desk.path("rows.jsonl"), format!("{row}\n")).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_editscale"));
        command.args(words).current_dir(self.0.path()).env_remove("RUST_LOG").stdin(Stdio::null());
        command
    }

    /// What a command that works prints.
    fn output(&self, words: &[&str]) -> String {
        let output = self.command(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn by_edit(&self) -> Told {
        let seed = SEED.to_string();
        let run =
            ["edit", "photo.png", INSTRUCTION, "--recipe", "seam.yaml", "--seed", &seed, "--run-dir", "runs/beam/1"];
        let shown: Value = serde_json::from_str(&self.output(&[&run[..], &["--json"]].concat())).unwrap();
        told(&shown, &shown["winner"]["id"])
    }

    fn by_run(&self) -> Told {
        self.output(&["run", "rows.jsonl", "--recipe", "seam.yaml", "--out", "rollouts"]);
        let files = fs::read_dir(self.path("rollouts/parquet")).unwrap().map(|entry| entry.unwrap().path());
        let rows: Vec<Row> = files.flat_map(|file| rows_of(&file)).collect();
        let winner = rows.iter().position(|row| matches!(cell(row, "selected"), Field::Bool(true))).unwrap();
        Told { candidates: rows.iter().map(candidate_of).collect(), winner: winner as u64 }
    }

    fn by_server(&self) -> Told {
        let mut child = self
            .command(&["serve", "--listen", "127.0.0.1:0", "--recipe", "seam.yaml", "--runs", "served"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://").expect("an address");
        let photo = fs::read(self.path("photo.png")).unwrap();
        let image = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, photo);
        let wish = json!({"image": format!("data:image/png;base64,{image}"), "instruction": INSTRUCTION, "seed": SEED});
        let run = asked(address, "POST /v1/runs", &wish.to_string())["id"].as_str().expect("a run").to_owned();
        // The events of a run end with it.
        exchange(address, &format!("GET /v1/runs/{run}/events"), "", "");
        let trace = asked(address, &format!("GET /v1/runs/{run}/trace"), "");
        child.kill().unwrap();
        child.wait().unwrap();
        told(&trace, &trace["winner"])
    }

    fn by_agent(&self) -> Told {
        let words = ["mcp", "--recipe", "seam.yaml", "--root", ".", "--runs", "agent", "--session-edits", "64"];
        let mut child =
            self.command(&words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (mut stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut lines = BufReader::new(stdout).lines();
        let mut ask = |id: u64, method: &str, params: Value| {
            writeln!(stdin, "{}", json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).unwrap();
            let said = lines.by_ref().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
            said.into_iter().find(|said| said["id"] == id).expect("an answer")["result"].clone()
        };
        let client = json!({"name": "seams", "version": "1"});
        ask(1, "initialize", json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}));
        let wish = json!({"image": "photo.png", "instruction": INSTRUCTION, "seed": SEED});
        let edited =
            ask(2, "tools/call", json!({"name": "edit_image", "arguments": wish}))["structuredContent"].clone();
        let read = ask(3, "resources/read", json!({"uri": edited["trace"]}));
        let trace: Value = serde_json::from_str(read["contents"][0]["text"].as_str().expect("a trace")).unwrap();
        drop(stdin);
        child.wait().unwrap();
        told(&trace, &trace["winner"])
    }
}

/// What a request is answered.
fn asked(address: &str, wish: &str, body: &str) -> Value {
    let (_, _, answer) = exchange(address, wish, "", body);
    serde_json::from_slice(&answer).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&answer)))
}

fn rows_of(file: &Path) -> Vec<Row> {
    let reader = SerializedFileReader::new(fs::File::open(file).unwrap()).unwrap();
    reader.get_row_iter(None).unwrap().map(Result::unwrap).collect()
}

fn cell<'a>(row: &'a Row, name: &str) -> &'a Field {
    row.get_column_iter().find(|(column, _)| *column == name).unwrap_or_else(|| panic!("no column `{name}`")).1
}

fn number(field: &Field) -> f64 {
    match field {
        Field::Double(number) => *number,
        other => panic!("expected a number, found {other:?}"),
    }
}

fn whole(field: &Field) -> u64 {
    match field {
        Field::ULong(number) => *number,
        Field::Long(number) => u64::try_from(*number).unwrap(),
        Field::UInt(number) => u64::from(*number),
        Field::Int(number) => u64::try_from(*number).unwrap(),
        other => panic!("expected a whole number, found {other:?}"),
    }
}

/// A candidate as rollouts have it.
fn candidate_of(row: &Row) -> Candidate {
    let list = |name: &str| match cell(row, name) {
        Field::ListInternal(list) => list.elements().to_vec(),
        other => panic!("expected a list in `{name}`, found {other:?}"),
    };
    let mean = |score: &Field| match score {
        Field::Group(score) => number(cell(score, "mean")),
        other => panic!("expected a score, found {other:?}"),
    };
    let edge = match cell(row, "edge") {
        Field::Str(edge) => edge.clone(),
        other => panic!("expected a word, found {other:?}"),
    };
    Candidate {
        seed: whole(cell(row, "seed")),
        parent: list("parents").first().map(whole),
        edge,
        scores: list("scores").iter().map(mean).collect(),
        utility: number(cell(row, "reward")),
    }
}

#[test]
fn a_recipe_means_the_same_whoever_uses_it() {
    let desk = Desk::new();
    let edited = desk.by_edit();
    assert!(edited.candidates.iter().any(|candidate| candidate.parent.is_some()), "{edited:?}");
    desk.by_run().check(&edited, "run and edit");
    desk.by_server().check(&edited, "serve and edit");
    desk.by_agent().check(&edited, "mcp and edit");
    desk.output(&["study", "runs/beam", "served", "agent", "--out", "study"]);
    let study: Value = serde_json::from_str(&fs::read_to_string(desk.path("study/study.json")).unwrap()).unwrap();
    let best = edited.candidates[usize::try_from(edited.winner).unwrap()].utility;
    let paths = study["paths"].as_array().unwrap();
    assert!(!paths.is_empty(), "{study}");
    for path in paths {
        let last = path["points"].as_array().unwrap().last().unwrap();
        assert!((last["gold"]["mean"].as_f64().unwrap() - best).abs() < ALIKE, "{path} ends with {best}");
    }
}
