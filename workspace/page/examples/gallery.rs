//! A page with everything that pages can show, to be looked at: `cargo run --release -p editscale-page --example gallery > gallery.html`.

#![allow(clippy::print_stdout, reason = "an example prints")]

use editscale_page::plot::{
    Axis, Cloud, Counts, Estimate, Forest, Histogram, Line, LinePoint, Lines, Mark, Scatter, StackedBars,
};
use editscale_page::{Column, Document, Table, count, document, fact, facts, folded, note, number, section};
use maud::{Markup, html};

fn main() {
    let sections = vec![
        section("facts", "Facts", words()),
        section("histogram", "Histogram", histogram().draw().figure("All rows, and those that were kept.")),
        section("lines", "Lines", lines().draw().figure("Expected best of n, with 95 % intervals.")),
        section("many", "Many lines", many().draw().figure("Nine ways to choose by `nano`, with 95 % intervals.")),
        section("forest", "Intervals", forest().draw().figure("Pairwise accuracy, 95 % intervals over pictures.")),
        section("scatter", "Points", scatter().draw().figure("")),
        section("bars", "Bars", bars().draw().figure("")),
    ];
    let page = Document {
        title: "Everything a page can show".to_owned(),
        lead: "A page of made-up figures, to be looked at in light, in dark, on a phone and on paper.".to_owned(),
        sections,
    };
    println!("{}", document(&page));
}

fn words() -> Markup {
    let mut table =
        Table::new("Judges, made up", vec![Column::text("Judge"), Column::number("Pairs"), Column::number("Accuracy")]);
    for (name, pairs, accuracy) in
        [("photometric", 12_345, 0.6543), ("nano", 12_345, 0.7012), ("a judge with a long name", 9, 1.0)]
    {
        table.push([name.to_owned(), count(pairs), number(accuracy)]);
    }
    html! {
        (facts(&[
            fact("Rows", count(46_213)),
            fact("Kept", count(20_000)),
            fact("Recipe", "configs/curation.yaml, digest 3f1c8a0b27c1d0aa9f13"),
        ]))
        (note("A remark, set softer than the text."))
        (table)
        (folded("More", html! { p { "Folded away." } }))
    }
}

/// A bell around `middle`.
fn bell(x: f64, middle: f64, width: f64) -> f64 {
    (-((x - middle) / width).powi(2)).exp()
}

fn histogram() -> Histogram {
    let middles = || (0..30).map(|bin| (f64::from(bin) + 0.5) / 30.0);
    let all = |x| (900.0 * bell(x, 0.45, 0.2) + 500.0 * bell(x, 0.75, 0.08)).round();
    Histogram {
        alt: "Scores of all rows and of those kept".to_owned(),
        x: "score".to_owned(),
        y: "rows".to_owned(),
        low: 0.0,
        high: 1.0,
        series: vec![
            Counts::new("all", middles().map(all)),
            Counts::new("kept", middles().map(|x| if x > 0.62 { (all(x) * 0.9).round() } else { 0.0 })),
        ],
        marks: vec![Mark::new("lowest kept", 0.62), Mark::new("median", 0.51)],
    }
}

fn lines() -> Lines {
    let line = |name: &str, slope: f64, is_dashed: bool| Line {
        name: name.to_owned(),
        points: (0..9)
            .map(|power| {
                let y = 0.4 + slope * f64::from(power) - 0.002 * f64::from(power * power);
                let half = 0.05 / (1.0 + f64::from(power));
                LinePoint { x: 2f64.powi(power), y, band: (!is_dashed).then_some([y - half, y + half]) }
            })
            .collect(),
        is_dashed,
    };
    Lines {
        alt: "Quality against the number of candidates".to_owned(),
        x: Axis::log("candidates"),
        y: Axis::linear("expected best score"),
        lines: vec![line("best of n", 0.05, false), line("refinement", 0.06, false), line("one more", 0.045, true)],
        marks: vec![Mark::new("budget", 64.0)],
    }
}

fn many() -> Lines {
    let few = lines();
    let shifted = |number: i32| {
        let mut line = few.lines[0].clone();
        line.name = format!("way {number}");
        line.points.iter_mut().for_each(|point| {
            let by = 0.03 * f64::from(number);
            point.y += by;
            point.band = point.band.map(|ends| ends.map(|end| end + by));
        });
        line
    };
    Lines { lines: (0..9).map(shifted).collect(), ..few }
}

fn forest() -> Forest {
    let rows = [
        ("2-way, 1 000 pairs", 0.57, 0.03, 0.5699),
        ("3-way", 0.41, 0.05, 0.4333),
        ("4-way, with a name that is longer than there is room for", 0.12, 0.04, 0.1127),
    ];
    let row = |(name, value, half, printed): (&str, f64, f64, f64)| Estimate {
        name: name.to_owned(),
        value: Some(value),
        interval: Some([value - half, value + half]),
        marks: vec![Mark::new("as printed", printed), Mark::new("as the published code computes it", value + 0.02)],
    };
    Forest {
        alt: "Accuracy with its interval".to_owned(),
        x: Axis::linear("accuracy"),
        points: "estimate".to_owned(),
        rows: rows.into_iter().map(row).collect(),
        references: vec![Mark::new("chance", 0.25)],
    }
}

fn scatter() -> Scatter {
    let points = |shift: f64, seed: u64| {
        let noise = |n: u64| ((n * 7919 + seed) % 101) as f64 / 101.0;
        (0..120).map(|n| (noise(n), (noise(n) * 0.7 + noise(n * 31) * 0.3 + shift).min(1.0))).collect()
    };
    Scatter {
        alt: "People's scores and the judge's".to_owned(),
        x: Axis::linear("judge"),
        y: Axis::linear("people"),
        clouds: vec![
            Cloud { name: "tone".to_owned(), points: points(0.0, 3) },
            Cloud { name: "objects".to_owned(), points: points(0.1, 40) },
        ],
        has_diagonal: true,
    }
}

fn bars() -> StackedBars {
    StackedBars {
        alt: "What became of each stratum".to_owned(),
        x: "rows".to_owned(),
        bars: ["add", "remove", "colour and tone", "background"].map(str::to_owned).to_vec(),
        parts: vec![
            Counts::new("kept", [12_000.0, 4_000.0, 900.0, 3_100.0]),
            Counts::new("below the cut", [9_000.0, 9_500.0, 400.0, 2_000.0]),
            Counts::new("nearly the same as a better row", [1_000.0, 300.0, 2_000.0, 90.0]),
            Counts::new("without a score", [40.0, 0.0, 12.0, 7.0]),
        ],
    }
}
