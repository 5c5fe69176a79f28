//! The tables of docs/search.md about what policies are worth say what the studies found: every number is a cell of the study's table,
//! rounded.

use std::collections::BTreeMap;
use std::fs;

use super::complain;

/// A table of the page, and where its numbers are from.
struct Told {
    /// How its header begins.
    header: &'static str,
    /// Of several tables with that header, which one.
    nth: usize,
    file: &'static str,
    /// What holds for all of its rows, in the study's table.
    within: &'static [(&'static str, &'static str)],
    /// Columns of the page that say which row of the study's table it is.
    keys: &'static [(usize, &'static str)],
    numbers: &'static [Numbers],
}

/// A column of the page: what else its row of the study's table has to be, and the cells that its numbers are from, in order.
type Numbers = (usize, &'static [(&'static str, &'static str)], &'static [&'static str]);

const EQUAL_COST: &[Numbers] = &[
    (2, &[], &["edits"]),
    (3, &[], &["judgements"]),
    (4, &[], &["critiques"]),
    (5, &[], &["gold", "low", "high"]),
    (6, &[], &["photometric"]),
    (7, &[], &["difference", "difference_low", "difference_high"]),
    (8, &[], &["p"]),
];

const SAVINGS: &[Numbers] = &[
    (1, &[], &["gold_difference", "difference_low", "difference_high"]),
    (2, &[], &["cost"]),
    (3, &[], &["cost_share", "share_low", "share_high"]),
    (4, &[], &["begun"]),
    (5, &[], &["finished"]),
    (6, &[], &["judgements"]),
];

const BY_BUDGET: &[(usize, &str)] = &[(0, "budget_edits"), (1, "policy")];

const TABLES: [Told; 8] = [
    Told {
        header: "| budget | policy | edits |",
        nth: 0,
        file: "darkroom/equal-cost.csv",
        within: &[],
        keys: BY_BUDGET,
        numbers: EQUAL_COST,
    },
    Told {
        header: "| budget | policy | edits |",
        nth: 1,
        file: "darkroom/dear-judgements.csv",
        within: &[],
        keys: BY_BUDGET,
        numbers: EQUAL_COST,
    },
    Told {
        header: "| policy | gold less",
        nth: 0,
        file: "simulated/savings.csv",
        within: &[("choice", "highest score")],
        keys: &[(0, "policy")],
        numbers: SAVINGS,
    },
    Told {
        header: "| policy | gold less",
        nth: 1,
        file: "simulated/savings.csv",
        within: &[("choice", "highest lower bound")],
        keys: &[(0, "policy")],
        numbers: SAVINGS,
    },
    Told {
        header: "| `select`, `combine` |",
        nth: 0,
        file: "simulated/guarded-selection.csv",
        within: &[],
        keys: &[(0, "rule")],
        numbers: &[
            (1, &[("candidates", "1")], &["gold"]),
            (2, &[("candidates", "8")], &["gold"]),
            (3, &[("candidates", "32")], &["gold"]),
            (4, &[("candidates", "64")], &["gold"]),
            (5, &[("candidates", "128")], &["gold"]),
            (6, &[("candidates", "128")], &["against_peak", "peak_low", "peak_high"]),
        ],
    },
    Told {
        header: "| figure | value |",
        nth: 0,
        file: "simulated/sweep.csv",
        within: &[],
        keys: &[(0, "figure"), (1, "value")],
        numbers: &[
            (2, &[("policy", "adaptive with previews")], &["cost_share"]),
            (3, &[("policy", "adaptive")], &["cost_share"]),
        ],
    },
    Told {
        header: "| estimate |",
        nth: 0,
        file: "simulated/coverage.csv",
        within: &[],
        keys: &[(0, "estimate")],
        numbers: &[
            (1, &[("interval", "of studies")], &["covered"]),
            (2, &[("interval", "percentile bootstrap")], &["covered"]),
        ],
    },
    Told {
        header: "| rule | 1 | 4 |",
        nth: 0,
        file: "overoptimisation/curves.csv",
        within: &[("gold", "held_out")],
        keys: &[(0, "rule")],
        numbers: &[
            (1, &[("candidates", "1")], &["mean"]),
            (2, &[("candidates", "4")], &["mean"]),
            (3, &[("candidates", "8")], &["mean"]),
            (4, &[("candidates", "16")], &["mean"]),
            (5, &[("candidates", "64")], &["mean"]),
            (6, &[("candidates", "64")], &["against_peak", "peak_low", "peak_high"]),
        ],
    },
];

/// What the page calls otherwise than the studies, to say more.
const CALLED: [(&str, &str); 3] = [
    ("raw: the judge's highest score", "raw"),
    ("gate on the judge's own quality head", "gate on quality"),
    ("mean rank with photometric", "ranks with photometric"),
];

type Row = BTreeMap<String, String>;

/// The cells of a line of CSV; quotes hold commas together, and no cell has quotes within.
fn cells(line: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut is_quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => found.push(String::new()),
            letter => found.last_mut().expect("a cell").push(letter),
        }
    }
    found
}

/// The study's table; what is set as code on the page stands between backticks here or not.
fn study(file: &str) -> Vec<Row> {
    let text = fs::read_to_string(format!("docs/studies/{file}")).expect("a study's table").replace('`', "");
    let mut lines = text.lines();
    let names = cells(lines.next().expect("a header"));
    lines.map(|line| names.iter().cloned().zip(cells(line)).collect()).collect()
}

/// The rows of a table of the page, without what makes cells bold or code.
fn rows(page: &str, told: &Told) -> Vec<Vec<String>> {
    let at = page.match_indices(told.header).nth(told.nth).expect(told.header).0;
    let body = page[at..].lines().skip(2).take_while(|line| line.starts_with('|'));
    let plain = |cell: &str| cell.replace(['`', '*'], "").trim().to_owned();
    body.map(|line| line.trim_matches('|').split('|').map(plain).collect()).collect()
}

/// The numbers of a cell of the page, each with the digits after its point; percentages as shares.
fn numbers(cell: &str) -> Vec<(f64, i32)> {
    let words = cell.replace('−', "-").replace(['[', ']', ',', '+'], " ").replace(" %", "%");
    let number = |word: &str| {
        let digits = word.trim_end_matches('%');
        let after = digits.split_once('.').map_or(0, |(_, after)| after.len());
        let after = i32::try_from(after).expect("few digits");
        let value: f64 = digits.parse().unwrap_or_else(|_| panic!("`{word}` in `{cell}` is no number"));
        if word.ends_with('%') { (value / 100.0, after + 2) } else { (value, after) }
    };
    words.split_whitespace().map(number).collect()
}

fn differing(row: &[String], told: &Told, study: &[Row]) -> Vec<String> {
    let called = |cell: &str| CALLED.iter().find(|(page, _)| *page == cell).map_or(cell, |(_, study)| study).to_owned();
    let mut complaints = Vec::new();
    for (column, more, names) in told.numbers {
        let keys = told.keys.iter().map(|(place, name)| (*name, called(&row[*place])));
        let fixed = told.within.iter().chain(*more).map(|(name, value)| (*name, (*value).to_owned()));
        let wanted: Vec<(&str, String)> = keys.chain(fixed).collect();
        let is_wanted = |found: &&Row| wanted.iter().all(|(name, value)| found.get(*name) == Some(value));
        let Some(found) = study.iter().find(is_wanted) else {
            complaints.push(format!("{} has no row of {wanted:?}", told.file));
            continue;
        };
        for ((said, after), name) in numbers(&row[*column]).into_iter().zip(*names) {
            let value: f64 = found[*name].parse().expect("a number");
            if (said - value).abs() > 0.5 * 10f64.powi(-after) + 1e-9 {
                complaints.push(format!("{wanted:?}: the page says {said}, `{name}` of {} is {value}", told.file));
            }
        }
    }
    complaints
}

#[test]
fn figures_are_those_of_the_studies() {
    let page = fs::read_to_string("docs/search.md").expect("the page");
    let mut complaints = Vec::new();
    let mut seen = 0;
    for told in &TABLES {
        let study = study(told.file);
        for row in rows(&page, told) {
            complaints.extend(differing(&row, told, &study));
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen} rows");
    complain(&complaints);
}
