//! A plot that was drawn: for a page, or as a file.

use maud::{Markup, PreEscaped, Render, html};

use super::canvas::{Canvas, kind};
use crate::escape;
use crate::table::Table;
use crate::words::{marked, unmarked};

/// How wide every drawing is.
pub(super) const WIDTH: f64 = 720.0;

/// The colours and strokes of a drawing that stands alone. In a page, the page's style says them.
const STYLE: &str = include_str!("alone.css");

/// The classes of what others are parts of.
pub(super) const WHOLE: &str = "k5 whole";

/// How a series is drawn, for the legend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Swatch {
    /// A filled area.
    Area(usize),
    /// The area of what others are parts of.
    Whole,
    /// A line, and whether its points show.
    Line(usize, bool),
    /// A dashed line.
    Dashed(usize),
    /// A point.
    Point(usize),
    /// A point on an interval.
    Interval(usize),
    /// A value that is pointed out.
    Mark(usize),
}

impl Swatch {
    /// Draws it 28 across and 14 down, from this corner.
    fn draw(self, canvas: &mut Canvas, (x, y): (f64, f64)) {
        let middle = y + 7.0;
        match self {
            Self::Area(series) => {
                canvas.rect(&format!("area k{}", kind(series)), (x + 4.0, y + 1.0), (20.0, 12.0), "");
            }
            Self::Whole => canvas.rect(&format!("area {WHOLE}"), (x + 4.0, y + 1.0), (20.0, 12.0), ""),
            Self::Line(series, has_points) => {
                canvas.polyline(&format!("line k{}", kind(series)), &[(x, middle), (x + 28.0, middle)]);
                if has_points {
                    canvas.point(series, (x + 14.0, middle), "");
                }
            }
            Self::Dashed(series) => {
                canvas.polyline(&format!("line dashed k{}", kind(series)), &[(x, middle), (x + 28.0, middle)]);
            }
            Self::Point(series) => canvas.point(series, (x + 14.0, middle), ""),
            Self::Interval(series) => {
                canvas.line(&format!("span k{}", kind(series)), (x, middle), (x + 28.0, middle));
                canvas.point(series, (x + 14.0, middle), "");
            }
            Self::Mark(mark) => canvas.line(&format!("mark m{}", mark % 4), (x + 14.0, y), (x + 14.0, y + 14.0)),
        }
    }
}

/// A line of the legend.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) swatch: Swatch,
    pub(super) name: String,
}

/// A plot that was drawn.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// What it shows, in a sentence: what people hear who do not see it.
    pub(super) alt: String,
    pub(super) inside: String,
    pub(super) height: f64,
    pub(super) keys: Vec<Key>,
    /// All its figures.
    pub(super) table: Table,
    /// How many values have no place in it.
    pub(super) left_out: usize,
}

impl Drawn {
    /// For a page: the drawing, words under it, the legend, and all figures as a table. Also what `(drawn)` gives, without
    /// the words.
    pub fn figure(&self, caption: &str) -> Markup {
        let label = format!("{}; a table with its figures follows", unmarked(self.alt.trim_end_matches('.')));
        html! {
            figure.plot {
                svg viewBox={ "0 0 " (WIDTH) " " (self.height) } role="img" aria-label=(label) { (PreEscaped(&self.inside)) }
                figcaption {
                    @if !caption.is_empty() { p { (marked(caption)) } }
                    @if !self.keys.is_empty() {
                        p.keys { @for key in &self.keys { span.key { (swatch(key.swatch)) (marked(&key.name)) } " " } }
                    }
                    @if self.left_out > 0 { p { (self.left_out) " values have no place on these axes and are left out." } }
                }
                details { summary { "The figures as a table" } (self.table) }
            }
        }
    }

    /// A file of its own, with its legend and colours in it: SVG on white, for a paper or a slide.
    pub fn file(&self) -> String {
        let mut canvas = Canvas::default();
        let mut down = self.height + 8.0;
        for key in &self.keys {
            key.swatch.draw(&mut canvas, (22.0, down));
            canvas.text("start", (60.0, down + 12.0), &unmarked(&key.name));
            down += 22.0;
        }
        let (height, alt, legend) = (down + 4.0, escape(&unmarked(&self.alt)), canvas.into_svg());
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\">\
             <title>{alt}</title><style>{STYLE}</style><rect class=\"paper\" width=\"{WIDTH}\" height=\"{height}\"/>{}{legend}</svg>\n",
            self.inside
        )
    }

    /// All its figures.
    pub fn table(&self) -> &Table {
        &self.table
    }
}

impl Render for Drawn {
    fn render(&self) -> Markup {
        self.figure("")
    }
}

fn swatch(swatch: Swatch) -> Markup {
    let mut canvas = Canvas::default();
    swatch.draw(&mut canvas, (0.0, 0.0));
    html! { svg.swatch viewBox="0 0 28 14" aria-hidden="true" { (PreEscaped(canvas.into_svg())) } }
}
