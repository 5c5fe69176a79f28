//! Whether 95% intervals cover what they should.
//!
//! A study of 60 requests with a pool of candidates each is replicated many times, each time with requests of its own. The
//! truth of an estimate is its mean over all replications' requests, which differs from the exact one by a hundredth of an
//! interval's width.

use editscale_study::{Share, StudyError, bootstrap_mean, expected_best, expected_gold, wilson_interval};
use rayon::prelude::*;
use serde_json::json;

use super::Size;
use crate::output::{Sheet, rounded};
use crate::world::Setting;
use crate::world::candidate::Candidate;
use crate::world::simulation::root_of;

/// Requests of one study.
const REQUESTS: u64 = 60;
/// Candidates a request.
const POOL: u64 = 32;
/// The first request; no other part of the study comes here.
const FIRST: u64 = 5_000_000;

/// What is estimated of one request.
const ESTIMATES: [&str; 4] = [
    "proxy of the best of 8",
    "gold of the proxy's best of 8",
    "gold of the best of 16 less that of 4",
    "gold by mean less deviation, less that by mean, of 16",
];

/// How often the interval of each estimate covers the truth.
pub fn study(setting: &Setting, size: Size) -> anyhow::Result<Sheet> {
    let studies: Vec<Vec<[f64; 4]>> = (0..size.replications)
        .into_par_iter()
        .map(|replication| {
            let first = FIRST + replication * REQUESTS;
            (first..first + REQUESTS).map(|number| estimates(setting, number)).collect::<Result<_, _>>()
        })
        .collect::<Result<_, StudyError>>()?;
    let mut sheet = Sheet {
        name: "coverage",
        caption: format!(
            "Share of 95% bootstrap intervals over requests that hold the truth: {} studies of {REQUESTS} requests, {POOL} \
             candidates each",
            size.replications
        ),
        columns: vec!["estimate", "truth", "covered", "low", "high", "mean_width"],
        rows: Vec::new(),
    };
    for (place, name) in ESTIMATES.iter().enumerate() {
        let values: Vec<Vec<f64>> =
            studies.iter().map(|study| study.iter().map(|estimates| estimates[place]).collect()).collect();
        sheet.rows.push(row(name, &values)?);
    }
    Ok(sheet)
}

fn row(name: &str, studies: &[Vec<f64>]) -> anyhow::Result<Vec<serde_json::Value>> {
    let truth = studies.iter().flatten().sum::<f64>() / (studies.len() as f64 * REQUESTS as f64);
    let intervals = studies.par_iter().enumerate();
    let intervals = intervals.map(|(seed, values)| bootstrap_mean(values, 0.95, 2_000, seed as u64));
    let intervals: Vec<editscale_study::Interval> = intervals.collect::<Result<_, StudyError>>()?;
    let covered = intervals.iter().filter(|found| (found.low..=found.high).contains(&truth)).count() as u64;
    let share = wilson_interval(Share { hits: covered, of: intervals.len() as u64 }, 0.95)?;
    let width = intervals.iter().map(|found| found.high - found.low).sum::<f64>() / intervals.len() as f64;
    let numbers = [truth, share.mean, share.low, share.high, width].map(rounded);
    Ok(std::iter::once(json!(name)).chain(numbers).collect())
}

fn estimates(setting: &Setting, number: u64) -> Result<[f64; 4], StudyError> {
    // The request's own root and those of its candidates, as a search counts them.
    let root = root_of(number);
    let pool: Vec<Candidate> = (0..POOL).map(|n| Candidate::of(setting, root, root.mix(n))).collect();
    let of = |number: fn(&Candidate) -> f64| -> Vec<f64> { pool.iter().map(number).collect() };
    let (proxies, golds) = (of(|one| one.proxy), of(|one| one.gold));
    let best = expected_best(&proxies)?;
    let gold = expected_gold(&proxies, &golds)?;
    let careful = expected_gold(&of(|one| one.proxy - one.sigma), &golds)?;
    Ok([best[7], gold[7], gold[15] - gold[3], careful[15] - gold[15]])
}
