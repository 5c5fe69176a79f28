//! Each study in its quick form: it has its shape, and the same bytes twice.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use editscale_proofs::output::Findings;
use editscale_proofs::overoptimisation::pool::{self, POOL};
use editscale_proofs::{darkroom, overoptimisation, simulated};

/// Every file that a study writes.
fn files(findings: &Findings) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    findings.write(folder.path()).unwrap();
    let entries = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap())).collect()
}

/// The files of a study, made twice.
fn made_twice(study: impl Fn() -> Findings, expected: &[&str]) {
    let (first, second) = (files(&study()), files(&study()));
    assert_eq!(first.keys().map(String::as_str).collect::<Vec<_>>(), expected);
    for (name, bytes) in &first {
        assert!(bytes == &second[name], "{name} differs");
        assert!(bytes.len() > 100, "{name} is nearly empty");
    }
    let json = expected.iter().find(|name| name.split('.').next_back() == Some("json")).unwrap();
    let _whole: serde_json::Value = serde_json::from_slice(&first[*json]).unwrap();
}

#[test]
fn the_simulated_study_is_the_same_twice() {
    let expected = [
        "coverage.csv",
        "guarded-selection.csv",
        "guarded-selection.svg",
        "index.html",
        "savings.csv",
        "simulated.json",
        "sweep.csv",
    ];
    made_twice(|| simulated::study(simulated::Size::QUICK).unwrap(), &expected);
}

#[test]
fn the_darkroom_study_is_the_same_twice() {
    let expected =
        ["darkroom.json", "dear-judgements.csv", "equal-cost.csv", "index.html", "quality-against-edits.svg"];
    made_twice(|| darkroom::study(true).unwrap(), &expected);
}

#[test]
fn a_pool_is_read_as_it_was_written_and_is_the_same_twice() {
    let folder = tempfile::tempdir().unwrap();
    let rows = pool::make(2, 4).unwrap();
    let text = pool::written(&rows);
    assert_eq!(text, pool::written(&pool::make(2, 4).unwrap()));
    let path = folder.path().join(POOL);
    fs::write(&path, &text).unwrap();
    assert_eq!(pool::written(&pool::read(&path).unwrap()), text);
    let expected = [
        "agreement.csv",
        "curves.csv",
        "gold-held-out.svg",
        "gold-photometric.svg",
        "index.html",
        "overoptimisation.json",
    ];
    made_twice(|| overoptimisation::study(&path, true).unwrap(), &expected);
}

fn kept(study: &str, file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/studies").join(study).join(file)
}

/// Two cells of a table: equal words, or numbers that differ by less than the last digit that is written.
fn same(one: &str, other: &str) -> bool {
    match (one.parse::<f64>(), other.parse::<f64>()) {
        (Ok(one), Ok(other)) => (one - other).abs() < 1.5e-4,
        _ => one == other,
    }
}

/// What is in the repository is what its pool says. Other processors may write another last digit.
#[test]
fn the_kept_curves_come_of_the_kept_pool() {
    let fresh = files(&overoptimisation::study(&kept("overoptimisation", POOL), false).unwrap());
    for name in ["curves.csv", "agreement.csv"] {
        let found = fs::read_to_string(kept("overoptimisation", name)).unwrap();
        let fresh = String::from_utf8(fresh[name].clone()).unwrap();
        assert_eq!(found.lines().count(), fresh.lines().count(), "{name}");
        for (found, fresh) in found.lines().zip(fresh.lines()) {
            let (one, other): (Vec<&str>, Vec<&str>) = (found.split(',').collect(), fresh.split(',').collect());
            let are_same = one.len() == other.len() && one.iter().zip(&other).all(|(one, other)| same(one, other));
            assert!(are_same, "{name} is not what `editscale-proofs overoptimisation` makes:\n{found}\n{fresh}");
        }
    }
}
