//! Curves of gold against the number of candidates, for each way to choose.
//!
//! A request's pool is put into many orders; the policy sees the first N of each. The mean over orders estimates what the
//! policy is worth on N candidates of the request, without bias; intervals are over requests.

use editscale_core::{Budget, CandidateId, SearchFactory};
use editscale_study::Counted;
use rayon::prelude::*;
use serde_json::json;

use super::pool::{NANO, PHOTOMETRIC, Row, card};
use super::replay::{Kept, Replay};
use crate::output::{Sheet, rounded};
use crate::recipes;
use crate::simulated::interval;
use crate::world::drive;

/// The sizes of the curves.
pub const COUNTS: [u32; 7] = [1, 2, 4, 8, 16, 32, 64];

/// A way to choose: its name, who judges, and the recipe of so many candidates.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// What tables call it.
    pub name: &'static str,
    /// The judges that it goes by.
    pub judges: &'static [&'static str],
    /// The sections of the recipe that makes so many candidates.
    pub recipe: fn(u32) -> String,
}

/// What a rule is worth on N candidates of each request: learned score, `photometric`, held-out judge.
#[derive(Debug, Clone)]
pub struct Worth {
    /// How many candidates.
    pub count: u32,
    /// One triple a request, in their order.
    pub each: Vec<[f64; 3]>,
}

/// The pools, request by request.
pub fn pools(rows: &[Row]) -> anyhow::Result<Vec<Vec<Kept>>> {
    let pool = |rows: &[Row]| -> anyhow::Result<Vec<Kept>> {
        rows.iter().map(|row| Ok(Kept { row: *row, card: card(row)? })).collect()
    };
    rows.chunk_by(|one, other| one.request == other.request).map(pool).collect()
}

/// The curve of one rule over `orders` orders of each pool.
pub fn curve(pools: &[Vec<Kept>], rule: &Rule, orders: u32) -> anyhow::Result<Vec<Worth>> {
    let deepest = pools.iter().map(Vec::len).min().unwrap_or(0) as u32;
    let counts = COUNTS.iter().filter(|count| **count <= deepest);
    counts
        .map(|count| {
            let policy = recipes::judged_by(rule.judges, &(rule.recipe)(*count))?;
            let one = |(number, pool): (usize, &Vec<Kept>)| worth(pool, &*policy, (rule, number as u64, orders));
            let each = pools.par_iter().enumerate().map(one).collect::<anyhow::Result<_>>()?;
            Ok(Worth { count: *count, each })
        })
        .collect()
}

fn worth(
    pool: &[Kept],
    policy: &dyn SearchFactory,
    (rule, number, orders): (&Rule, u64, u32),
) -> anyhow::Result<[f64; 3]> {
    let mut sums = [0.0; 3];
    for turn in 0..orders {
        let mut order: Vec<usize> = (0..pool.len()).collect();
        // Equal orders for every rule and count: differences between them are paired.
        let seed = (number << 20) | u64::from(turn);
        Counted::new(seed).shuffle(&mut order);
        let mut replay = Replay::new(pool, order, (rule.judges, seed))?;
        let run = drive(policy, &mut replay, &Budget::default())?;
        // Where gates bar all, the first is as good as any.
        let row = replay.row(run.chosen().unwrap_or(CandidateId(0)));
        let row = row.ok_or_else(|| anyhow::anyhow!("{}: an empty pool", rule.name))?;
        for (sum, value) in sums.iter_mut().zip([row.nano, row.photometric, row.held_out]) {
            *sum += value / f64::from(orders);
        }
    }
    Ok(sums)
}

/// Which of the three numbers of [`Worth`] is which.
pub const GOLDS: [(&str, usize); 2] = [(PHOTOMETRIC, 1), ("held_out", 2)];

/// An empty table for curves.
pub fn sheet(name: &'static str, caption: String) -> Sheet {
    let columns = vec![
        "rule",
        "gold",
        "candidates",
        "mean",
        "low",
        "high",
        NANO,
        "hacking_gap",
        "against_peak",
        "peak_low",
        "peak_high",
    ];
    Sheet { name, caption, columns, rows: Vec::new() }
}

/// The rows of a curve: means with 95% intervals over requests, and the paired difference to the best smaller count. The
/// hacking gap is how much more the learned score gained over one candidate than gold did, in standard deviations of either
/// within the pools.
pub fn rows(name: &str, curve: &[Worth], (spreads, sheet): (&[f64; 3], &mut Sheet)) -> anyhow::Result<()> {
    for (gold, place) in GOLDS {
        let mean =
            |worth: &Worth, of: usize| worth.each.iter().map(|each| each[of]).sum::<f64>() / worth.each.len() as f64;
        for (at, worth) in curve.iter().enumerate() {
            let values: Vec<f64> = worth.each.iter().map(|each| each[place]).collect();
            let found = interval(&values)?;
            let gains = [0, place].map(|of| (mean(worth, of) - mean(&curve[0], of)) / spreads[of].max(1e-9));
            let peak = curve[..at].iter().max_by(|one, other| mean(one, place).total_cmp(&mean(other, place)));
            let against = peak.map(|peak| {
                let differences: Vec<f64> =
                    values.iter().zip(&peak.each).map(|(value, peak)| value - peak[place]).collect();
                interval(&differences)
            });
            let against = against.transpose()?.map_or([f64::NAN; 3], |found| [found.mean, found.low, found.high]);
            let numbers = [found.mean, found.low, found.high, mean(worth, 0), gains[0] - gains[1]];
            let cells = [json!(name), json!(gold), json!(worth.count)];
            sheet.rows.push(cells.into_iter().chain(numbers.into_iter().chain(against).map(rounded)).collect());
        }
    }
    Ok(())
}

/// The standard deviations within pools of the three numbers, pooled over requests.
pub fn spreads(pools: &[Vec<Kept>]) -> [f64; 3] {
    let of = |number: fn(&Row) -> f64| {
        let variance = |pool: &Vec<Kept>| {
            let mean = pool.iter().map(|kept| number(&kept.row)).sum::<f64>() / pool.len() as f64;
            pool.iter().map(|kept| (number(&kept.row) - mean).powi(2)).sum::<f64>() / pool.len() as f64
        };
        (pools.iter().map(variance).sum::<f64>() / pools.len().max(1) as f64).sqrt()
    };
    [of(|row| row.nano), of(|row| row.photometric), of(|row| row.held_out)]
}
