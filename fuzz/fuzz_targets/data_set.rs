//! Data sets: whatever a file of rows holds, it is listed, fetched, copied in part and read as a benchmark, or refused. What is
//! copied reads as what it was copied from, and nothing is written beside the copy.
//!
//! The first byte chooses the file's name, and with it the format. Decoders are other people's code, whose panics are refusals.

#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use editscale_benchmarks::Preset;
use editscale_benchmarks::layouts::{Benchmark, Reading};
use editscale_fuzz::end_at_our_own_panics;
use editscale_rollout::dataset::{Dataset, Listed};
use editscale_rollout::{Columns, Edited, Row};
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 7] =
    ["rows.jsonl", "rows.json", "rows.csv", "rows.tsv", "rows.parquet", "rows.tar", "metadata.csv"];

/// Rows that are looked at: a file may say that it has any number.
const MOST_ROWS: usize = 64;

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| tempfile::tempdir().expect("a folder").keep());

fn rows(data: &Dataset) -> Vec<(Listed, Option<Row>)> {
    let listed = (0..).zip(data.list().take(MOST_ROWS)).filter_map(|(number, listed)| Some((number, listed.ok()?)));
    let fetched = listed.map(|(number, listed)| {
        assert!(!data.spot(&listed.place).is_empty(), "a row is nowhere");
        let row = data.fetch(&listed.place, number).ok();
        (listed, row)
    });
    fetched.collect()
}

/// Copies what can be fetched, and compares. Numbers stand in for ids, and pictures may be left out, so neither is compared.
fn copy(data: &Dataset, rows: &[(Listed, Option<Row>)], name: &str) {
    let out = FOLDER.join("out");
    let Ok(mut subset) = data.subset(&out) else { return };
    let kept = rows.iter().filter_map(|(listed, row)| {
        let row = row.as_ref()?;
        subset.keep(&listed.place).ok().map(|()| row)
    });
    let kept: Vec<&Row> = kept.collect();
    let Ok(summary) = subset.finish() else { return };
    assert_eq!(summary.rows, kept.len() as u64, "the summary counts others");
    if kept.is_empty() {
        return;
    }
    let copied = Dataset::open(&out.join(name), &columns(Edited::Unwanted)).expect("a copy can be opened");
    let again = self::rows(&copied);
    let again: Vec<&str> = again.iter().filter_map(|(_, row)| Some(row.as_ref()?.instruction.as_str())).collect();
    let kept: Vec<&str> = kept.iter().map(|row| row.instruction.as_str()).collect();
    assert_eq!(again, kept, "a copy says something else");
}

fn columns(edited: Edited) -> Columns {
    Columns { edited, ..Columns::default() }
}

fn benchmarks(path: &Path) {
    for preset in Preset::ALL {
        let Ok(benchmark) = Benchmark::open(preset, path, &Reading::default()) else { continue };
        assert!(!benchmark.describe().is_empty(), "a benchmark of no parts");
        benchmark.cases().take(MOST_ROWS).for_each(drop);
    }
}

fuzz_target!(init: end_at_our_own_panics(), |bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else { return };
    let name = NAMES[usize::from(*kind) % NAMES.len()];
    let inside = FOLDER.join("in");
    for folder in [&inside, &FOLDER.join("out")] {
        fs::remove_dir_all(folder).ok();
    }
    fs::create_dir_all(&inside).expect("a folder");
    let path = inside.join(name);
    fs::write(&path, rest).expect("a file is written");
    let _: Result<_, _> = Dataset::column_names(&path);
    for edited in [Edited::Unwanted, Edited::Usual] {
        let Ok(data) = Dataset::open(&path, &columns(edited.clone())) else { continue };
        let rows = rows(&data);
        if edited == Edited::Unwanted {
            copy(&data, &rows, name);
        }
    }
    benchmarks(&path);
    let beside = fs::read_dir(&*FOLDER).expect("a folder").count();
    assert!(beside <= 2, "something lies beside the folders");
});
