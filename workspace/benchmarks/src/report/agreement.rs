//! Two judges: a section of a page, and lines of text.

use editscale_page::plot::{Axis, Estimate as Row, Forest};
use editscale_page::{Column, Table, count, number, shortened};
use maud::{Markup, html};

use editscale_study::judges::Preference;

use super::lines::{columns, digits, ends, probability, range_of, value};
use crate::measures::{Agreement, Contest, Difference, PairAgreement, why_no_interval};
use crate::preference_of_word;

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
        let interval = range_of(pairs.interval, pairs.sources, "sources");
        push("Pairs on which both say the same", digits(pairs.observed), interval, n.clone());
        push("Cohen's kappa", value(pairs.kappa), String::new(), n.clone());
        push("Cohen's kappa, ties half", value(pairs.weighted_kappa), String::new(), n);
    }
    if let Some(scores) = &agreement.scores {
        let n = format!("{} edits", count(scores.edits as u64));
        let interval =
            scores.spearman.map(|_| range_of(scores.interval, scores.sources, "sources")).unwrap_or_default();
        push("Spearman of all scores", value(scores.spearman), interval, n.clone());
        push("Kendall's tau-b of all scores", value(scores.kendall_tau_b), String::new(), n.clone());
        push("Spearman within sources", value(scores.spearman_within), String::new(), n.clone());
        push("Kendall's tau-b within sources", value(scores.tau_within), String::new(), n);
    }
    rows
}

fn contest_row(contest: &Contest, names: [&str; 2]) -> [String; 4] {
    let name = format!("{}, {} less {}", contest.metric.words(), names[0], names[1]);
    let interval = range_of(contest.interval, contest.sources, "sources");
    [name, digits(contest.difference), interval, count(contest.n as u64)]
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
        name: contest.metric.words().to_owned(),
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
    let metric = contest.metric.words();
    let values = format!("{metric}: {} {}, {} {}", names[0], digits(contest.first), names[1], digits(contest.second));
    let nearer = match contest.interval {
        None => {
            let reason = why_no_interval(contest.sources, "sources");
            format!("which is nearer cannot be told: {reason}")
        }
        Some(range) if range.low > 0.0 => format!("{} is nearer to people", names[0]),
        Some(range) if range.high < 0.0 => format!("{} is nearer to people", names[1]),
        Some(_) => "the interval of the difference holds 0".to_owned(),
    };
    let signs = contest.nearer.map(|[first, second]| {
        let p = contest.p_value.map_or_else(String::new, |p| format!(", sign test p {}", probability(Some(p))));
        format!(" By sources: {first} and {second}{p}.")
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
    let caption = "Where they differ most: which of the two edits each prefers and by what margin, or its score of the one. Apart \
                   are the places of these among all.";
    let mut table = Table::new(caption, titles.to_vec());
    for difference in &agreement.differences {
        let Difference { part, id, instruction, first, second, apart, .. } = difference;
        let id = if part.is_empty() { id.clone() } else { format!("{part}/{id}") };
        let people = people(difference).unwrap_or_default();
        table.push([
            id,
            shortened(instruction, 80),
            letters(difference),
            judged(difference, *first),
            judged(difference, *second),
            digits(*apart),
            people,
        ]);
    }
    table
}

/// The edits by their letters.
fn letters(difference: &Difference) -> String {
    difference.candidates.iter().map(|at| letter(*at)).collect::<Vec<String>>().join(" and ")
}

fn letter(at: usize) -> String {
    let letter = u8::try_from(at).ok().filter(|at| *at < 26);
    letter.map_or_else(|| format!("#{at}"), |at| char::from(b'A' + at).to_string())
}

/// What a judge says: which of two edits is better and by how much, or its score of one.
fn judged(difference: &Difference, value: f64) -> String {
    match difference.candidates.as_slice() {
        [_, _] if value == 0.0 => "both alike".to_owned(),
        [first, second] => {
            format!("{} by {}", letter(if value > 0.0 { *first } else { *second }), number(value.abs()))
        }
        _ => format!("scores {}", number(value)),
    }
}

/// What people say: which of two edits is better, or their rating of one.
fn people(difference: &Difference) -> Option<String> {
    let said = difference.people.as_deref()?;
    let preferred = match (preference_of_word(said), difference.candidates.as_slice()) {
        (Some(Preference::First), [first, _]) => letter(*first),
        (Some(Preference::Second), [_, second]) => letter(*second),
        (Some(Preference::Tie), _) => "both alike".to_owned(),
        _ => said.to_owned(),
    };
    Some(preferred)
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
        let Difference { id, first, second, .. } = difference;
        let people = people(difference).map_or_else(String::new, |people| format!(", people {people}"));
        let [one, other] = [first, second].map(|value| judged(difference, *value));
        let edits = letters(difference);
        text.push(format!("  apart: {id}, {edits}: {} {one}, {} {other}{people}\n", names[0], names[1]));
    }
    text.concat()
}
