//! How much the choice depends on κ, and on the judge.

use editscale_page::plot::{Axis, Estimate, Forest, Line, LinePoint, Lines, Mark};
use editscale_page::{Column, Table, count, note, number, section as headed};
use editscale_study::curation::Overlap;
use maud::{Markup, html};

use super::Facts;
use crate::choice::Chosen;

/// The choice at other κ.
pub(super) fn to_kappa(about: &Facts, chosen: &Chosen) -> Option<Markup> {
    if chosen.kappas.is_empty() {
        return None;
    }
    let columns =
        ["κ", "Kept in both", "Kept at this choice alone", "Kept at that κ alone", "Overlap", "Lowest bound kept"];
    let mut table = Table::new("The choice at other κ, against this one", columns.map(Column::number).to_vec());
    for point in &chosen.kappas {
        let [both, first, second] = counts(&point.overlap);
        let lowest = point.lowest.map_or_else(|| "–".to_owned(), number);
        table.push([number(point.kappa), both, first, second, number(point.overlap.jaccard()), lowest]);
    }
    let points = chosen.kappas.iter().map(|point| LinePoint { x: point.kappa, y: point.overlap.jaccard(), band: None });
    let plot = Lines {
        alt: "How much of the choice stays at other κ".to_owned(),
        x: Axis::linear("κ"),
        y: Axis::linear("overlap with this choice (Jaccard)").showing([0.0, 1.0]),
        lines: vec![Line { name: "overlap".to_owned(), points: points.collect(), is_dashed: false }],
        marks: vec![Mark::new("κ of this choice", about.kappa)],
    };
    let content = html! {
        p { "Records are compared by μ − κσ: a larger κ distrusts scores that are not sure. 1 means the same choice." }
        @if chosen.kappas.len() > 1 { (plot.draw().figure("")) }
        (table)
    };
    Some(headed("kappa", "If doubt counted more, or less", content))
}

/// The choice by each reward and part alone.
pub(super) fn to_judges(chosen: &Chosen) -> Option<Markup> {
    if chosen.judges.is_empty() {
        return None;
    }
    let mut columns = vec![Column::text("By")];
    columns.extend(["Kept by both", "Kept here alone", "Kept by it alone", "Overlap"].map(Column::number));
    let mut table = Table::new("As many records chosen by one reward or part alone, against this choice", columns);
    for (name, overlap) in &chosen.judges {
        let [both, first, second] = counts(overlap);
        table.push([name.clone(), both, first, second, number(overlap.jaccard())]);
    }
    let row = |(name, overlap): &(String, Overlap)| Estimate {
        name: name.clone(),
        value: Some(overlap.jaccard()),
        interval: None,
        marks: Vec::new(),
    };
    let plot = Forest {
        alt: "How much of the choice stays when one reward or part chooses alone".to_owned(),
        x: Axis::linear("overlap with this choice (Jaccard)").showing([0.0, 1.0]),
        points: "overlap".to_owned(),
        rows: chosen.judges.iter().take(24).map(row).collect(),
        references: Vec::new(),
    };
    let content = html! {
        (note("Where the overlap is low, the choice stands on what the rewards disagree about: look at those records first."))
        @if chosen.judges.len() > 1 { (plot.draw().figure("")) }
        (table)
    };
    Some(headed("judges", "If another judge had chosen", content))
}

fn counts(overlap: &Overlap) -> [String; 3] {
    [overlap.both, overlap.only_first, overlap.only_second].map(|records| count(records as u64))
}
