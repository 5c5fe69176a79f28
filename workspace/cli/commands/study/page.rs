//! A study as a page.

use editscale_page::{Column, Document, Table, document, fact, facts, number, section};
use maud::{Markup, html};

use super::plots::{Plot, forest, front, histogram, name, paths, scaling};
use super::report::Report;
use crate::args::CostWord;

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
        "{} runs in {} groups, by {}.",
        report.groups.iter().map(|group| group.runs).sum::<usize>(),
        report.groups.len(),
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
        fact("Confidence", number(report.confidence)),
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
    for scaling in &report.scaling {
        let peak = &scaling.peak;
        let counts =
            [scaling.requests, scaling.left_out, peak.k, peak.low, peak.high].map(|count| number(count as f64));
        let rising = format!("{:.0} %", peak.rising * 100.0);
        let fall =
            scaling.fall.map_or(["–".to_owned(), "–".to_owned()], |fall| [told(fall.difference), number(fall.p)]);
        table.push([scaling.group.clone()].into_iter().chain(counts).chain([rising]).chain(fall));
    }
    html! { (table) }
}

/// A mean with its interval.
fn told(mean: super::curves::Mean) -> String {
    match mean.ends() {
        Some([low, high]) => format!("{} [{}, {}]", number(mean.mean), number(low), number(high)),
        None => number(mean.mean),
    }
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
    for scaling in &report.scaling {
        for size in &scaling.points {
            let gap = size.gap_in_spreads.map_or_else(|| "–".to_owned(), told);
            let means = [size.gold, size.proxy, size.best].map(told);
            let counts = [size.k as f64, size.cost].map(number);
            table.push([scaling.group.clone()].into_iter().chain(counts).chain(means).chain([gap]));
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
    for front in &report.fronts {
        for ended in &front.groups {
            let is_on = if ended.is_on_front { "yes" } else { "no" };
            table.push([
                ended.group.clone(),
                front.cost.replace('_', " "),
                told(ended.spent),
                told(ended.gold),
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
    for comparison in &report.comparisons {
        let counts = [comparison.better, comparison.worse].map(|count| number(count as f64));
        let chances = [comparison.p, comparison.p_holm, comparison.detectable].map(number);
        let begin = [name(comparison, cost), number(comparison.requests as f64), told(comparison.difference)];
        table.push(begin.into_iter().chain(counts).chain(chances));
    }
    html! {
        (table)
        p.remark {
            "p: how often flipping the sign of each request's difference by chance gives as large a mean. “All comparisons” is Holm's correction \
             over the whole table. “Could be seen” is the least difference that so many requests show four times in five."
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
