//! What gates on `photometric` bar, on edits that other software made: copies of the source and destroyed pictures, and hardly
//! anything else.
//!
//! The committed third of the corpus is judged by default; `EDITSCALE_PHOTOMETRIC_CORPUS` names a folder with the whole of it.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on fails, and shows what it found")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use editscale_darkroom::language::read;
use editscale_darkroom::photometric::{Assessment, SourceView, assess};
use editscale_picture::{Limits, Pixels, decode};
use serde_json::Value;

/// The gates of `configs/guarded.yaml` and of `docs/search.md`: the part, and the least value that passes.
const COPY: (&str, f64) = ("instruction_following", 0.1);
const DESTROYED: [(&str, f64); 2] = [("preservation", 0.3), ("visual_quality", 0.3)];

fn corpus() -> PathBuf {
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/photometric");
    std::env::var_os("EDITSCALE_PHOTOMETRIC_CORPUS").map_or_else(|| committed.into(), PathBuf::from)
}

fn load(folder: &Path, name: &str) -> Pixels {
    decode(&fs::read(folder.join(name)).unwrap(), &Limits::default()).unwrap().pixels
}

fn part(assessment: &Assessment, name: &str) -> f64 {
    match name {
        "instruction_following" => assessment.instruction_following,
        "preservation" => assessment.preservation,
        _ => assessment.visual_quality,
    }
}

/// By role, what each case's picture was found to be.
fn assessments() -> BTreeMap<&'static str, Vec<Assessment>> {
    let folder = corpus();
    let mut found: BTreeMap<&'static str, Vec<Assessment>> = BTreeMap::new();
    for line in fs::read_to_string(folder.join("cases.jsonl")).unwrap().lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let plan = read(case["instruction"].as_str().unwrap());
        let source = SourceView::new(&load(&folder, case["source"].as_str().unwrap()));
        for role in ["right", "copy", "destroyed"] {
            if let Some(name) = case[role].as_str().filter(|_| !plan.edits.is_empty()) {
                found.entry(role).or_default().push(assess(&source, &load(&folder, name), &plan));
            }
        }
    }
    found
}

/// What is measured here is what the recipe and the page say.
#[test]
fn the_gates_are_those_that_people_are_shown() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for file in ["configs/guarded.yaml", "docs/search.md"] {
        let text = fs::read_to_string(root.join(file)).unwrap();
        for (part, least) in [COPY, DESTROYED[0], DESTROYED[1]] {
            let gate = format!("- {{reward: photometric, part: {part}, at_least: {least}}}");
            assert!(text.contains(&gate), "{file} lacks {gate}");
        }
    }
}

#[test]
fn gates_bar_copies_and_destroyed_pictures_and_let_right_edits_pass() {
    let found = assessments();
    let passes = |assessment: &Assessment, (name, least): &(&str, f64)| part(assessment, name) >= *least;
    let share = |role: &str, gates: &[(&str, f64)]| {
        let all = &found[role];
        let passing = all.iter().filter(|assessment| gates.iter().all(|gate| passes(assessment, gate))).count();
        (passing, all.len())
    };
    let all = [COPY, DESTROYED[0], DESTROYED[1]];
    for role in found.keys() {
        println!(
            "{role:10} copy gate {:?}, destroyed gates {:?}, all {:?}",
            share(role, &[COPY]),
            share(role, &DESTROYED),
            share(role, &all)
        );
        for name in ["instruction_following", "preservation", "visual_quality"] {
            let mut values: Vec<f64> = found[role].iter().map(|assessment| part(assessment, name)).collect();
            values.sort_by(f64::total_cmp);
            let at = |share: f64| values[((values.len() - 1) as f64 * share) as usize];
            println!("  {name:22} {:.2} {:.2} {:.2} {:.2} {:.2}", at(0.0), at(0.05), at(0.5), at(0.95), at(1.0));
        }
    }
    // A picture that is nearly as asked already follows the instruction without an edit.
    let (copies, count) = share("copy", &[COPY]);
    assert!(copies as f64 <= 0.05 * count as f64, "of {count} copies of the source {copies} pass");
    assert_eq!(share("destroyed", &DESTROYED).0, 0, "a destroyed picture passes");
    let (right, count) = share("right", &all);
    assert!(right as f64 >= 0.95 * count as f64, "of {count} right edits only {right} pass");
}
