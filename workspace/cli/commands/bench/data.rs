//! What is known of a benchmark's data beside its cases. Judging finds it out, `bench.json` keeps it, and measuring again takes
//! it over from there.

use std::fs;
use std::path::Path;

use editscale_benchmarks::{JudgedCase, JudgedHead, Shared};
use editscale_rollout::RowProblem;
use serde::{Deserialize, Serialize};

use super::against::Place;

/// Rows that could not be used, and pictures that are shared, are listed in files up to here, and counted beyond.
pub(super) const MOST_LISTED: usize = 1_000;

/// What was read, and what could not be.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Data {
    pub(super) fingerprint: String,
    /// A line for each part.
    pub(super) described: Vec<String>,
    /// Files that are not read, and why.
    pub(super) passed_over: Vec<String>,
    /// Rows that could not be used.
    pub(super) unreadable: Unreadable,
}

/// Rows that could not be used: how many, and the first of them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Unreadable {
    pub(super) count: usize,
    pub(super) rows: Vec<Row>,
}

impl Unreadable {
    pub(super) fn of(problems: Vec<RowProblem>) -> Self {
        let row = |RowProblem { place, reason }| Row { place, reason };
        Self { count: problems.len(), rows: problems.into_iter().take(MOST_LISTED).map(row).collect() }
    }
}

/// A row that could not be used.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) place: String,
    pub(super) reason: String,
}

/// Pictures that other data holds too: how many, the first of them, and where was looked.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SharedPictures {
    pub(super) count: usize,
    pub(super) pictures: Vec<Shared>,
    pub(super) against: Vec<Place>,
}

/// What `bench.json` says beside its measures.
#[derive(Debug, Deserialize)]
pub(super) struct Found {
    pub(super) data: Data,
    pub(super) shared: Option<SharedPictures>,
    coverage: Covered,
}

#[derive(Debug, Deserialize)]
struct Covered {
    cases: usize,
}

/// What judging found out of the data of a folder; nothing where these very cases were not judged to their end.
pub(super) fn found(folder: &Path, head: &JudgedHead, cases: &[JudgedCase]) -> Option<Found> {
    let found: Found = serde_json::from_slice(&fs::read(folder.join("bench.json")).ok()?).ok()?;
    let is_of_these = found.data.fingerprint == head.fingerprint && found.coverage.cases == cases.len();
    // Whoever judges to the end writes what was read.
    (is_of_these && !found.data.described.is_empty()).then_some(found)
}
