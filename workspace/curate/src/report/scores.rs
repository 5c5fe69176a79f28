//! Scores: of all, of each stratum, and examples at each tenth.

use std::collections::BTreeMap;

use editscale_page::plot::{Counts, Histogram, Mark};
use editscale_page::{Column, Table, count, folded, number, section as headed};
use editscale_study::curation::{Decile, Distribution, Ranked};
use maud::{Markup, html};

use super::example::cards;
use super::fates::name_of;
use super::{Examples, Facts, Plan};
use crate::choice::{Chosen, Fate, StratumScores};

/// Bins of all scores.
const BINS: usize = 50;

/// Examples of each tenth of all scores.
const EXAMPLES: usize = 3;

/// Strata whose scores are drawn each by itself.
const MOST_DRAWN: usize = 24;

/// Tenths of all scored records, with examples.
pub(super) fn overall(chosen: &Chosen) -> Vec<Decile> {
    let scored = (0..).zip(&chosen.fated).filter_map(|(row, fated)| Some(Ranked { row, score: fated.score? }));
    Distribution::of(scored.collect(), EXAMPLES).map(|scores| scores.deciles).unwrap_or_default()
}

/// The strata, the largest first.
pub(super) fn largest(chosen: &Chosen) -> Vec<u32> {
    let mut sizes: BTreeMap<u32, u64> = BTreeMap::new();
    chosen.fated.iter().for_each(|fated| *sizes.entry(fated.stratum).or_default() += 1);
    let mut strata: Vec<(u32, u64)> = sizes.into_iter().collect();
    strata.sort_by_key(|(stratum, size)| (std::cmp::Reverse(*size), *stratum));
    strata.into_iter().map(|(stratum, _)| stratum).collect()
}

/// All scores, then those of each stratum.
pub(super) fn section(about: &Facts, chosen: &Chosen, plan: &Plan, examples: &dyn Examples) -> Option<Markup> {
    let all = all(about, chosen)?;
    let strata = largest(chosen);
    let strata: Vec<(u32, &StratumScores)> =
        strata.into_iter().filter_map(|stratum| Some((stratum, chosen.distributions.get(&stratum)?))).collect();
    let drawn = strata.iter().filter(|_| strata.len() > 1).take(MOST_DRAWN);
    let content = html! {
        (all.draw().figure("All records with a score, and those that are kept."))
        (table(chosen, &strata))
        @for (stratum, scores) in drawn {
            (folded(&name_of(chosen, *stratum), html! {
                (of_stratum(&name_of(chosen, *stratum), scores).draw().figure(""))
                @if let Some(places) = plan.strata.get(stratum) {
                    @if let Some(cards) = cards(chosen, places, examples) { p { "From the lowest tenth to the highest:" } (cards) }
                }
            }))
        }
    };
    Some(headed("scores", "Scores", content))
}

fn all(about: &Facts, chosen: &Chosen) -> Option<Histogram> {
    let scores = || chosen.fated.iter().filter_map(|fated| Some((fated.score?, matches!(fated.fate, Fate::Kept(_)))));
    let low = scores().map(|(score, _)| score).fold(f64::INFINITY, f64::min);
    let high = scores().map(|(score, _)| score).fold(f64::NEG_INFINITY, f64::max);
    let mut bins = editscale_study::curation::Histogram::new(low, high, BINS).ok()?;
    let mut kept = bins.clone();
    for (score, is_kept) in scores() {
        bins.count(score);
        if is_kept {
            kept.count(score);
        }
    }
    // Where strata have parts of their own, there is no one cut.
    let lowest = chosen.lowest.filter(|_| about.kappa == 0.0 && chosen.lowest_of_strata.is_empty());
    let marks = lowest.map(|lowest| Mark::new("lowest that is kept", lowest)).into_iter().collect();
    Some(histogram("Scores of all records and of those that are kept", (&bins, &kept), marks))
}

fn of_stratum(name: &str, scores: &StratumScores) -> Histogram {
    let [.., median, _, _] = scores.all.quartiles;
    let marks = vec![Mark::new("median", median)];
    histogram(&format!("Scores of {name}"), (&scores.bins, &scores.kept), marks)
}

type Bins<'a> = &'a editscale_study::curation::Histogram;

fn histogram(alt: &str, (all, kept): (Bins<'_>, Bins<'_>), marks: Vec<Mark>) -> Histogram {
    let counts = |bins: Bins<'_>| bins.counts.iter().map(|count| *count as f64).collect::<Vec<_>>();
    Histogram {
        alt: alt.to_owned(),
        x: "score".to_owned(),
        y: "edited pictures".to_owned(),
        low: all.low,
        high: all.high,
        series: vec![Counts::new("all", counts(all)), Counts::new("kept", counts(kept))],
        marks,
    }
}

fn table(chosen: &Chosen, strata: &[(u32, &StratumScores)]) -> Table {
    let numbers = [
        "With a score",
        "Kept",
        "Mean",
        "Deviation",
        "Lowest",
        "Lower quartile",
        "Median",
        "Upper quartile",
        "Highest",
    ];
    let columns = std::iter::once(Column::text("Stratum")).chain(numbers.map(Column::number)).collect();
    let mut table = Table::new("Scores by stratum, the largest first", columns);
    for (stratum, scores) in strata {
        let kept = scores.kept.counts.iter().sum::<u64>() + scores.kept.below + scores.kept.above;
        let counts = [count(scores.all.rows as u64), count(kept)];
        let moments = [number(scores.all.mean), number(scores.all.deviation)];
        let row = std::iter::once(name_of(chosen, *stratum)).chain(counts).chain(moments);
        table.push(row.chain(scores.all.quartiles.map(number)));
    }
    table
}

/// Examples of each tenth of all scores, the highest first.
pub(super) fn deciles(chosen: &Chosen, plan: &Plan, examples: &dyn Examples) -> Option<Markup> {
    let tenths: Vec<Markup> = plan
        .deciles
        .iter()
        .enumerate()
        .rev()
        .filter_map(|(before, ([low, high], places))| {
            let cards = cards(chosen, places, examples)?;
            let title = if plan.deciles.len() == 10 {
                format!("Tenth {} of 10", before + 1)
            } else {
                format!("Part {}", before + 1)
            };
            Some(html! { h3 { (title) ", scores " (number(*low)) " to " (number(*high)) } (cards) })
        })
        .collect();
    let words = "All records with a score in tenths of equal size, the best first: source at the left, edited picture at the right.";
    let content = || html! { p { (words) } @for tenth in &tenths { (tenth) } };
    (!tenths.is_empty()).then(|| headed("examples", "What scores look like", content()))
}
