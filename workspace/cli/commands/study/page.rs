//! A study as a page.

use editscale_page::{Alike, Column, Document, Table, chance, document, fact, facts, number, section};
use maud::{Markup, html};

use super::curves::{Mean, Size};
use super::pairs::Comparison;
use super::plots::{Plot, forest, front, histogram, leads, name, paths, scaling};
use super::report::Report;
use crate::args::CostWord;
use crate::words::several;

/// Histograms of more pairs than this are left out.
const MOST_HISTOGRAMS: usize = 3;

/// The page, and its plots for files.
pub(super) fn page(report: &Report, cost: CostWord) -> (String, Vec<Plot>) {
    let (mut plots, mut sections) = (Vec::new(), Vec::new());
    if !report.answers.is_empty() {
        let said = html! { ul { @for sentence in &report.answers { li { (sentence) } } } };
        sections.push(section("answer", "What it says", said));
    }
    sections.push(section("studied", "What was studied", studied(report, cost)));
    if !report.scaling.is_empty() {
        let drawn = scaling(report);
        let content = html! {
            p { "From the candidates that were made without looking at others: what the best of k of them would be, for every k, without running each size." }
            (figures(&drawn)) (peaks(report)) (sizes(report))
        };
        sections.push(section("scaling", "What more candidates bring", content));
        plots.extend(drawn);
    }
    let mut costs = vec![paths(report, cost)];
    costs.extend(leads(report, cost));
    let units = report.fronts.iter().filter_map(|found| {
        let unit = CostWord::ALL.into_iter().find(|unit| unit.word() == found.cost)?;
        Some(front(found, unit))
    });
    costs.extend(units);
    sections.push(section("cost", "Quality against cost", html! { (figures(&costs)) (fronts(report)) }));
    plots.extend(costs);
    if !report.comparisons.is_empty() {
        let mut drawn = vec![forest(report, cost)];
        let ends = report.comparisons.iter().filter(|comparison| comparison.budget.is_none()).take(MOST_HISTOGRAMS);
        drawn.extend(ends.zip(1..).map(|(comparison, number)| histogram(comparison, number)));
        sections.push(section(
            "compared",
            "Request by request",
            html! { (figures(&drawn)) (comparisons(report, cost)) },
        ));
        plots.extend(drawn);
    }
    if !report.remarks.is_empty() || !report.left_out.is_empty() {
        sections.push(section("remarks", "What could not be told", remarks(report)));
    }
    let lead = format!(
        "{} in {}, by {}.",
        several(report.groups.iter().map(|group| group.runs as u64).sum(), "run"),
        several(report.groups.len() as u64, "group"),
        report.gold.words()
    );
    (document(&Document { title: "Study".to_owned(), lead, sections }), plots)
}

fn figures(plots: &[Plot]) -> Markup {
    html! { @for plot in plots { (plot.drawn.figure(&plot.caption)) } }
}

fn studied(report: &Report, cost: CostWord) -> Markup {
    let mut table = Table::new(
        "Groups",
        vec![
            Column::text("Group"),
            Column::number("Runs"),
            Column::number("Requests"),
            Column::text("Policy"),
            Column::text("Objective"),
        ],
    );
    let lines = |words: &std::collections::BTreeSet<String>| words.iter().cloned().collect::<Vec<_>>().join("; ");
    for group in &report.groups {
        let counts = [group.runs, group.requests].map(|count| number(count as f64));
        let words = [lines(&group.searches), lines(&group.objectives)];
        table.push([group.name.clone()].into_iter().chain(counts).chain(words));
    }
    let mut told = vec![
        fact("Chosen by", report.proxy.clone()),
        fact("Wanted (gold)", report.gold.words()),
        fact("Cost", cost.title()),
        fact("Confidence", format!("{} %", number(report.confidence * 100.0))),
        fact("Seed", report.seed.to_string()),
    ];
    told.extend(report.gold.rewards.iter().map(|(name, revision)| fact(&format!("Judge {name}"), revision.clone())));
    html! { @if let Some(warning) = report.gold.warning() { p { strong { "Not held out: " } (warning) "." } } (facts(&told)) (table) }
}

fn peaks(report: &Report) -> Markup {
    let mut table = Table::new(
        "Where the gold is highest",
        vec![
            Column::text("Group"),
            Column::number("Requests"),
            Column::number("Left out"),
            Column::number("Highest at k"),
            Column::number("from"),
            Column::number("to"),
            Column::number("Still rising"),
            Column::number("Change to the largest k"),
            Column::number("p"),
        ],
    );
    let alike = alike(report.scaling.iter().filter_map(|scaling| scaling.fall).map(|fall| fall.difference));
    for scaling in &report.scaling {
        let peak = &scaling.peak;
        let counts =
            [scaling.requests, scaling.left_out, peak.k, peak.low, peak.high].map(|count| number(count as f64));
        let rising = format!("{:.0} %", peak.rising * 100.0);
        let fall = scaling
            .fall
            .map_or(["–".to_owned(), "–".to_owned()], |fall| [told(alike, fall.difference), chance(fall.p)]);
        table.push([scaling.group.clone()].into_iter().chain(counts).chain([rising]).chain(fall));
    }
    html! { (table) }
}

/// How a column of means with their intervals is written.
fn alike(means: impl Iterator<Item = Mean>) -> Alike {
    Alike::of(means.flat_map(|mean| mean.ends().into_iter().flatten().chain([mean.mean])))
}

/// A mean with its interval.
fn told(alike: Alike, mean: Mean) -> String {
    alike.with_interval(mean.mean, mean.ends())
}

fn sizes(report: &Report) -> Markup {
    let mut table = Table::new(
        "Scaling",
        vec![
            Column::text("Group"),
            Column::number("k"),
            Column::number("Cost"),
            Column::number("Gold"),
            Column::number("Proxy"),
            Column::number("Best there is"),
            Column::number("Gap in spreads"),
        ],
    );
    let points = || report.scaling.iter().flat_map(|scaling| &scaling.points);
    let cost = Alike::of(points().map(|size| size.cost));
    let of_means: [fn(&Size) -> Mean; 3] = [|size| size.gold, |size| size.proxy, |size| size.best];
    let columns = of_means.map(|of| alike(points().map(of)));
    let gaps = alike(points().filter_map(|size| size.gap_in_spreads));
    for scaling in &report.scaling {
        for size in &scaling.points {
            let means = of_means.iter().zip(columns).map(|(of, alike)| told(alike, of(size)));
            let gap = size.gap_in_spreads.map_or_else(|| "–".to_owned(), |gap| told(gaps, gap));
            let begin = [scaling.group.clone(), number(size.k as f64), cost.show(size.cost)];
            table.push(begin.into_iter().chain(means).chain([gap]));
        }
    }
    editscale_page::folded("All sizes", table)
}

fn fronts(report: &Report) -> Markup {
    let mut table = Table::new(
        "What each group came to",
        vec![
            Column::text("Group"),
            Column::text("Cost in"),
            Column::number("Spent a run"),
            Column::number("Gold"),
            Column::text("On the front"),
        ],
    );
    let gold = alike(report.fronts.iter().flat_map(|front| &front.groups).map(|ended| ended.gold));
    for front in &report.fronts {
        let spent = alike(front.groups.iter().map(|ended| ended.spent));
        for ended in &front.groups {
            let is_on = if ended.is_on_front { "yes" } else { "no" };
            table.push([
                ended.group.clone(),
                front.cost.replace('_', " "),
                told(spent, ended.spent),
                told(gold, ended.gold),
                is_on.to_owned(),
            ]);
        }
    }
    html! { (table) }
}

fn comparisons(report: &Report, cost: CostWord) -> Markup {
    let mut table = Table::new(
        "Differences over common requests",
        vec![
            Column::text("Comparison"),
            Column::number("Requests"),
            Column::number("Difference"),
            Column::number("Better"),
            Column::number("Worse"),
            Column::number("p"),
            Column::number("p, all comparisons"),
            Column::number("Could be seen"),
        ],
    );
    let difference = alike(report.comparisons.iter().map(|comparison| comparison.difference));
    let seen = Alike::of(report.comparisons.iter().filter_map(|comparison| comparison.detectable));
    let could_see =
        |comparison: &Comparison| comparison.detectable.map_or_else(|| "none".to_owned(), |least| seen.show(least));
    for comparison in &report.comparisons {
        let counts = [comparison.better, comparison.worse].map(|count| number(count as f64));
        let chances = [comparison.p, comparison.p_holm].map(chance);
        let told = told(difference, comparison.difference);
        let begin = [name(comparison, cost), number(comparison.requests as f64), told];
        table.push(begin.into_iter().chain(counts).chain(chances).chain([could_see(comparison)]));
    }
    html! {
        (table)
        p.remark {
            "p: how often flipping the sign of each request's difference by chance gives as large a mean. “All comparisons” is Holm's correction \
             over the whole table. “Could be seen” is the least difference that so many requests show four times in five; “none” \
             where so few show none, however large."
        }
    }
}

fn remarks(report: &Report) -> Markup {
    html! {
        @if !report.remarks.is_empty() { ul { @for remark in &report.remarks { li { (remark) } } } }
        @if !report.left_out.is_empty() {
            p { "Left out:" }
            ul { @for left in &report.left_out { li { (left.run) ": " (left.why) } } }
        }
    }
}
