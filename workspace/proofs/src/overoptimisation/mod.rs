//! A learned judge over-optimised for real: the darkroom's candidates chosen by the embedded `editreward` nano, with
//! `photometric` and the held-out judge as gold.
//!
//! [`pool`] makes and judges many candidates a request once, and keeps the scores; [`curves`] come of replaying them through
//! real policies ([`replay`]), in a second.

pub mod curves;
pub mod pool;
pub mod replay;
mod rules;

use std::path::Path;

use editscale_page::plot::{Axis, Line, LinePoint, Lines};
use editscale_study::spearman;
use serde_json::json;

use crate::output::{Findings, Plot, Sheet, rounded};
use crate::simulated::interval;
use curves::{GOLDS, Worth};
use pool::Row;

/// Orders of each pool.
const ORDERS: u32 = 24;

/// The study over a pool that [`pool::make`] made; `quick` over few orders of it.
pub fn study(pool: &Path, quick: bool) -> anyhow::Result<Findings> {
    let rows = pool::read(pool)?;
    let pools = curves::pools(&rows)?;
    let spreads = curves::spreads(&pools);
    let caption = "Mean scores of the chosen candidate, each request's pool in many orders, 95% intervals over requests; \
                   `hacking_gap`: how much more the learned score gained than gold, in standard deviations within pools; \
                   `against_peak`: the paired difference to the best smaller count";
    let mut sheet = curves::sheet("curves", caption.to_owned());
    let mut drawn = Vec::new();
    for rule in rules::RULES {
        let curve = curves::curve(&pools, rule, if quick { 2 } else { ORDERS })?;
        curves::rows(rule.name, &curve, (&spreads, &mut sheet))?;
        drawn.push((rule.name, curve));
    }
    let plots = GOLDS.iter().map(|gold| plot(*gold, &drawn)).collect::<anyhow::Result<_>>()?;
    Ok(Findings {
        study: "overoptimisation",
        title: "A learned judge, over-optimised",
        lead: format!(
            "Made by `cargo run --release -p editscale-proofs -- overoptimisation --out docs/studies/overoptimisation` from \
             pool.csv beside it: {} requests, {} candidates each, by the darkroom, judged by the embedded editreward nano. \
             The pool is made again by the study `pool`.",
            pools.len(),
            rows.len() / pools.len().max(1),
        ),
        facts: vec![],
        sheets: vec![sheet, agreement(&rows)?],
        plots,
    })
}

fn plot((gold, place): (&'static str, usize), drawn: &[(&'static str, Vec<Worth>)]) -> anyhow::Result<Plot> {
    let line = |(name, curve): &(&'static str, Vec<Worth>)| {
        let point = |worth: &Worth| {
            let found = interval(&worth.each.iter().map(|each| each[place]).collect::<Vec<_>>())?;
            Ok(LinePoint { x: f64::from(worth.count), y: found.mean, band: None })
        };
        let points = curve.iter().map(point).collect::<anyhow::Result<_>>()?;
        Ok(Line { name: (*name).to_owned(), points, is_dashed: false })
    };
    let lines = Lines {
        alt: format!(
            "The mean of {gold} against the number of candidates, for each way to choose by the learned judge"
        ),
        x: Axis::log("candidates"),
        y: Axis::linear(format!("mean {gold}")),
        lines: drawn.iter().filter(|(name, _)| rules::is_drawn(name)).map(line).collect::<anyhow::Result<_>>()?,
        marks: Vec::new(),
    };
    let name = if place == 1 { "gold-photometric" } else { "gold-held-out" };
    Ok(Plot { name, caption: format!("Gold: {gold}. Intervals stand in the table."), drawn: lines.draw() })
}

/// A number of a row.
type Number = fn(&Row) -> f64;

/// How far the judges agree within requests: the mean of Spearman's correlations.
fn agreement(rows: &[Row]) -> anyhow::Result<Sheet> {
    let judges: [(&str, Number); 6] = [
        ("nano", |row| row.nano),
        ("following head", |row| row.following),
        ("quality head", |row| row.quality),
        ("minus sigma", |row| -row.sigma),
        ("photometric", |row| row.photometric),
        ("held_out", |row| row.held_out),
    ];
    let mut sheet = Sheet {
        name: "agreement",
        caption: "Spearman's correlation within a request, mean over requests".to_owned(),
        columns: vec!["judge", "with_photometric", "with_held_out"],
        rows: Vec::new(),
    };
    for (name, of) in judges {
        let cells = [judges[4].1, judges[5].1].map(|other| correlation(rows, of, other)).into_iter();
        let cells: Vec<_> = cells.collect::<anyhow::Result<_>>()?;
        sheet.rows.push(std::iter::once(json!(name)).chain(cells.into_iter().map(rounded)).collect());
    }
    Ok(sheet)
}

fn correlation(rows: &[Row], one: Number, other: Number) -> anyhow::Result<f64> {
    let of = |pool: &[Row], number: Number| -> Vec<f64> { pool.iter().map(number).collect() };
    let each = rows.chunk_by(|one, other| one.request == other.request);
    let each = each.map(|pool| spearman(&of(pool, one), &of(pool, other)));
    let each: Vec<f64> = each.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    Ok(each.iter().sum::<f64>() / each.len().max(1) as f64)
}
