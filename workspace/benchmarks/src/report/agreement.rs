//! Two judges: a section of a page, and lines of text.

use editscale_page::plot::{Axis, Estimate as Row, Forest};
use editscale_page::{Column, Table, count, number, shortened};
use maud::{Markup, html};

use super::lines::{columns, digits, ends, probability, range, value};
use crate::measures::{Agreement, Contest, Difference, PairAgreement};

const WORDS: [&str; 3] = ["first edit", "tie", "second edit"];

pub(super) fn section(agreement: &Agreement, names: [&str; 2]) -> Markup {
    let title = format!("{} and {}", names[0], names[1]);
    editscale_page::section(
        "agreement",
        &title,
        html! {
            (summary(agreement, names))
            @if let Some(pairs) = &agreement.pairs { (said(pairs, names)) }
            @if !agreement.contests.is_empty() { (contests(agreement, names)) }
            @if !agreement.differences.is_empty() { (differences(agreement, names)) }
        },
    )
}

fn summary(agreement: &Agreement, names: [&str; 2]) -> Table {
    let columns =
        vec![Column::text("Agreement"), Column::number("value"), Column::number("interval"), Column::number("n")];
    let caption =
        format!("{} cases that both were asked about; {} were left out.", agreement.cases, agreement.left_out);
    let mut table = Table::new(caption, columns);
    rows(agreement)
        .into_iter()
        .chain(agreement.contests.iter().map(|contest| contest_row(contest, names)))
        .for_each(|row| table.push(row));
    table
}

/// Name, value, interval and n.
fn rows(agreement: &Agreement) -> Vec<[String; 4]> {
    let mut rows = Vec::new();
    let mut push =
        |name: &str, value: String, interval: String, n: String| rows.push([name.to_owned(), value, interval, n]);
    if let Some(pairs) = &agreement.pairs {
        let n = format!("{} pairs", count(pairs.pairs));
        push("Pairs on which both say the same", digits(pairs.observed), range(pairs.interval), n.clone());
        push("Cohen's kappa", value(pairs.kappa), String::new(), n.clone());
        push("Cohen's kappa, ties half", value(pairs.weighted_kappa), String::new(), n);
    }
    if let Some(scores) = &agreement.scores {
        let n = format!("{} edits", count(scores.edits as u64));
        push("Spearman of all scores", value(scores.spearman), range(scores.interval), n.clone());
        push("Kendall's tau-b of all scores", value(scores.kendall_tau_b), String::new(), n.clone());
        push("Spearman within sources", value(scores.spearman_within), String::new(), n.clone());
        push("Kendall's tau-b within sources", value(scores.tau_within), String::new(), n);
    }
    rows
}

fn contest_row(contest: &Contest, names: [&str; 2]) -> [String; 4] {
    let name = format!("{}, {} less {}", contest.metric.replace('_', " "), names[0], names[1]);
    [name, digits(contest.difference), range(contest.interval), count(contest.n as u64)]
}

fn said(pairs: &PairAgreement, names: [&str; 2]) -> Table {
    let columns = std::iter::once(Column::text(names[0]))
        .chain(WORDS.map(|word| Column::number(format!("{}: {word}", names[1]))));
    let mut table = Table::new("What both said of the pairs.", columns.collect());
    for (word, counts) in WORDS.iter().zip(&pairs.counts) {
        table.push(std::iter::once((*word).to_owned()).chain(counts.iter().map(|each| count(*each))));
    }
    table
}

fn contests(agreement: &Agreement, names: [&str; 2]) -> Markup {
    let rows = agreement.contests.iter().map(|contest| Row {
        name: contest.metric.replace('_', " "),
        value: Some(contest.difference),
        interval: contest.interval.map(|range| [range.low, range.high]),
        marks: Vec::new(),
    });
    let title = format!("{} less {}", names[0], names[1]);
    let forest = Forest {
        alt: format!("Which judge is nearer to people: {title}, with intervals"),
        x: Axis::linear(&*title).showing([0.0]),
        points: "difference".to_owned(),
        rows: rows.collect(),
        references: vec![editscale_page::plot::Mark::new("no difference", 0.0)],
    };
    html! {
        (forest.draw().figure("Which is nearer to people; both are resampled together."))
        @for contest in &agreement.contests { p { (verdict(contest, names)) } }
    }
}

/// What a contest says, in a sentence.
fn verdict(contest: &Contest, names: [&str; 2]) -> String {
    let metric = contest.metric.replace('_', " ");
    let values = format!("{metric}: {} {}, {} {}", names[0], digits(contest.first), names[1], digits(contest.second));
    let apart = contest.interval.filter(|range| range.low > 0.0 || range.high < 0.0);
    let nearer = match (apart, contest.difference > 0.0) {
        (None, _) => "the interval of the difference holds 0".to_owned(),
        (Some(_), true) => format!("{} is nearer to people", names[0]),
        (Some(_), false) => format!("{} is nearer to people", names[1]),
    };
    let signs = contest.nearer.map(|[first, second]| {
        format!(" By sources: {first} and {second}, sign test p {}.", probability(contest.p_value))
    });
    format!("{values}; {nearer}.{}", signs.unwrap_or_default())
}

fn differences(agreement: &Agreement, names: [&str; 2]) -> Table {
    let titles = [
        Column::text("Case"),
        Column::text("instruction"),
        Column::text("edits"),
        Column::number(names[0]),
        Column::number(names[1]),
        Column::number("apart"),
        Column::text("people"),
    ];
    let mut table =
        Table::new("Where they differ most: margins of the two edits, or scores of the one.", titles.to_vec());
    for difference in &agreement.differences {
        let Difference { part, id, instruction, first, second, apart, people, .. } = difference;
        let id = if part.is_empty() { id.clone() } else { format!("{part}/{id}") };
        let people = people.clone().unwrap_or_default();
        table.push([
            id,
            shortened(instruction, 80),
            letters(difference),
            number(*first),
            number(*second),
            digits(*apart),
            people,
        ]);
    }
    table
}

/// The edits by their letters.
fn letters(difference: &Difference) -> String {
    let letter = |at: &usize| {
        u8::try_from(*at)
            .ok()
            .filter(|at| *at < 26)
            .map_or_else(|| format!("#{at}"), |at| char::from(b'A' + at).to_string())
    };
    difference.candidates.iter().map(letter).collect::<Vec<String>>().join(" and ")
}

pub(super) fn text(agreement: &Agreement, names: [&str; 2]) -> String {
    let mut text = vec![format!(
        "{} and {}: {} cases in common, {} left out\n",
        names[0], names[1], agreement.cases, agreement.left_out
    )];
    text.push(columns(&rows(agreement).into_iter().map(|row| row.to_vec()).collect::<Vec<_>>()));
    for contest in &agreement.contests {
        let interval = contest.interval.map_or_else(String::new, |range| format!(" ({})", ends(range.low, range.high)));
        text.push(format!("  {}\n  difference {}{interval}\n", verdict(contest, names), digits(contest.difference)));
    }
    for difference in agreement.differences.iter().take(5) {
        let Difference { id, first, second, people, .. } = difference;
        let people = people.as_deref().map_or_else(String::new, |people| format!(", people {people}"));
        text.push(format!(
            "  apart: {id}, {}: {} and {}{people}\n",
            letters(difference),
            number(*first),
            number(*second)
        ));
    }
    text.concat()
}
