//! How long a choice takes and what memory it needs: `cargo run --release -p editscale-curate --example choose_speed -- 1000000`.
//!
//! Records are made as they are asked for, so that what is measured is the choice and not where records come from.

#![allow(clippy::print_stdout, reason = "what it measures is its output")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Instant;

use anyhow::{Context, Result};
use editscale_curate::choice::{
    Diversity, GroupBy, Keep, Overrides, PreferenceRules, Rules, ShareOut, SplitRule, Strata, choose, preferences,
};
use editscale_curate::{PictureFacts, Record, Value};
use editscale_study::curation::{Gate, Quota, WithoutDoubt};

fn main() -> Result<()> {
    let records: u64 =
        std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse()).context("a number of records")?;
    timed("making records", || made(records).count());
    let top = Rules { keep: Keep::Top(records * 2 / 5), kappa: 1.0, ..Rules::default() };
    timed("top, bound and kinds of edits", || {
        choose(made(records), &top, &Overrides::new()).map(|found| found.fated.len())
    });
    let diverse = Rules {
        gates: vec![Gate { part: "judge.following".to_owned(), at_least: Some(-1.0), at_most: None }],
        diversity: Some(Diversity { by: GroupBy::Source, most: 2 }),
        strata: Strata {
            by: GroupBy::Column("task".to_owned()),
            share_out: ShareOut::By(Quota::Equal),
            ..Strata::default()
        },
        without_sigma: WithoutDoubt::Certain,
        ..top.clone()
    };
    timed("gates, diversity and strata of a column", || {
        choose(made(records), &diverse, &Overrides::new()).map(|found| found.fated.len())
    });
    let near = Rules {
        near_duplicates: Some(6),
        split: SplitRule { validation: 0.02, ..SplitRule::default() },
        ..diverse.clone()
    };
    timed("near duplicates and a split beside it", || {
        choose(made(records), &near, &Overrides::new()).map(|found| found.fated.len())
    });
    let alike = Rules { strata: Strata { by: GroupBy::Instruction, ..diverse.strata.clone() }, ..diverse };
    timed("strata of like instructions", || {
        choose(made(records), &alike, &Overrides::new()).map(|found| found.fated.len())
    });
    let rules = PreferenceRules { across_rows: true, ..PreferenceRules::default() };
    timed("preference pairs", || preferences(made(records), &rules, &Overrides::new()).map(Iterator::count));
    Ok(())
}

fn timed<T: std::fmt::Debug>(what: &str, work: impl FnOnce() -> T) {
    let begin = Instant::now();
    let found = work();
    println!("{what}: {:.2} s, {} MiB at most so far ({found:?})", begin.elapsed().as_secs_f64(), peak_mib());
}

/// The most memory that this process has had.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// A number that looks random.
fn mixed(seed: u64) -> u64 {
    let once = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let twice = (once ^ (once >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    twice ^ (twice >> 31)
}

fn unit(seed: u64) -> f64 {
    (mixed(seed) >> 11) as f64 / (1_u64 << 53) as f64
}

fn picture(seed: u64) -> PictureFacts {
    let hash = mixed(seed);
    PictureFacts { digest: format!("{hash:064x}"), hash, width: 1024, height: 768, name: None }
}

/// Records of which each three share a source.
fn made(records: u64) -> impl Iterator<Item = Result<Record, Infallible>> {
    const THINGS: [&str; 8] = ["hat", "dog", "bench", "red car", "wooden table", "tree", "cloud", "street lamp"];
    const KINDS: [&str; 4] = ["Add a", "Remove the", "Make it look like a", "Change the colour of the"];
    (0..records).map(|row| {
        let (kind, thing) = ((mixed(row) % 4) as usize, (mixed(row + 7) % 8) as usize);
        let sum = |seed: u64| Value { mean: 4.0 * unit(row ^ seed) - 2.0, sigma: Some(unit(row ^ (seed + 1))) };
        Ok(Record {
            row,
            place: row.to_string(),
            row_id: row.to_string(),
            candidate: 0,
            instruction: format!(
                "{} {} number {} in the corner of picture {row:x}",
                KINDS[kind],
                THINGS[thing],
                row % 97
            ),
            source: Some(picture(row / 3)),
            edited: Some(picture(row + (1 << 40))),
            score: Some(sum(1 << 50).mean),
            sigma: sum(1 << 50).sigma,
            said: BTreeMap::from([
                ("judge".to_owned(), sum(1 << 50)),
                ("judge.following".to_owned(), sum(1 << 51)),
                ("judge.quality".to_owned(), sum(1 << 52)),
            ]),
            failure: None,
            extra: serde_json::Map::from_iter([("task".to_owned(), KINDS[kind].into())]),
        })
    })
}
