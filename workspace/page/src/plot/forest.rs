//! Estimates with their intervals, one under the other.

use super::axis::{Axis, Frame, Mark};
use super::canvas::Canvas;
use super::drawn::{Drawn, Key, Swatch, WIDTH};
use crate::table::{Column, Table};
use crate::words::{Alike, number, shortened};

const ROW: f64 = 54.0;

/// One estimate.
#[derive(Debug, Clone)]
pub struct Estimate {
    /// What was estimated.
    pub name: String,
    /// The estimate; nothing where it is not defined.
    pub value: Option<f64>,
    /// Its confidence interval, the lower end first.
    pub interval: Option<[f64; 2]>,
    /// Other values of the same thing, such as a printed one. Marks with the same name look the same in all rows.
    pub marks: Vec<Mark>,
}

/// Estimates with their intervals: a forest plot.
#[derive(Debug, Clone)]
pub struct Forest {
    /// What it shows, in a sentence, for people who do not see it.
    pub alt: String,
    /// The axis that all estimates share.
    pub x: Axis,
    /// What the points are, for the legend.
    pub points: String,
    /// The estimates, the first on top.
    pub rows: Vec<Estimate>,
    /// Values that are pointed out in all rows, such as what chance gives.
    pub references: Vec<Mark>,
}

impl Forest {
    /// Draws it.
    pub fn draw(&self) -> Drawn {
        let height = self.rows.len().max(1) as f64 * ROW + 78.0;
        let frame = Frame::without_left(WIDTH, height);
        let values = self.rows.iter().flat_map(|row| {
            let marks = row.marks.iter().map(|mark| mark.value);
            row.value.into_iter().chain(row.interval.into_iter().flatten()).chain(marks)
        });
        let values = values.chain(self.references.iter().map(|mark| mark.value));
        let across = self.x.placed(values, frame.left + 10.0, frame.right - 10.0);
        let mut canvas = Canvas::default();
        frame.draw_along(&mut canvas, &self.x, &across, true);
        for (place, mark) in self.references.iter().enumerate().filter(|(_, mark)| self.x.takes(mark.value)) {
            let at = across.at(mark.value);
            // Beside the intervals alone: through the rows' names it would cross them out.
            for top in (0..self.rows.len()).map(|row| frame.top + row as f64 * ROW) {
                canvas.line(&format!("mark m{}", place % 4), (at, top + 0.5 * ROW), (at, top + 0.94 * ROW));
            }
        }
        let (names, alike) = (self.mark_names(), self.alike());
        for (place, row) in self.rows.iter().enumerate() {
            let (top, middle) = (frame.top + place as f64 * ROW, frame.top + (place as f64 + 0.72) * ROW);
            canvas.text("start name", (frame.left + 4.0, top + 22.0), &shortened(&row.name, 34));
            canvas.text("end value", (frame.right - 4.0, top + 22.0), &told(row, alike));
            if let Some([low, high]) = row.interval.filter(|ends| ends.iter().all(|end| self.x.takes(*end))) {
                canvas.line("span k0", (across.at(low), middle), (across.at(high), middle));
            }
            for mark in row.marks.iter().filter(|mark| self.x.takes(mark.value)) {
                let kind = names.iter().position(|name| **name == mark.name).unwrap_or(0) + 1;
                canvas.point(kind, (across.at(mark.value), middle), &format!("{}: {}", mark.name, number(mark.value)));
            }
            if let Some(value) = row.value.filter(|value| self.x.takes(*value)) {
                canvas.point(0, (across.at(value), middle), &format!("{}: {}", row.name, number(value)));
            }
        }
        let (keys, table, left_out) = (self.keys(&names), self.table(&names), self.left_out());
        Drawn { alt: self.alt.clone(), inside: canvas.into_svg(), height, keys, table, left_out }
    }

    /// How all its numbers are written.
    fn alike(&self) -> Alike {
        Alike::of(self.rows.iter().flat_map(|row| {
            let marks = row.marks.iter().map(|mark| mark.value);
            row.value.into_iter().chain(row.interval.into_iter().flatten()).chain(marks)
        }))
    }

    /// The names of the marks, each once.
    fn mark_names(&self) -> Vec<&String> {
        let mut names: Vec<&String> = Vec::new();
        for mark in self.rows.iter().flat_map(|row| &row.marks) {
            if !names.contains(&&mark.name) {
                names.push(&mark.name);
            }
        }
        names
    }

    fn left_out(&self) -> usize {
        let values =
            self.rows.iter().flat_map(|row| row.value.into_iter().chain(row.marks.iter().map(|mark| mark.value)));
        values.filter(|value| !self.x.takes(*value)).count()
    }

    fn keys(&self, names: &[&String]) -> Vec<Key> {
        let has_interval = self.rows.iter().any(|row| row.interval.is_some());
        let first = if has_interval { Swatch::Interval(0) } else { Swatch::Point(0) };
        let marks = names.iter().enumerate().map(|(place, name)| (Swatch::Point(place + 1), (*name).clone()));
        let references = self.references.iter().enumerate();
        let references =
            references.map(|(place, mark)| (Swatch::Mark(place), format!("{}: {}", mark.name, number(mark.value))));
        let all = std::iter::once((first, self.points.clone())).chain(marks).chain(references);
        all.map(|(swatch, name)| Key { swatch, name }).collect()
    }

    fn table(&self, names: &[&String]) -> Table {
        let mut columns =
            vec![Column::text("Name"), Column::number(&*self.points), Column::number("from"), Column::number("to")];
        columns.extend(names.iter().map(|name| Column::number(name.as_str())));
        let (mut table, alike) = (Table::new(self.x.title.clone(), columns), self.alike());
        for row in &self.rows {
            let ends = row.interval.map_or([String::new(), String::new()], |ends| ends.map(|end| alike.show(end)));
            let marks = names.iter().map(|name| {
                let mark = row.marks.iter().find(|mark| mark.name == **name);
                mark.map_or_else(String::new, |mark| alike.show(mark.value))
            });
            let value = row.value.map_or_else(|| "–".to_owned(), |value| alike.show(value));
            table.push([row.name.clone(), value].into_iter().chain(ends).chain(marks));
        }
        table
    }
}

fn told(row: &Estimate, alike: Alike) -> String {
    row.value.map_or_else(|| "not defined".to_owned(), |value| alike.with_interval(value, row.interval))
}
