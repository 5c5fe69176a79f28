//! Text in columns, and numbers as all reports write them.

use std::collections::BTreeMap;

use crate::measures::{Metric, Range, why_no_interval};

/// Rows as lines: the first column to the left, the others to the right, two spaces between. The first row is the heading.
pub(super) fn columns(rows: &[Vec<String>]) -> String {
    let most = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..most).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(place, (cell, width))| {
            if place == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        let line = cells.collect::<Vec<String>>().join("  ");
        format!("  {}\n", line.trim_end())
    };
    rows.iter().map(line).collect()
}

/// A value with three digits, which is more than any benchmark of this size can tell apart.
pub(super) fn value(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), digits)
}

pub(super) fn digits(value: f64) -> String {
    let text = format!("{value:.3}");
    if text == "-0.000" { "0.000".to_owned() } else { text }
}

/// Rows without the columns that are empty below their heading. The first column, which names rows, stays.
pub(super) fn without_empty(rows: &[Vec<String>]) -> Vec<Vec<String>> {
    let is_filled = |column: usize| {
        column == 0 || rows.iter().skip(1).any(|row| row.get(column).is_some_and(|cell| !cell.is_empty()))
    };
    let filled = |row: &Vec<String>| {
        let cells = row.iter().enumerate().filter(|(column, _)| is_filled(*column));
        cells.map(|(_, cell)| cell.clone()).collect()
    };
    rows.iter().map(filled).collect()
}

/// Both ends of an interval, or why there is none, of a value of so many things.
pub(super) fn range_of(range: Option<Range>, count: usize, things: &str) -> String {
    range.map_or_else(|| format!("none: {}", why_no_interval(count, things)), |range| ends(range.low, range.high))
}

/// Both ends of an interval.
pub(super) fn range(range: Option<Range>) -> String {
    range.map_or_else(String::new, |range| ends(range.low, range.high))
}

pub(super) fn ends(low: f64, high: f64) -> String {
    format!("{} to {}", digits(low), digits(high))
}

/// A probability: small ones by their bound.
pub(super) fn probability(p: Option<f64>) -> String {
    match p {
        None => String::new(),
        Some(p) if p < 0.001 => "< 0.001".to_owned(),
        Some(p) => digits(p),
    }
}

/// Why metrics that have a value have no interval, a line each reason. Metrics are named unless none has one.
pub(super) fn without_interval<'a>(metrics: impl Iterator<Item = (String, &'a Metric)>) -> Vec<String> {
    let (mut reasons, mut with): (BTreeMap<String, Vec<String>>, usize) = (BTreeMap::new(), 0);
    for (name, metric) in metrics {
        let estimates = [&metric.published, &metric.right].into_iter().flatten();
        let values: Vec<_> = estimates.filter(|estimate| estimate.value.is_some()).collect();
        if values.iter().any(|estimate| estimate.interval.is_none()) {
            reasons.entry(why_no_interval(metric.clusters, "sources")).or_default().push(name);
        } else {
            with += values.len();
        }
    }
    let are_all = reasons.len() == 1 && with == 0;
    let line = |(reason, names): (String, Vec<String>)| {
        if are_all {
            format!("no interval: {reason}")
        } else {
            format!("no interval of {}: {reason}", names.join(", "))
        }
    };
    reasons.into_iter().map(line).collect()
}
