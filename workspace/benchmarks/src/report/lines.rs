//! Text in columns, and numbers as all reports write them.

use crate::measures::Range;

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
