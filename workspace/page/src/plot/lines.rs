//! Lines with bands around them.

use super::axis::{Axis, Frame, Mark, Placed};
use super::canvas::{Canvas, kind};
use super::drawn::{Drawn, Key, Swatch, WIDTH};
use crate::table::{Column, Table};
use crate::words::{Alike, number};

const HEIGHT: f64 = 380.0;

/// Lines with fewer points than this show each.
const FEW: usize = 25;

/// More lines than this have no bands.
const MOST_BANDS: usize = 3;

/// A point of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinePoint {
    /// Where it lies along.
    pub x: f64,
    /// Where it lies up.
    pub y: f64,
    /// Its confidence interval, the lower end first.
    pub band: Option<[f64; 2]>,
}

/// A line.
#[derive(Debug, Clone)]
pub struct Line {
    /// What it is.
    pub name: String,
    /// Its points, in the order in which they are joined. It breaks where a point has no place.
    pub points: Vec<LinePoint>,
    /// Whether it is dashed, as what is only compared with.
    pub is_dashed: bool,
}

impl Line {
    /// Whether each of its points shows.
    fn shows_points(&self) -> bool {
        self.points.len() == 1 || (self.points.len() < FEW && !self.is_dashed)
    }
}

/// Lines with confidence bands. Where there are more than three, intervals are thin lines beside each other: bands over bands are grey.
#[derive(Debug, Clone)]
pub struct Lines {
    /// What it shows, in a sentence, for people who do not see it.
    pub alt: String,
    /// The axis along.
    pub x: Axis,
    /// The axis up.
    pub y: Axis,
    /// The lines.
    pub lines: Vec<Line>,
    /// Values along that are pointed out.
    pub marks: Vec<Mark>,
}

impl Lines {
    /// Draws it.
    pub fn draw(&self) -> Drawn {
        let frame = Frame::within(WIDTH, HEIGHT);
        let points = || self.lines.iter().flat_map(|line| &line.points).filter(|point| self.takes(point));
        let along = points().map(|point| point.x).chain(self.marks.iter().map(|mark| mark.value));
        let across = self.x.placed(along, frame.left, frame.right);
        let heights = points().flat_map(|point| point.band.into_iter().flatten().chain([point.y]));
        let up = self.y.placed(heights, frame.bottom, frame.top);
        let mut canvas = Canvas::default();
        frame.draw_up(&mut canvas, &self.y, &up);
        frame.draw_along(&mut canvas, &self.x, &across, false);
        for (place, mark) in self.marks.iter().enumerate().filter(|(_, mark)| self.x.takes(mark.value)) {
            let at = across.at(mark.value);
            canvas.line(&format!("mark m{}", place % 4), (at, frame.top), (at, frame.bottom));
        }
        let banded = self.lines.iter().filter(|line| line.points.iter().any(|point| point.band.is_some())).count();
        for (place, line) in self.lines.iter().enumerate() {
            for run in line.points.split(|point| !self.takes(point)) {
                if banded > MOST_BANDS {
                    self.whiskers(&mut canvas, place, run, (&across, &up));
                } else {
                    self.band(&mut canvas, place, run, (&across, &up));
                }
            }
        }
        for (place, line) in self.lines.iter().enumerate() {
            self.line(&mut canvas, place, line, (&across, &up));
        }
        let left_out = self.lines.iter().flat_map(|line| &line.points).filter(|point| !self.takes(point)).count();
        let (keys, table) = (self.keys(), self.table());
        Drawn { alt: self.alt.clone(), inside: canvas.into_svg(), height: HEIGHT, keys, table, left_out }
    }

    fn takes(&self, point: &LinePoint) -> bool {
        self.x.takes(point.x) && self.y.takes(point.y)
    }

    fn band(&self, canvas: &mut Canvas, place: usize, run: &[LinePoint], (across, up): (&Placed, &Placed)) {
        let ends: Vec<(f64, [f64; 2])> = run
            .iter()
            .filter_map(|point| Some((across.at(point.x), point.band?)))
            .filter(|(_, band)| band.iter().all(|end| self.y.takes(*end)))
            .collect();
        if ends.len() < 2 {
            for (x, [low, high]) in ends {
                canvas.line(&format!("span k{}", kind(place)), (x, up.at(low)), (x, up.at(high)));
            }
            return;
        }
        let above = ends.iter().map(|(x, [_, high])| (*x, up.at(*high)));
        let below = ends.iter().rev().map(|(x, [low, _])| (*x, up.at(*low)));
        canvas.polygon(&format!("band k{}", kind(place)), &above.chain(below).collect::<Vec<_>>());
    }

    /// Intervals as thin lines, set apart from those of other lines at the same place.
    fn whiskers(&self, canvas: &mut Canvas, place: usize, run: &[LinePoint], (across, up): (&Placed, &Placed)) {
        let middle = (self.lines.len() - 1) as f64 / 2.0;
        let apart = ((place as f64 - middle) * 3.0).clamp(-18.0, 18.0);
        for (x, [low, high]) in run.iter().filter_map(|point| Some((across.at(point.x) + apart, point.band?))) {
            if [low, high].iter().all(|end| self.y.takes(*end)) {
                canvas.line(&format!("span thin k{}", kind(place)), (x, up.at(low)), (x, up.at(high)));
            }
        }
    }

    fn line(&self, canvas: &mut Canvas, place: usize, line: &Line, (across, up): (&Placed, &Placed)) {
        let class = format!("line k{}{}", kind(place), if line.is_dashed { " dashed" } else { "" });
        for run in line.points.split(|point| !self.takes(point)).filter(|run| run.len() > 1) {
            let joined: Vec<(f64, f64)> = run.iter().map(|point| (across.at(point.x), up.at(point.y))).collect();
            canvas.polyline(&class, &joined);
        }
        for point in line.points.iter().filter(|point| line.shows_points() && self.takes(point)) {
            let says = format!("{}: {} at {}", line.name, number(point.y), number(point.x));
            canvas.point(place, (across.at(point.x), up.at(point.y)), &says);
        }
    }

    fn keys(&self) -> Vec<Key> {
        let lines = self.lines.iter().enumerate().map(|(place, line)| {
            let has_band = line.points.iter().any(|point| point.band.is_some());
            let name = if has_band { format!("{}, with its interval", line.name) } else { line.name.clone() };
            let swatch = if line.is_dashed { Swatch::Dashed(place) } else { Swatch::Line(place, line.shows_points()) };
            (swatch, name)
        });
        let marks = self.marks.iter().enumerate();
        let marks = marks.map(|(place, mark)| (Swatch::Mark(place), format!("{}: {}", mark.name, number(mark.value))));
        lines.chain(marks).map(|(swatch, name)| Key { swatch, name }).collect()
    }

    fn table(&self) -> Table {
        let columns = vec![
            Column::text("Line"),
            Column::number(&*self.x.title),
            Column::number(&*self.y.title),
            Column::number("from"),
            Column::number("to"),
        ];
        let mut table = Table::new(format!("{} by {}", self.y.title, self.x.title), columns);
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let along = Alike::of(points().map(|point| point.x));
        let up = Alike::of(points().flat_map(|point| point.band.into_iter().flatten().chain([point.y])));
        for line in &self.lines {
            for point in &line.points {
                let band = point.band.map_or([String::new(), String::new()], |band| band.map(|end| up.show(end)));
                table.push([line.name.clone(), along.show(point.x), up.show(point.y)].into_iter().chain(band));
            }
        }
        table
    }
}
