//! Nothing is drawn outside a drawing, and nothing that is no number, whatever the data are.

use editscale_page::plot::{
    Axis, Cloud, Counts, Drawn, Estimate, Forest, Histogram, Line, LinePoint, Lines, Mark, Scale, Scatter, StackedBars,
};
use maud::Render;
use proptest::prelude::*;

use crate::plots::is_well_formed;

/// Numbers as they come, those that are none and the largest among them.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -2.0..2.0,
        2 => Just(0.0),
        1 => prop::num::f64::ANY,
        1 => 0.0..1e9,
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::MIN), Just(f64::MAX), Just(5e-324), Just(1.0)],
    ]
}

fn numbers() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(any_number(), 0..12)
}

fn axis() -> impl Strategy<Value = Axis> {
    (any::<bool>(), numbers()).prop_map(|(is_log, shows)| Axis {
        title: "an <axis>".to_owned(),
        scale: if is_log { Scale::Log } else { Scale::Linear },
        shows: shows.into_iter().take(2).collect(),
    })
}

fn marks(values: &[f64]) -> Vec<Mark> {
    values.iter().take(3).map(|value| Mark::new("a \"mark\"", *value)).collect()
}

/// The numbers of an attribute, wherever it stands.
fn places<'a>(svg: &'a str, name: &'a str) -> impl Iterator<Item = f64> + 'a {
    let values = svg
        .split(&*format!(" {name}=\"")[..].to_owned())
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect::<Vec<_>>();
    values
        .into_iter()
        .flat_map(|value| value.split([' ', ',']).map(|each| each.parse::<f64>().unwrap()).collect::<Vec<_>>())
}

fn check(drawn: &Drawn) -> Result<(), TestCaseError> {
    let page = drawn.render().into_string();
    let file = drawn.file();
    for text in [&page, &file] {
        let svg = &text[..text.find("</svg>").unwrap()];
        prop_assert!(!svg.contains("NaN") && !svg.contains("inf"), "{}", svg);
        let box_of = svg.split("viewBox=\"0 0 ").nth(1).unwrap().split('"').next().unwrap();
        let (width, height) = box_of.split_once(' ').unwrap();
        let (width, height): (f64, f64) = (width.parse().unwrap(), height.parse().unwrap());
        for (name, most) in [
            ("x", width),
            ("x1", width),
            ("x2", width),
            ("cx", width),
            ("y", height),
            ("y1", height),
            ("y2", height),
            ("cy", height),
        ] {
            for place in places(svg, name) {
                prop_assert!((0.0..=most).contains(&place), "{name}={place} in {svg}");
            }
        }
        let points: Vec<f64> = places(svg, "points").collect();
        for pair in points.chunks(2) {
            prop_assert!((0.0..=width).contains(&pair[0]) && (0.0..=height).contains(&pair[1]), "{pair:?} in {svg}");
        }
        for rectangle in svg.split("<rect ").skip(1) {
            let rectangle = &rectangle[..rectangle.find('>').unwrap()];
            let end = |corner: &str, size: &str| {
                places(rectangle, corner).next().unwrap_or(0.0) + places(rectangle, size).next().unwrap()
            };
            // Each is written with one digit.
            let is_inside = end("x", "width") <= width + 0.1 && end("y", "height") <= height + 0.1;
            prop_assert!(is_inside, "{rectangle} in {svg}");
        }
    }
    prop_assert!(is_well_formed(&file), "{}", file);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn histograms_stay_in_their_frame(low in any_number(), high in any_number(), all in numbers(), kept in numbers(), marked in numbers()) {
        let series = vec![Counts::new("<all>", all), Counts::new("kept", kept)];
        check(&Histogram { alt: "a & b".to_owned(), x: "x".to_owned(), y: "y".to_owned(), low, high, series, marks: marks(&marked) }.draw())?;
    }

    #[test]
    fn lines_stay_in_their_frame(x in axis(), y in axis(), xs in numbers(), ys in numbers(), ends in numbers(), marked in numbers()) {
        let ends = ends.iter().map(|end| Some([*end, end + 1.0])).chain(std::iter::repeat(None));
        let points = xs.iter().zip(&ys).zip(ends).map(|((x, y), band)| LinePoint { x: *x, y: *y, band }).collect();
        let line = Line { name: "a <line>".to_owned(), points, is_dashed: ys.len() % 2 == 0 };
        let lines = vec![line; 1 + xs.len()];
        check(&Lines { alt: String::new(), x, y, lines, marks: marks(&marked) }.draw())?;
    }

    #[test]
    fn intervals_stay_in_their_frame(x in axis(), values in numbers(), others in numbers(), references in numbers()) {
        let rows = values.iter().map(|value| Estimate {
            name: "é".repeat(90),
            value: (*value != 0.0).then_some(*value),
            interval: others.first().map(|other| [value.min(*other), value.max(*other)]),
            marks: marks(&others),
        });
        check(&Forest { alt: "a".to_owned(), x, points: "p".to_owned(), rows: rows.collect(), references: marks(&references) }.draw())?;
    }

    #[test]
    fn points_stay_in_their_frame(x in axis(), y in axis(), xs in numbers(), ys in numbers(), has_diagonal in any::<bool>()) {
        let points: Vec<(f64, f64)> = xs.iter().copied().zip(ys).collect();
        let clouds = (0..7).map(|n| Cloud { name: format!("cloud {n}"), points: points.clone() }).collect();
        check(&Scatter { alt: "a".to_owned(), x, y, clouds, has_diagonal }.draw())?;
    }

    #[test]
    fn bars_stay_in_their_frame(first in numbers(), second in numbers()) {
        let bars = (0..first.len()).map(|bar| format!("bar\u{0}{bar}")).collect();
        let parts = vec![Counts::new("first", first), Counts::new("second", second)];
        check(&StackedBars { alt: "a".to_owned(), x: "x".to_owned(), bars, parts }.draw())?;
    }
}

#[test]
fn large_plots_stay_small() {
    let points = (0..200_000).map(|n| (f64::from(n), f64::from(n % 97))).collect();
    let clouds = vec![Cloud { name: "many".to_owned(), points }];
    let (x, y) = (Axis::linear("x"), Axis::linear("y"));
    let text = Scatter { alt: "many".to_owned(), x, y, clouds, has_diagonal: false }.draw().render().into_string();
    assert!(text.len() < 500_000 && text.contains("one of every 50 shown"), "{}", text.len());
}
