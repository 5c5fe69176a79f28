//! Score by candidate, and what fewer candidates would have brought.

use std::fmt::Write as _;

use editscale_core::Edge;
use editscale_engine::RunRecord;
use editscale_page::plot::{Ticks, round_step};

use crate::choice::Choice;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 76.0;
const TOP: f64 = 18.0;
const BOTTOM: f64 = 56.0;

/// One candidate's place in the run and its utility.
struct Point {
    n: usize,
    utility: f64,
    is_fresh: bool,
}

pub(super) fn section(record: &RunRecord, choice: &Choice<'_>) -> String {
    let points = points(record, choice);
    if points.is_empty() {
        return String::new();
    }
    let fresh: Vec<f64> = points.iter().filter(|point| point.is_fresh).map(|point| point.utility).collect();
    let expected = editscale_study::expected_best(&fresh).unwrap_or_default();
    let title = if choice.is_by_rank() { "Mean rank by candidate, the best at the top" } else { "Score by candidate" };
    format!(
        "<section aria-labelledby=\"curve\">\n<h2 id=\"curve\">{title}</h2>\n<figure class=\"chart\">\n{}\n\
         <figcaption>{}</figcaption>\n</figure>\n{}</section>\n",
        chart(&points, &expected, &Range { asked: record.candidates.len(), is_by_rank: choice.is_by_rank() }),
        legend(&points),
        table(&points, &expected, choice.is_by_rank())
    )
}

fn legend(points: &[Point]) -> String {
    let keys = [
        ("dot fresh", "a fresh candidate", points.iter().any(|point| point.is_fresh)),
        ("dot refined", "one made from another candidate", points.iter().any(|point| !point.is_fresh)),
        ("stroke best", "the best so far", true),
        (
            "stroke expected",
            "the expected best of the first k fresh candidates, averaged over all orders",
            points.iter().any(|point| point.is_fresh),
        ),
    ];
    let shown = keys.iter().filter(|(.., is_drawn)| *is_drawn);
    shown.map(|(class, words, _)| format!("<span class=\"key\"><i class=\"{class}\"></i>{words}</span>\n")).collect()
}

fn points(record: &RunRecord, choice: &Choice<'_>) -> Vec<Point> {
    let ranked = choice.ranked().iter();
    let mut points: Vec<Point> = ranked
        .filter_map(|ranked| {
            let candidate = record.candidates.get(ranked.id.0 as usize)?;
            let is_fresh = candidate.proposal.lineage.edge == Edge::Fresh;
            Some(Point { n: ranked.id.0 as usize + 1, utility: ranked.utility.get(), is_fresh })
        })
        .collect();
    points.sort_by_key(|point| point.n);
    points
}

/// What the chart shows.
struct Range {
    /// The candidates that were asked for.
    asked: usize,
    /// Whether utilities are ranks, which are told without their sign.
    is_by_rank: bool,
}

/// The axes' ranges and the way from values to places.
struct Frame {
    most: f64,
    low: f64,
    high: f64,
}

impl Frame {
    fn x(&self, n: f64) -> f64 {
        LEFT + (n - 1.0) / (self.most - 1.0).max(1.0) * (WIDTH - LEFT - 12.0)
    }

    fn y(&self, utility: f64) -> f64 {
        TOP + (self.high - utility) / (self.high - self.low) * (HEIGHT - BOTTOM - TOP)
    }
}

fn chart(points: &[Point], expected: &[f64], range: &Range) -> String {
    let low = points.iter().map(|point| point.utility).fold(f64::INFINITY, f64::min);
    let high = points.iter().map(|point| point.utility).fold(f64::NEG_INFINITY, f64::max);
    let ticks = Ticks::over_scores(low, high);
    let [low, high] = ticks.ends();
    let frame = Frame { most: range.asked as f64, low, high };
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"Score of each candidate in the order of the run; a table follows\">"
    );
    axes(&mut svg, &frame, &ticks, range.is_by_rank);
    svg.push_str(&line(
        "expected",
        expected.iter().enumerate().map(|(k, value)| (frame.x(k as f64 + 1.0), frame.y(*value))),
    ));
    let so_far = so_far(points, range.asked);
    svg.push_str(&line("best", so_far.into_iter().map(|(n, best)| (frame.x(n as f64), frame.y(best)))));
    for point in points {
        let (x, y) = (frame.x(point.n as f64), frame.y(point.utility));
        let kind = if point.is_fresh { "fresh" } else { "refined" };
        let _infallible = write!(svg, "<circle class=\"{kind}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>");
    }
    svg.push_str("</svg>");
    svg
}

/// The best so far, which stays as it is until a better candidate comes: the corners of its steps, to the last candidate.
fn so_far(points: &[Point], asked: usize) -> Vec<(usize, f64)> {
    let (mut corners, mut best): (Vec<(usize, f64)>, Option<f64>) = (Vec::new(), None);
    for point in points.iter().filter(|point| point.n <= asked) {
        if best.is_some_and(|best| point.utility <= best) {
            continue;
        }
        corners.extend(best.map(|best| (point.n, best)));
        corners.push((point.n, point.utility));
        best = Some(point.utility);
    }
    corners.extend(best.map(|best| (asked, best)));
    corners
}

fn axes(svg: &mut String, frame: &Frame, ticks: &Ticks, is_by_rank: bool) {
    for value in ticks.values() {
        let label = ticks.label(if is_by_rank { 0.0 - *value } else { *value });
        let y = frame.y(*value);
        let right = WIDTH - 12.0;
        let _infallible = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            LEFT - 10.0,
            y + 5.0
        );
    }
    let step = round_step((frame.most / 8.0).max(1.0));
    for place in 1..=(frame.most / step) as u32 {
        let n = f64::from(place) * step;
        let _infallible =
            write!(svg, "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{n}</text>", frame.x(n), HEIGHT - 32.0);
    }
    let middle = WIDTH / 2.0;
    let _infallible = write!(
        svg,
        "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">candidates, as they were asked for</text>",
        HEIGHT - 9.0
    );
}

fn line(class: &str, points: impl Iterator<Item = (f64, f64)>) -> String {
    let points: Vec<String> = points.map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    format!("<polyline class=\"{class}\" points=\"{}\"/>", points.join(" "))
}

fn table(points: &[Point], expected: &[f64], is_by_rank: bool) -> String {
    let sign = if is_by_rank { -1.0 } else { 1.0 };
    let rows: String = expected
        .iter()
        .enumerate()
        .map(|(index, value)| {
            let k = index + 1;
            let best =
                points.iter().filter(|point| point.n <= k).map(|point| point.utility).fold(f64::NEG_INFINITY, f64::max);
            let best = if best.is_finite() { format!("{:.3}", sign * best) } else { "–".to_owned() };
            format!("<tr><td>{k}</td><td>{best}</td><td>{:.3}</td></tr>\n", sign * value)
        })
        .collect();
    format!(
        "<details><summary>The figures as a table</summary><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Scores by candidates\">\n\
         <table><thead><tr><th scope=\"col\">Candidates</th><th scope=\"col\">Best so far</th><th scope=\"col\">Expected best of k fresh</th></tr></thead>\n\
         <tbody>\n{rows}</tbody></table></div></details>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_so_far_goes_up_in_steps_and_on_to_the_last_candidate() {
        let point = |(n, utility)| Point { n, utility, is_fresh: true };
        let points: Vec<Point> = [(1, 0.2), (2, 0.1), (4, 0.6), (5, 0.6)].map(point).into_iter().collect();
        assert_eq!(so_far(&points, 7), [(1, 0.2), (4, 0.2), (4, 0.6), (7, 0.6)]);
        assert_eq!(so_far(&[], 7), []);
    }
}
