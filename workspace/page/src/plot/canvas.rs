//! Shapes of SVG, written down.

use crate::escape;
use std::fmt::Write as _;

/// How many colours there are, and how many shapes. Each time colours begin anew, shapes are one further: no two of the first 64
/// series have both the same.
const KINDS: usize = 8;

/// What is drawn, as the inside of an SVG.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    svg: String,
}

/// The colour of a series, by its number.
pub(super) fn kind(series: usize) -> usize {
    series % KINDS
}

/// The shape of a series' points, by its number.
fn shape(series: usize) -> usize {
    (series + series / KINDS) % KINDS
}

impl Canvas {
    pub(super) fn into_svg(self) -> String {
        self.svg
    }

    fn write(&mut self, shape: std::fmt::Arguments<'_>) {
        // A string takes whatever is written.
        let _infallible = self.svg.write_fmt(shape);
    }

    pub(super) fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.write(format_args!(r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#));
    }

    /// `class` is `start`, `middle` or `end`, for what of the text stands at the place, and may say more.
    pub(super) fn text(&mut self, class: &str, (x, y): (f64, f64), text: &str) {
        let text = escape(text);
        let anchor = class.split(' ').next().unwrap_or_default();
        self.write(format_args!(r#"<text class="{class}" text-anchor="{anchor}" x="{x:.1}" y="{y:.1}">{text}</text>"#));
    }

    /// `says` is shown to whoever points at it.
    pub(super) fn rect(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64), says: &str) {
        let (width, height) = (width.max(0.0), height.max(0.0));
        let says = title(says);
        self.write(format_args!(
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}">{says}</rect>"#
        ));
    }

    pub(super) fn polyline(&mut self, class: &str, points: &[(f64, f64)]) {
        let points = places(points);
        self.write(format_args!(r#"<polyline class="{class}" points="{points}"/>"#));
    }

    pub(super) fn polygon(&mut self, class: &str, points: &[(f64, f64)]) {
        let points = places(points);
        self.write(format_args!(r#"<polygon class="{class}" points="{points}"/>"#));
    }

    /// A small shape, another one for each kind of series.
    pub(super) fn point(&mut self, series: usize, (x, y): (f64, f64), says: &str) {
        let kind = kind(series);
        let says = title(says);
        let corners: &[(f64, f64)] = match shape(series) {
            0 => {
                let place = format_args!(r#"cx="{x:.1}" cy="{y:.1}" r="4.5""#);
                self.write(format_args!(r#"<circle class="dot k{kind}" {place}>{says}</circle>"#));
                return;
            }
            1 => &[(-4.0, -4.0), (4.0, -4.0), (4.0, 4.0), (-4.0, 4.0)],
            2 => &[(0.0, -5.5), (5.0, 4.0), (-5.0, 4.0)],
            3 => &[(0.0, -5.5), (5.5, 0.0), (0.0, 5.5), (-5.5, 0.0)],
            4 => &[(-5.0, -4.0), (5.0, -4.0), (0.0, 5.5)],
            5 => &[(-5.5, -2.0), (5.5, -2.0), (5.5, 2.0), (-5.5, 2.0)],
            6 => &[(-2.0, -5.5), (2.0, -5.5), (2.0, 5.5), (-2.0, 5.5)],
            _ => &CROSS,
        };
        let points: Vec<(f64, f64)> = corners.iter().map(|(right, down)| (x + right, y + down)).collect();
        let points = places(&points);
        self.write(format_args!(r#"<polygon class="dot k{kind}" points="{points}">{says}</polygon>"#));
    }
}

/// A plus.
const CROSS: [(f64, f64); 12] = [
    (-1.8, -5.5),
    (1.8, -5.5),
    (1.8, -1.8),
    (5.5, -1.8),
    (5.5, 1.8),
    (1.8, 1.8),
    (1.8, 5.5),
    (-1.8, 5.5),
    (-1.8, 1.8),
    (-5.5, 1.8),
    (-5.5, -1.8),
    (-1.8, -1.8),
];

fn places(points: &[(f64, f64)]) -> String {
    let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    points.join(" ")
}

fn title(says: &str) -> String {
    if says.is_empty() { String::new() } else { format!("<title>{}</title>", escape(says)) }
}

#[cfg(test)]
mod tests {
    use super::{kind, shape};

    #[test]
    fn no_two_series_of_a_plot_look_alike() {
        let looks: std::collections::BTreeSet<_> = (0..64).map(|series| (kind(series), shape(series))).collect();
        assert_eq!(looks.len(), 64);
    }
}
