//! Points of two values each.

use super::axis::{Axis, Frame};
use super::canvas::Canvas;
use super::drawn::{Drawn, Key, Swatch, WIDTH};
use crate::table::{Column, Table};
use crate::words::number;

const HEIGHT: f64 = 420.0;

/// More points than this are thinned out evenly, so that a page stays small.
const MOST_POINTS: usize = 4_000;

/// More rows than this are thinned out evenly.
const MOST_ROWS: usize = 200;

/// Points of one kind.
#[derive(Debug, Clone)]
pub struct Cloud {
    /// What they are.
    pub name: String,
    /// Along and up.
    pub points: Vec<(f64, f64)>,
}

/// A scatter plot.
#[derive(Debug, Clone)]
pub struct Scatter {
    /// What it shows, in a sentence, for people who do not see it.
    pub alt: String,
    /// The axis along.
    pub x: Axis,
    /// The axis up.
    pub y: Axis,
    /// The points.
    pub clouds: Vec<Cloud>,
    /// Whether a line shows where both values are the same. Both axes then show one range.
    pub has_diagonal: bool,
}

impl Scatter {
    /// Draws it.
    pub fn draw(&self) -> Drawn {
        let frame = Frame::within(WIDTH, HEIGHT);
        let points = || self.clouds.iter().flat_map(|cloud| &cloud.points).filter(|point| self.takes(point));
        let shared = |own: fn(&(f64, f64)) -> f64, other: fn(&(f64, f64)) -> f64| {
            points().flat_map(move |point| [own(point), if self.has_diagonal { other(point) } else { own(point) }])
        };
        let across = self.x.placed(shared(|point| point.0, |point| point.1), frame.left, frame.right);
        let up = self.y.placed(shared(|point| point.1, |point| point.0), frame.bottom, frame.top);
        let mut canvas = Canvas::default();
        frame.draw_up(&mut canvas, &self.y, &up);
        frame.draw_along(&mut canvas, &self.x, &across, true);
        if self.has_diagonal {
            let [low, high] = across.ticks.ends();
            let line: Vec<(f64, f64)> = [low, high].iter().map(|end| (across.at(*end), up.at(*end))).collect();
            canvas.polyline("line dashed same", &line);
        }
        let every = self.every(MOST_POINTS);
        for (place, cloud) in self.clouds.iter().enumerate() {
            for (x, y) in cloud.points.iter().filter(|point| self.takes(point)).step_by(every) {
                let says =
                    if every == 1 { format!("{}: {}, {}", cloud.name, number(*x), number(*y)) } else { String::new() };
                canvas.point(place, (across.at(*x), up.at(*y)), &says);
            }
        }
        let left_out = self.clouds.iter().flat_map(|cloud| &cloud.points).filter(|point| !self.takes(point)).count();
        let (keys, table) = (self.keys(), self.table());
        Drawn { alt: self.alt.clone(), inside: canvas.into_svg(), height: HEIGHT, keys, table, left_out }
    }

    fn takes(&self, (x, y): &(f64, f64)) -> bool {
        self.x.takes(*x) && self.y.takes(*y)
    }

    /// Every how many points one is shown, so that there are at most so many.
    fn every(&self, most: usize) -> usize {
        self.clouds.iter().map(|cloud| cloud.points.len()).sum::<usize>().div_ceil(most).max(1)
    }

    fn keys(&self) -> Vec<Key> {
        let every = self.every(MOST_POINTS);
        let share = if every > 1 { format!(", one of every {every} shown") } else { String::new() };
        let clouds = self.clouds.iter().enumerate();
        clouds
            .map(|(place, cloud)| Key { swatch: Swatch::Point(place), name: format!("{}{share}", cloud.name) })
            .collect()
    }

    fn table(&self) -> Table {
        let every = self.every(MOST_ROWS);
        let share = if every > 1 { format!(", one of every {every} points") } else { String::new() };
        let columns = vec![Column::text("Of"), Column::number(&*self.x.title), Column::number(&*self.y.title)];
        let mut table = Table::new(format!("{} and {}{share}", self.x.title, self.y.title), columns);
        for cloud in &self.clouds {
            for (x, y) in cloud.points.iter().step_by(every) {
                table.push([cloud.name.clone(), number(*x), number(*y)]);
            }
        }
        table
    }
}
