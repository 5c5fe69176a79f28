//! Bars made of parts, one under the other.

use super::axis::{Axis, Frame};
use super::canvas::{Canvas, kind};
use super::drawn::{Drawn, Key, Swatch, WIDTH};
use crate::table::{Column, Table};
use crate::words::{number, shortened};

const ROW: f64 = 56.0;

/// Counts of one kind: one a bin of a histogram, or one a bar.
#[derive(Debug, Clone)]
pub struct Counts {
    /// What is counted.
    pub name: String,
    /// The counts. Not negative.
    pub counts: Vec<f64>,
}

impl Counts {
    /// Counts and what they are of.
    pub fn new(name: impl Into<String>, counts: impl IntoIterator<Item = f64>) -> Self {
        Self { name: name.into(), counts: counts.into_iter().collect() }
    }
}

/// Bars made of parts.
#[derive(Debug, Clone)]
pub struct StackedBars {
    /// What it shows, in a sentence, for people who do not see it.
    pub alt: String,
    /// What the lengths are.
    pub x: String,
    /// Names of the bars, the first on top.
    pub bars: Vec<String>,
    /// The parts, from the left: one count a bar.
    pub parts: Vec<Counts>,
}

impl StackedBars {
    /// Draws it.
    pub fn draw(&self) -> Drawn {
        let height = self.bars.len().max(1) as f64 * ROW + 78.0;
        let frame = Frame::without_left(WIDTH, height);
        let x = Axis::linear(&*self.x).showing([0.0]);
        let totals: Vec<f64> = (0..self.bars.len()).map(|bar| self.total(bar)).collect();
        let across = x.placed(totals.iter().copied(), frame.left + 2.0, frame.right - 14.0);
        let mut canvas = Canvas::default();
        frame.draw_along(&mut canvas, &x, &across, true);
        for (bar, name) in self.bars.iter().enumerate() {
            let top = frame.top + bar as f64 * ROW;
            canvas.text("start name", (frame.left + 2.0, top + 22.0), &shortened(name, 48));
            canvas.text("end value", (frame.right - 4.0, top + 22.0), &number(self.total(bar)));
            let mut from = 0.0;
            for (place, part) in self.parts.iter().enumerate() {
                let length = part.counts.get(bar).copied().filter(|count| x.takes(*count)).unwrap_or(0.0).max(0.0);
                if length > 0.0 {
                    let (left, right) = (across.at(from), across.at(from + length));
                    let says = format!("{name}, {}: {}", part.name, number(length));
                    canvas.rect(&format!("area k{}", kind(place)), (left, top + 30.0), (right - left, 18.0), &says);
                    from += length;
                }
            }
        }
        let keys = self.parts.iter().enumerate();
        let keys = keys.map(|(place, part)| Key { swatch: Swatch::Area(place), name: part.name.clone() }).collect();
        let (table, left_out) = (self.table(), self.left_out(&x));
        Drawn { alt: self.alt.clone(), inside: canvas.into_svg(), height, keys, table, left_out }
    }

    fn total(&self, bar: usize) -> f64 {
        let counts = self.parts.iter().filter_map(|part| part.counts.get(bar).copied());
        counts.filter(|count| Axis::default().takes(*count)).map(|count| count.max(0.0)).sum()
    }

    fn left_out(&self, x: &Axis) -> usize {
        self.parts.iter().flat_map(|part| &part.counts).filter(|count| !x.takes(**count)).count()
    }

    fn table(&self) -> Table {
        let mut columns = vec![Column::text("Bar")];
        columns.extend(self.parts.iter().map(|part| Column::number(&*part.name)));
        let mut table = Table::new(self.x.clone(), columns);
        for (bar, name) in self.bars.iter().enumerate() {
            let counts =
                self.parts.iter().map(|part| part.counts.get(bar).map_or_else(String::new, |count| number(*count)));
            table.push(std::iter::once(name.clone()).chain(counts));
        }
        table
    }
}
