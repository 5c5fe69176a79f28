//! `--against`: whether a benchmark and other data share pictures.

use std::path::Path;

use anyhow::Result;
use editscale_benchmarks::{JudgedCase, PictureSet, Shared, is_judged, read_judged};
use editscale_curate::table::ScoreFiles;
use editscale_rollout::dataset::Dataset;
use editscale_rollout::{Columns, Edited, RowPicture};

use super::judging::{loader, runtime};
use crate::args::BenchPreset;
use crate::failure::{Misuse, tell};

/// How many pictures of a data set are decoded together.
const TOGETHER: usize = 64;

/// What the benchmark shares with each of the places that were named.
pub(super) fn shared(cases: &[JudgedCase], arguments: &BenchPreset) -> Result<Vec<Shared>> {
    let benchmark = PictureSet::of_cases(cases);
    let mut all: Vec<Shared> = Vec::new();
    for path in &arguments.against {
        let data = pictures(path)?;
        tell(&format!("{}: {} different pictures", path.display(), data.pictures().len()));
        let found = benchmark.shared_with(&data, arguments.near).map_err(|error| Misuse::new(error.to_string()))?;
        all.extend(found.into_iter().map(|one| Shared { data: format!("{}, {}", path.display(), one.data), ..one }));
    }
    Ok(all)
}

/// The pictures of a folder that `curate` or `bench` wrote, or of a data set.
fn pictures(path: &Path) -> Result<PictureSet> {
    if is_judged(path) {
        let (_, cases) = read_judged(path).map_err(|error| Misuse::new(error.to_string()))?;
        return Ok(PictureSet::of_cases(&cases));
    }
    if path.join("scores").is_dir() {
        return of_records(path);
    }
    of_dataset(path)
}

fn of_records(path: &Path) -> Result<PictureSet> {
    let files = ScoreFiles::find(path).map_err(|error| Misuse::new(error.to_string()))?;
    let mut set = PictureSet::default();
    for record in files.records() {
        set.add_record(&record?);
    }
    Ok(set)
}

/// Every picture of a data set is decoded for its hash. Rows that cannot be read are told and passed over.
fn of_dataset(path: &Path) -> Result<PictureSet> {
    let columns = Columns { edited: Edited::Usual, ..Columns::default() };
    let opened = Dataset::open(path, &columns).or_else(|_| {
        // It may hold sources alone.
        Dataset::open(path, &Columns::default())
    });
    let dataset = opened.map_err(|error| Misuse::new(format!("cannot compare with {}: {error}", path.display())))?;
    tell(&dataset.describe());
    let (runtime, loader) = (runtime()?, loader());
    let (mut set, mut waiting, mut unreadable) = (PictureSet::default(), Vec::new(), 0_u64);
    let decode = |set: &mut PictureSet, waiting: &mut Vec<(String, RowPicture)>| {
        let (places, pictures): (Vec<String>, Vec<RowPicture>) = std::mem::take(waiting).into_iter().unzip();
        let mut failed = 0;
        for (place, loaded) in places.into_iter().zip(runtime.block_on(loader.load(pictures))) {
            match loaded {
                Ok(loaded) => set.add(&loaded.facts, || place),
                Err(_) => failed += 1,
            }
        }
        failed
    };
    for (listed, number) in dataset.list().zip(0_u64..) {
        let listed = listed.map_err(|error| Misuse::new(error.to_string()))?;
        let Ok(row) = dataset.fetch(&listed.place, number) else {
            unreadable += 1;
            continue;
        };
        waiting.push((format!("row {}, source", row.id), row.source));
        let edits = row.edited.into_iter().zip(1..);
        waiting.extend(edits.map(|(picture, edit)| (format!("row {}, edit {edit}", row.id), picture)));
        if waiting.len() >= TOGETHER {
            unreadable += decode(&mut set, &mut waiting);
        }
    }
    unreadable += decode(&mut set, &mut waiting);
    if unreadable > 0 {
        tell(&format!("{}: {unreadable} rows or pictures could not be read and are not compared", path.display()));
    }
    Ok(set)
}
