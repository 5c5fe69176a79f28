//! Run directories whose files say what no program wrote: refused by name, never a panic. Found by fuzzing (`fuzz/`).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;

use editscale_engine::{RunDirectory, read_run};

/// A `run.json` as it should be, with another time.
fn manifest(created_unix_secs: u64) -> String {
    let digest = "07".repeat(32);
    format!(
        r#"{{"version": 3, "run": "run-1", "program": "0", "created_unix_secs": {created_unix_secs},
        "request": {{"source": {{"digest": "{digest}", "format": "png", "width": 1, "height": 1}},
            "source_name": "a.png", "instruction": "warmer", "seed": 7}},
        "search": "s", "objective": "o", "budget": {{}}, "editors": [], "rewards": [],
        "recipe": "", "resolved_recipe": ""}}"#
    )
}

#[test]
fn a_time_beyond_all_times_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let read = |created| {
        fs::write(folder.path().join("run.json"), manifest(created)).unwrap();
        read_run(folder.path()).map(|record| record.manifest.created).map_err(|error| error.to_string())
    };
    read(1_764_000_000).unwrap();
    let error = read(u64::MAX).unwrap_err();
    assert!(error.contains("run.json") && error.contains("`created_unix_secs` is 18446744073709551615"), "{error}");
    assert!(RunDirectory::open(folder.path()).is_err());
}
