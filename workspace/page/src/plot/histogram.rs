//! Counts in bins of equal width.

use super::axis::{Axis, Frame, Mark};
use super::bars::Counts;
use super::canvas::{Canvas, kind};
use super::drawn::{Drawn, Key, Swatch, WHOLE, WIDTH};
use crate::table::{Column, Table};
use crate::words::number;

const HEIGHT: f64 = 340.0;

/// A histogram: one series or more in the same bins. Where there are several, the first is the whole: it is drawn pale and without a
/// colour, and the others before it, with the colours that they have where there is no whole.
#[derive(Debug, Clone)]
pub struct Histogram {
    /// What it shows, in a sentence, for people who do not see it.
    pub alt: String,
    /// What the values are. Always linear: bins are of equal width.
    pub x: String,
    /// What is counted.
    pub y: String,
    /// The lower end of the first bin.
    pub low: f64,
    /// The upper end of the last bin. Where it is not above `low`, all lies in one place.
    pub high: f64,
    /// The series; each has as many counts as there are bins.
    pub series: Vec<Counts>,
    /// Values that are pointed out.
    pub marks: Vec<Mark>,
}

impl Histogram {
    /// Draws it.
    pub fn draw(&self) -> Drawn {
        let frame = Frame::within(WIDTH, HEIGHT);
        let (x, y) = (Axis::linear(&*self.x), Axis::linear(&*self.y).showing([0.0]));
        let marked = self.marks.iter().map(|mark| mark.value);
        let across = x.placed([self.low, self.high].into_iter().chain(marked), frame.left, frame.right);
        let counts = self.series.iter().flat_map(|series| series.counts.iter().copied());
        let up = y.placed(counts.map(|count| count.max(0.0)), frame.bottom, frame.top);
        let mut canvas = Canvas::default();
        frame.draw_up(&mut canvas, &y, &up);
        let mut left_out = 0;
        for (place, series) in self.series.iter().enumerate() {
            for (bin, count) in series.counts.iter().enumerate() {
                let [low, high] = self.bin(bin);
                if ![low, high, *count].iter().all(|value| x.takes(*value)) {
                    left_out += 1;
                    continue;
                }
                let (from, to, top) = (across.at(low), across.at(high), up.at(count.max(0.0)));
                let says = format!("{} to {}: {} {}", number(low), number(high), number(*count), series.name);
                let class = format!("bin {}", self.class(place));
                canvas.rect(
                    &class,
                    (from, top),
                    ((to - from).max(2.0).min(frame.right - from), frame.bottom - top),
                    &says,
                );
            }
        }
        frame.draw_along(&mut canvas, &x, &across, false);
        for (place, mark) in self.marks.iter().enumerate().filter(|(_, mark)| x.takes(mark.value)) {
            let at = across.at(mark.value);
            canvas.line(&format!("mark m{}", place % 4), (at, frame.top), (at, frame.bottom));
        }
        let (keys, table) = (self.keys(), self.table());
        Drawn { alt: self.alt.clone(), inside: canvas.into_svg(), height: HEIGHT, keys, table, left_out }
    }

    /// How a series looks, as classes.
    fn class(&self, place: usize) -> String {
        match self.part(place) {
            None => WHOLE.to_owned(),
            Some(part) => format!("k{}", kind(part)),
        }
    }

    /// Which part of the whole a series is; nothing where it is the whole.
    fn part(&self, place: usize) -> Option<usize> {
        if self.series.len() > 1 { place.checked_sub(1) } else { Some(place) }
    }

    fn bin(&self, bin: usize) -> [f64; 2] {
        let bins = self.series.iter().map(|series| series.counts.len()).max().unwrap_or(1).max(1);
        let width = (self.high - self.low) / bins as f64;
        [self.low + width * bin as f64, self.low + width * (bin + 1) as f64]
    }

    fn keys(&self) -> Vec<Key> {
        let swatch = |place| self.part(place).map_or(Swatch::Whole, Swatch::Area);
        let series = self.series.iter().enumerate().map(|(place, series)| (swatch(place), series.name.clone()));
        let series = series.filter(|_| self.series.len() > 1 || !self.marks.is_empty());
        let marks = self.marks.iter().enumerate();
        let marks = marks.map(|(place, mark)| (Swatch::Mark(place), format!("{}: {}", mark.name, number(mark.value))));
        series.chain(marks).map(|(swatch, name)| Key { swatch, name }).collect()
    }

    fn table(&self) -> Table {
        let mut columns = vec![Column::number("From"), Column::number("To")];
        columns.extend(self.series.iter().map(|series| Column::number(&*series.name)));
        let mut table = Table::new(format!("{} by {}", self.y, self.x), columns);
        let bins = self.series.iter().map(|series| series.counts.len()).max().unwrap_or(0);
        for bin in 0..bins {
            let counts =
                self.series.iter().map(|series| series.counts.get(bin).map_or(String::new(), |count| number(*count)));
            table.push(self.bin(bin).map(number).into_iter().chain(counts));
        }
        table
    }
}
