//! Each kind of plot, as it is drawn.

use editscale_page::plot::{
    Axis, Cloud, Counts, Estimate, Forest, Histogram, Line, LinePoint, Lines, Mark, Scatter, StackedBars,
};
use maud::Render;

pub(crate) fn histogram() -> Histogram {
    Histogram {
        alt: "Scores of all rows and of those kept".to_owned(),
        x: "score".to_owned(),
        y: "rows".to_owned(),
        low: 0.0,
        high: 1.0,
        series: vec![Counts::new("all", [1.0, 4.0, 9.0, 3.0]), Counts::new("kept", [0.0, 0.0, 7.0, 3.0])],
        marks: vec![Mark::new("cut", 0.55)],
    }
}

pub(crate) fn lines() -> Lines {
    let point = |(n, y): (i32, f64)| LinePoint { x: 2f64.powi(n), y, band: Some([y - 0.05, y + 0.04]) };
    let measured = (0..).zip([0.41, 0.55, 0.62, 0.66, 0.68]).map(point).collect();
    let expected =
        (0..).zip([0.4, 0.53, 0.63, 0.7, 0.75]).map(|(n, y)| LinePoint { band: None, ..point((n, y)) }).collect();
    Lines {
        alt: "Quality against the number of candidates".to_owned(),
        x: Axis::log("candidates"),
        y: Axis::linear("score"),
        lines: vec![
            Line { name: "measured".to_owned(), points: measured, is_dashed: false },
            Line { name: "expected".to_owned(), points: expected, is_dashed: true },
        ],
        marks: vec![Mark::new("budget", 8.0)],
    }
}

pub(crate) fn forest() -> Forest {
    let row = |name: &str, value, interval, printed| Estimate {
        name: name.to_owned(),
        value,
        interval,
        marks: vec![Mark::new("as printed", printed)],
    };
    Forest {
        alt: "Accuracy with its interval".to_owned(),
        x: Axis::linear("accuracy"),
        points: "estimate".to_owned(),
        rows: vec![
            row("2 of a group", Some(0.52), Some([0.48, 0.57]), 0.5699),
            row("3 of a group", Some(0.33), Some([0.28, 0.38]), 0.4333),
            row("4 of a group", None, None, 0.1127),
        ],
        references: vec![Mark::new("chance", 0.25)],
    }
}

pub(crate) fn scatter() -> Scatter {
    let points = (0..8).map(|n| (f64::from(n) / 8.0, f64::from(n * 5 % 8 + n) / 16.0)).collect();
    Scatter {
        alt: "People's scores and the judge's".to_owned(),
        x: Axis::linear("judge"),
        y: Axis::linear("people"),
        clouds: vec![Cloud { name: "edits".to_owned(), points }],
        has_diagonal: true,
    }
}

pub(crate) fn bars() -> StackedBars {
    StackedBars {
        alt: "What became of each stratum".to_owned(),
        x: "rows".to_owned(),
        bars: vec!["add".to_owned(), "remove".to_owned()],
        parts: vec![
            Counts::new("kept", [120.0, 40.0]),
            Counts::new("near duplicates", [10.0, 30.0]),
            Counts::new("below the cut", [300.0, 95.5]),
        ],
    }
}

#[test]
fn a_histogram_as_it_is_drawn() {
    insta::assert_snapshot!(histogram().draw().render().into_string());
}

#[test]
fn lines_as_they_are_drawn() {
    insta::assert_snapshot!(lines().draw().figure("More is better").into_string());
}

#[test]
fn many_lines_have_thin_intervals_beside_each_other() {
    let one = lines().lines.swap_remove(0);
    let many = |count: usize| Lines { lines: vec![one.clone(); count], ..lines() }.draw().file();
    let places = |file: &str| -> Vec<String> {
        let whiskers = file.split("<line class=\"span thin ").skip(1);
        whiskers.filter_map(|rest| rest.split(" x1=\"").nth(1)?.split('"').next().map(str::to_owned)).collect()
    };
    assert!(many(3).matches("class=\"band ").count() == 3 && places(&many(3)).is_empty());
    let (file, mut found) = (many(4), places(&many(4)));
    found.sort();
    found.dedup();
    assert!(!file.contains("class=\"band ") && found.len() == 4 * 5, "{found:?}");
    // Each line's points, and one in the legend.
    assert_eq!(file.matches("class=\"dot ").count(), 4 * (5 + 1));
}

#[test]
fn intervals_as_they_are_drawn() {
    insta::assert_snapshot!(forest().draw().render().into_string());
}

#[test]
fn points_as_they_are_drawn() {
    insta::assert_snapshot!(scatter().draw().render().into_string());
}

#[test]
fn bars_as_they_are_drawn() {
    insta::assert_snapshot!(bars().draw().render().into_string());
}

#[test]
fn a_file_stands_alone() {
    let mut plot = lines();
    plot.lines[1].name += " of `a model`";
    let file = plot.draw().file();
    assert!(file.contains(" of a model</text>"), "{file}");
    assert!(file.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && file.ends_with("</svg>\n"), "{file}");
    assert!(file.contains("<style>") && file.contains("measured, with its interval"), "{file}");
    assert!(!file.contains("var("), "not every program that reads SVG knows variables");
    assert!(is_well_formed(&file));
}

/// Whether every tag that is opened is closed, in order.
pub(crate) fn is_well_formed(text: &str) -> bool {
    let mut open: Vec<&str> = Vec::new();
    for tag in text.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return false;
            }
        } else if !tag.ends_with('/') && !tag.starts_with('!') {
            open.push(tag.split([' ', '\n']).next().unwrap_or_default());
        }
    }
    open.is_empty()
}
