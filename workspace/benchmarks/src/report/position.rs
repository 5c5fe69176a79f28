//! A judge of pairs, asked in both orders: a section of a page, and lines of text.

use editscale_page::plot::{Counts, StackedBars};
use editscale_page::{Column, Table, count};
use maud::{Markup, html};

use super::lines::{columns, digits, ends, probability, range_of, value};
use crate::measures::Position;

pub(super) fn section(position: &Position) -> Markup {
    let titles =
        vec![Column::text("Measure"), Column::number("value"), Column::number("interval"), Column::number("n")];
    let caption = format!(
        "{} pairs answered in both orders; {} with an answer missing are left out.",
        position.pairs, position.failed
    );
    let mut table = Table::new(caption, titles);
    rows(position).into_iter().for_each(|row| table.push(row));
    editscale_page::section(
        "position",
        "Both orders",
        html! {
            p { (verdict(position)) }
            (table)
            @if position.pairs > 0 { (bars(position)) }
        },
    )
}

fn bars(position: &Position) -> Markup {
    let parts = outcomes(position).map(|(name, n)| Counts::new(name, [n as f64]));
    let bars = StackedBars {
        alt: "What became of pairs when they were shown the other way round".to_owned(),
        x: "pairs".to_owned(),
        bars: vec!["pairs".to_owned()],
        parts: parts.to_vec(),
    };
    bars.draw()
        .figure("Without position bias, the first and the second place would win as often where the winner changes.")
}

fn outcomes(position: &Position) -> [(&'static str, u64); 4] {
    [
        ("same winner", position.consistent),
        ("first place both times", position.first_place),
        ("second place both times", position.second_place),
        ("a tie once", position.half_tied),
    ]
}

/// Name, value, interval and n.
fn rows(position: &Position) -> Vec<[String; 4]> {
    let pairs = format!("{} pairs", count(position.pairs as u64));
    let consistency = [
        "Same verdict in both orders".to_owned(),
        value(position.consistency),
        position
            .consistency
            .map(|_| range_of(position.consistency_interval, position.cases, "cases"))
            .unwrap_or_default(),
        pairs,
    ];
    let mut rows = vec![consistency];
    if let Some(bias) = position.bias {
        let n = format!("{} pairs", count(position.first_place + position.second_place));
        rows.push([
            "First place wins, where the winner changes".to_owned(),
            digits(bias.first),
            ends(bias.low, bias.high),
            n,
        ]);
    }
    if let Some(people) = position.people {
        let n = format!("{} decided pairs", count(people.pairs as u64));
        for (name, value) in [
            ("as they stand", people.forward),
            ("turned round", people.backward),
            ("both orders together", people.both),
        ] {
            rows.push([format!("Accuracy, {name}"), digits(value), String::new(), n.clone()]);
        }
    }
    rows
}

fn verdict(position: &Position) -> String {
    if position.pairs == 0 {
        return "No pair was answered in both orders: nothing can be said of its place.".to_owned();
    }
    let Some(bias) = position.bias else {
        return "No winner changed with the order: there is no sign of position bias.".to_owned();
    };
    let p = probability(Some(bias.p_value));
    let is_biased = bias.p_value < 1.0 - position.rules.confidence;
    match (is_biased, bias.first > 0.5) {
        (false, _) => format!("No place is favoured beyond chance (p {p})."),
        (true, true) => format!("The first place is favoured (p {p}): ask in both orders."),
        (true, false) => format!("The second place is favoured (p {p}): ask in both orders."),
    }
}

pub(super) fn text(position: &Position) -> String {
    let head = format!("both orders: {} pairs, {} with an answer missing\n", position.pairs, position.failed);
    let outcomes = outcomes(position).map(|(name, n)| format!("{name} {n}")).join(", ");
    let rows: Vec<Vec<String>> = rows(position).into_iter().map(|row| row.to_vec()).collect();
    format!("{head}  {outcomes}\n{}  {}\n", columns(&rows), verdict(position))
}
