//! Whether 95% intervals cover what they should.
//!
//! A study of 60 requests with a pool of candidates each is replicated many times, each time with requests of its own. The
//! truth of an estimate is its mean over all replications' requests, which differs from the exact one by a hundredth of an
//! interval's width.

use editscale_study::{Interval, Share, StudyError, bootstrap_mean, expected_best, expected_gold, wilson_interval};
use rayon::prelude::*;
use serde_json::json;

use super::interval;
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
pub fn study(setting: &Setting, replications: u64) -> anyhow::Result<Sheet> {
    let studies: Vec<Vec<[f64; 4]>> = (0..replications)
        .into_par_iter()
        .map(|replication| {
            let first = FIRST + replication * REQUESTS;
            (first..first + REQUESTS).map(|number| estimates(setting, number)).collect::<Result<_, _>>()
        })
        .collect::<Result<_, StudyError>>()?;
    let mut sheet = Sheet {
        name: "coverage",
        caption: format!(
            "Share of 95% intervals over requests that hold the truth: {replications} studies of {REQUESTS} requests, {POOL} candidates \
             each; `from` and `to` are the 95% interval of the share itself"
        ),
        columns: vec!["estimate", "truth", "interval", "covered", "from", "to", "mean_width"],
        rows: Vec::new(),
    };
    for (place, name) in ESTIMATES.iter().enumerate() {
        let values: Vec<Vec<f64>> =
            studies.iter().map(|study| study.iter().map(|estimates| estimates[place]).collect()).collect();
        for (kind, find) in KINDS {
            sheet.rows.push(row((name, kind), *find, &values)?);
        }
    }
    Ok(sheet)
}

/// An interval of a study's numbers; the second number is a seed.
type Find = fn(&[f64], u64) -> Result<Interval, StudyError>;

/// The intervals that studies use, and the usual one beside it.
const KINDS: &[(&str, Find)] = &[
    ("of studies", |values, _| interval(values)),
    ("percentile bootstrap", |values, seed| bootstrap_mean(values, 0.95, 1_000, seed)),
];

fn row((name, kind): (&str, &str), find: Find, studies: &[Vec<f64>]) -> anyhow::Result<Vec<serde_json::Value>> {
    let truth = studies.iter().flatten().sum::<f64>() / (studies.len() as f64 * REQUESTS as f64);
    let found: Vec<Interval> = studies
        .par_iter()
        .enumerate()
        .map(|(seed, values)| find(values, seed as u64))
        .collect::<Result<_, StudyError>>()?;
    let hits = found.iter().filter(|found| (found.low..=found.high).contains(&truth)).count() as u64;
    let share = wilson_interval(Share { hits, of: found.len() as u64 }, 0.95)?;
    let width = found.iter().map(|found| found.high - found.low).sum::<f64>() / found.len() as f64;
    let numbers = [share.mean, share.low, share.high, width].map(rounded);
    Ok([json!(name), rounded(truth), json!(kind)].into_iter().chain(numbers).collect())
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
