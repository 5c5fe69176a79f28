//! Score against edits, and what fewer edits would have brought.

use std::fmt::Write as _;

use editscale_core::Edge;
use editscale_engine::RunRecord;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 52.0;
const BOTTOM: f64 = 40.0;

/// One candidate's place in the run and its utility.
struct Point {
    n: usize,
    utility: f64,
    is_fresh: bool,
}

pub(super) fn section(record: &RunRecord) -> String {
    let points = points(record);
    if points.is_empty() {
        return String::new();
    }
    let fresh: Vec<f64> = points.iter().filter(|point| point.is_fresh).map(|point| point.utility).collect();
    let expected = editscale_study::expected_best(&fresh).unwrap_or_default();
    format!(
        "<section aria-labelledby=\"curve\">\n<h2 id=\"curve\">Score against edits</h2>\n<figure class=\"chart\">\n{}\n\
         <figcaption>Dots: candidates. Solid: the best so far. Dashed: the expected best of the first k fresh candidates, averaged over \
         all orders.</figcaption>\n</figure>\n{}</section>\n",
        chart(&points, &expected, record.candidates.len()),
        table(&points, &expected)
    )
}

fn points(record: &RunRecord) -> Vec<Point> {
    let ranked = record.outcome.iter().flat_map(|outcome| &outcome.verdict.ranked);
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
        12.0 + (self.high - utility) / (self.high - self.low) * (HEIGHT - BOTTOM - 12.0)
    }
}

fn chart(points: &[Point], expected: &[f64], asked: usize) -> String {
    let low = points.iter().map(|point| point.utility).fold(f64::INFINITY, f64::min);
    let high = points.iter().map(|point| point.utility).fold(f64::NEG_INFINITY, f64::max);
    let margin = ((high - low) * 0.08).max(0.01);
    let frame = Frame { most: asked as f64, low: low - margin, high: high + margin };
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"Score of each candidate in the order of the run; a table follows\">"
    );
    axes(&mut svg, &frame);
    svg.push_str(&line(
        "expected",
        expected.iter().enumerate().map(|(k, value)| (frame.x(k as f64 + 1.0), frame.y(*value))),
    ));
    let mut best = f64::NEG_INFINITY;
    let so_far = points.iter().map(|point| {
        best = best.max(point.utility);
        (frame.x(point.n as f64), frame.y(best))
    });
    svg.push_str(&line("best", so_far.collect::<Vec<_>>().into_iter()));
    for point in points {
        let (x, y) = (frame.x(point.n as f64), frame.y(point.utility));
        let kind = if point.is_fresh { "fresh" } else { "refined" };
        let _infallible = write!(svg, "<circle class=\"{kind}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>");
    }
    svg.push_str("</svg>");
    svg
}

fn axes(svg: &mut String, frame: &Frame) {
    for step in 0..=4 {
        let value = frame.low + (frame.high - frame.low) * f64::from(step) / 4.0;
        let y = frame.y(value);
        let right = WIDTH - 12.0;
        let _infallible = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value:.2}</text>",
            LEFT - 8.0,
            y + 4.0
        );
    }
    let steps = frame.most.clamp(2.0, 6.0) as usize;
    for step in 0..steps {
        let n = 1.0 + (frame.most - 1.0) * step as f64 / (steps - 1) as f64;
        let n = n.round();
        let _infallible =
            write!(svg, "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{n}</text>", frame.x(n), HEIGHT - 20.0);
    }
    let middle = WIDTH / 2.0;
    let _infallible = write!(svg, "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">edits</text>", HEIGHT - 4.0);
}

fn line(class: &str, points: impl Iterator<Item = (f64, f64)>) -> String {
    let points: Vec<String> = points.map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    format!("<polyline class=\"{class}\" points=\"{}\"/>", points.join(" "))
}

fn table(points: &[Point], expected: &[f64]) -> String {
    let rows: String = expected
        .iter()
        .enumerate()
        .map(|(index, value)| {
            let k = index + 1;
            let best =
                points.iter().filter(|point| point.n <= k).map(|point| point.utility).fold(f64::NEG_INFINITY, f64::max);
            let best = if best.is_finite() { format!("{best:.3}") } else { "–".to_owned() };
            format!("<tr><td>{k}</td><td>{best}</td><td>{value:.3}</td></tr>\n")
        })
        .collect();
    format!(
        "<details><summary>The figures as a table</summary><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Scores by edits\">\n\
         <table><thead><tr><th scope=\"col\">Edits</th><th scope=\"col\">Best so far</th><th scope=\"col\">Expected best of k fresh</th></tr></thead>\n\
         <tbody>\n{rows}</tbody></table></div></details>\n"
    )
}
