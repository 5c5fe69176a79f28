//! The plots of a study.

use editscale_page::plot::{Axis, Counts, Drawn, Estimate, Forest, Histogram, Line, LinePoint, Lines, Mark, Ticks};

use super::curves::{Mean, Scaling, Size};
use super::pairs::Comparison;
use super::paths::{Ahead, Front, Lead, Path};
use super::report::Report;
use crate::args::CostWord;

/// A plot: the name of its file, its words, and the drawing.
pub(super) struct Plot {
    pub(super) name: String,
    pub(super) caption: String,
    pub(super) drawn: Drawn,
}

fn plot(name: impl Into<String>, caption: impl Into<String>, drawn: Drawn) -> Plot {
    Plot { name: name.into(), caption: caption.into(), drawn }
}

fn point(x: f64, mean: &Mean) -> LinePoint {
    LinePoint { x, y: mean.mean, band: mean.ends() }
}

/// Gold, proxy and hacking gap against the number of candidates.
pub(super) fn scaling(report: &Report) -> Vec<Plot> {
    let of = |y: &str, alt: &str, mean: fn(&Size) -> Option<Mean>| {
        let line = |scaling: &Scaling| Line {
            name: scaling.group.clone(),
            points: scaling.points.iter().filter_map(|size| Some(point(size.k as f64, &mean(size)?))).collect(),
            is_dashed: false,
        };
        let lines = report.scaling.iter().map(line).collect();
        Lines {
            alt: alt.to_owned(),
            x: Axis::log("candidates to choose from"),
            y: Axis::linear(y),
            lines,
            marks: Vec::new(),
        }
        .draw()
    };
    let sure = format!("{} % intervals over requests", report.confidence * 100.0);
    let gold = of("gold of the chosen one", "Gold of the best of k by proxy", |size| Some(size.gold));
    let proxy = of("proxy of the chosen one", "Proxy of the best of k by proxy", |size| Some(size.proxy));
    let mut plots = vec![plot(
        "scaling-gold",
        format!("The gold of the one that the proxy puts first of k, on average over all ways to pick k; {sure}."),
        gold,
    )];
    if report.gold.is_other() {
        let gap = of("hacking gap, in spreads", "What the proxy gains more than the gold", |size| size.gap_in_spreads);
        plots.push(plot(
            "scaling-proxy",
            format!("The same one's proxy: what the policy believes it gains; {sure}."),
            proxy,
        ));
        plots.push(plot("hacking-gap", format!("What the proxy gains by choice less what the gold gains, each in units of its own standard deviation among one request's candidates; {sure}."), gap));
    }
    plots
}

/// What was chosen as spending went on.
pub(super) fn paths(report: &Report, cost: CostWord) -> Plot {
    let line = |path: &Path| Line {
        name: path.group.clone(),
        points: path.points.iter().map(|at| point(at.budget, &at.gold)).collect(),
        is_dashed: false,
    };
    let drawn = Lines {
        alt: format!("Gold of the best so far by {}", cost.title()),
        x: Axis::linear(cost.title()).showing([0.0]),
        y: Axis::linear("gold of the best so far"),
        lines: report.paths.iter().map(line).collect(),
        marks: Vec::new(),
    };
    plot(
        "quality-by-cost",
        "The gold of what each recipe would have chosen when so much was spent; a line begins where every request has a choice and ends where every run has ended.",
        drawn.draw(),
    )
}

/// How far each further group is ahead of the first: what its requests have in common with those of the first is no part of it.
pub(super) fn leads(report: &Report, cost: CostWord) -> Option<Plot> {
    let than = &report.leads.first()?.than;
    let at = |at: &Ahead| point(at.budget, &at.difference);
    let line =
        |lead: &Lead| Line { name: lead.group.clone(), points: lead.points.iter().map(at).collect(), is_dashed: false };
    let most = report.leads.iter().flat_map(|lead| &lead.points).map(|at| at.budget).fold(0.0, f64::max);
    let level = |x| LinePoint { x, y: 0.0, band: None };
    let first = Line { name: than.clone(), points: vec![level(0.0), level(most)], is_dashed: true };
    let drawn = Lines {
        alt: format!("Gold less that of {than} by {}", cost.title()),
        x: Axis::linear(cost.title()).showing([0.0]),
        y: Axis::linear(format!("gold less that of {than}")).showing([0.0]),
        lines: std::iter::once(first).chain(report.leads.iter().map(line)).collect(),
        marks: Vec::new(),
    };
    Some(plot(
        "lead-by-cost",
        format!(
            "How much more gold each recipe has than {than} on the same requests when both have spent so much. These intervals tell recipes apart; \
             those of the golds above are of the requests, which all share."
        ),
        drawn.draw(),
    ))
}

/// What groups came to, against one kind of cost.
pub(super) fn front(front: &Front, cost: CostWord) -> Plot {
    let mut lines: Vec<Line> = Vec::new();
    for ended in &front.groups {
        let place = if ended.is_on_front { ", on the front" } else { "" };
        let points = vec![point(ended.spent.mean, &ended.gold)];
        lines.push(Line { name: format!("{}{place}", ended.group), points, is_dashed: false });
    }
    let mut on: Vec<LinePoint> = front
        .groups
        .iter()
        .filter(|ended| ended.is_on_front)
        .map(|ended| LinePoint { x: ended.spent.mean, y: ended.gold.mean, band: None })
        .collect();
    on.sort_by(|one, other| one.x.total_cmp(&other.x));
    if on.len() > 1 {
        lines.push(Line { name: "Pareto front".to_owned(), points: on, is_dashed: true });
    }
    let drawn = Lines {
        alt: format!("What each recipe came to, by {}", cost.title()),
        x: Axis::linear(format!("{} a run", cost.title())).showing([0.0]),
        y: Axis::linear("gold of the chosen one"),
        lines,
        marks: Vec::new(),
    };
    plot(
        format!("front-{}", cost.word()),
        "On the front is what no other recipe beats in both: lower cost and higher gold.",
        drawn.draw(),
    )
}

/// What a comparison is called.
pub(super) fn name(comparison: &Comparison, cost: CostWord) -> String {
    let at = match comparison.budget {
        Some(budget) => format!("{} {}", editscale_page::number(budget), cost.title()),
        None => "end".to_owned(),
    };
    // What tells rows apart stands first: plots cut long names.
    format!("{at}: {} − {}", comparison.second, comparison.first)
}

/// All differences with their intervals.
pub(super) fn forest(report: &Report, cost: CostWord) -> Plot {
    let row = |comparison: &Comparison| Estimate {
        name: name(comparison, cost),
        value: Some(comparison.difference.mean),
        interval: comparison.difference.ends(),
        marks: Vec::new(),
    };
    let drawn = Forest {
        alt: "Differences between recipes with their intervals".to_owned(),
        x: Axis::linear("difference in gold"),
        points: "mean difference over requests, with its interval".to_owned(),
        rows: report.comparisons.iter().map(row).collect(),
        references: vec![Mark::new("no difference", 0.0)],
    };
    plot("differences", "Right of the line the first-named recipe is better.", drawn.draw())
}

/// The differences of single requests at the end.
pub(super) fn histogram(comparison: &Comparison, number: usize) -> Plot {
    const BINS: usize = 12;
    let differences = &comparison.differences;
    let low = differences.iter().copied().fold(0.0, f64::min);
    let high = differences.iter().copied().fold(0.0, f64::max);
    let [low, high] = Ticks::over(low, high).ends();
    let mut counts = [0.0; BINS];
    for difference in differences {
        let bin = ((difference - low) / (high - low) * BINS as f64) as usize;
        counts[bin.min(BINS - 1)] += 1.0;
    }
    let drawn = Histogram {
        alt: "Differences of single requests".to_owned(),
        x: format!("gold of {} less that of {}", comparison.second, comparison.first),
        y: "requests".to_owned(),
        low,
        high,
        series: vec![Counts::new("requests", counts)],
        marks: vec![Mark::new("mean", comparison.difference.mean), Mark::new("no difference", 0.0)],
    };
    plot(format!("requests-{number}"), "Each request at the end of its runs.", drawn.draw())
}
