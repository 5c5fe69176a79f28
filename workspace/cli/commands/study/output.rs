//! The files of a study.

use std::path::Path;

use anyhow::Result;
use editscale_engine::write_whole;

use super::curves::Mean;
use super::page::page;
use super::report::Report;
use crate::args::CostWord;

/// The page's file.
pub(super) const PAGE: &str = "study.html";

/// Writes everything into the folder.
pub(super) fn write(out: &Path, report: &Report, cost: CostWord) -> Result<()> {
    let (text, plots) = page(report, cost);
    for plot in &plots {
        write_whole(&out.join(format!("{}.svg", plot.name)), plot.drawn.file().as_bytes())?;
    }
    for (name, rows) in tables(report) {
        write_whole(&out.join(name), csv(&rows).as_bytes())?;
    }
    write_whole(&out.join("study.json"), json(report)?.as_bytes())?;
    write_whole(&out.join(PAGE), text.as_bytes())?;
    Ok(())
}

/// The study as one object.
pub(super) fn json(report: &Report) -> Result<String> {
    Ok(serde_json::to_string_pretty(report)? + "\n")
}

type Rows = Vec<Vec<String>>;

fn tables(report: &Report) -> [(&'static str, Rows); 5] {
    [
        ("scaling.csv", scaling(report)),
        ("paths.csv", paths(report)),
        ("leads.csv", leads(report)),
        ("comparisons.csv", comparisons(report)),
        ("requests.csv", requests(report)),
    ]
}

fn heading(words: &[&str]) -> Rows {
    vec![words.iter().map(|word| (*word).to_owned()).collect()]
}

/// A mean and its ends, in three cells.
fn cells(mean: Option<&Mean>) -> [String; 3] {
    let cell = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    [cell(mean.map(|mean| mean.mean)), cell(mean.and_then(|mean| mean.low)), cell(mean.and_then(|mean| mean.high))]
}

fn scaling(report: &Report) -> Rows {
    let mut rows = heading(&[
        "group",
        "k",
        "cost",
        "gold",
        "gold_low",
        "gold_high",
        "proxy",
        "proxy_low",
        "proxy_high",
        "best",
        "best_low",
        "best_high",
        "gap",
        "gap_low",
        "gap_high",
        "gap_in_spreads",
        "gap_in_spreads_low",
        "gap_in_spreads_high",
    ]);
    for scaling in &report.scaling {
        for size in &scaling.points {
            let means =
                [Some(&size.gold), Some(&size.proxy), Some(&size.best), Some(&size.gap), size.gap_in_spreads.as_ref()];
            let begin = [scaling.group.clone(), size.k.to_string(), size.cost.to_string()];
            rows.push(begin.into_iter().chain(means.into_iter().flat_map(cells)).collect());
        }
    }
    rows
}

fn paths(report: &Report) -> Rows {
    let mut rows = heading(&["group", report.cost, "gold", "gold_low", "gold_high"]);
    for path in &report.paths {
        for at in &path.points {
            rows.push([path.group.clone(), at.budget.to_string()].into_iter().chain(cells(Some(&at.gold))).collect());
        }
    }
    rows
}

fn leads(report: &Report) -> Rows {
    let mut rows = heading(&["group", "than", report.cost, "difference", "low", "high"]);
    for lead in &report.leads {
        for at in &lead.points {
            let begin = [lead.group.clone(), lead.than.clone(), at.budget.to_string()];
            rows.push(begin.into_iter().chain(cells(Some(&at.difference))).collect());
        }
    }
    rows
}

fn comparisons(report: &Report) -> Rows {
    let mut rows = heading(&[
        "first",
        "second",
        "budget",
        "requests",
        "difference",
        "low",
        "high",
        "spread",
        "detectable",
        "p",
        "p_holm",
        "better",
        "worse",
    ]);
    for one in &report.comparisons {
        let budget = one.budget.map_or_else(String::new, |budget| budget.to_string());
        let begin = [one.first.clone(), one.second.clone(), budget, one.requests.to_string()];
        let numbers = [one.spread, one.detectable, one.p, one.p_holm].map(|value| value.to_string());
        let counts = [one.better, one.worse].map(|count| count.to_string());
        rows.push(begin.into_iter().chain(cells(Some(&one.difference))).chain(numbers).chain(counts).collect());
    }
    rows
}

fn requests(report: &Report) -> Rows {
    let mut rows = heading(&["group", "request", "runs", "gold", report.cost]);
    for choice in &report.choices {
        let numbers = [choice.gold, choice.spent].map(|value| value.to_string());
        rows.push(
            [choice.group.clone(), choice.request.clone(), choice.runs.to_string()]
                .into_iter()
                .chain(numbers)
                .collect(),
        );
    }
    rows
}

/// Rows as comma-separated text (RFC 4180).
fn csv(rows: &Rows) -> String {
    let quoted = |cell: &String| {
        let is_plain = !cell.contains(['"', ',', '\n', '\r']);
        if is_plain { cell.clone() } else { format!("\"{}\"", cell.replace('"', "\"\"")) }
    };
    let line = |row: &Vec<String>| row.iter().map(quoted).collect::<Vec<String>>().join(",") + "\r\n";
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_have_to_be() {
        let rows = vec![vec!["a,b".to_owned(), "say \"x\"".to_owned(), "1.5".to_owned()], vec![String::new()]];
        assert_eq!(csv(&rows), "\"a,b\",\"say \"\"x\"\"\",1.5\r\n\r\n");
    }
}
