//! What an axis shows, and the way from values to places.

use super::Ticks;
use super::canvas::Canvas;

/// Greater values are left out, so that ranges can be told.
const LARGEST: f64 = 1e200;

/// Smaller values are left out of logarithmic axes.
const SMALLEST: f64 = 1e-200;

/// How values lie along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// Equal steps.
    #[default]
    Linear,
    /// Equal factors; values at or below 0 are left out.
    Log,
}

/// An axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Axis {
    /// What it shows, with the unit.
    pub title: String,
    /// How values lie along it.
    pub scale: Scale,
    /// Values that it shows whatever the data are, such as 0, or 0 and 1.
    pub shows: Vec<f64>,
}

impl Axis {
    /// An axis with equal steps.
    pub fn linear(title: impl Into<String>) -> Self {
        Self { title: title.into(), scale: Scale::Linear, shows: Vec::new() }
    }

    /// An axis with equal factors.
    pub fn log(title: impl Into<String>) -> Self {
        Self { title: title.into(), scale: Scale::Log, shows: Vec::new() }
    }

    /// The same, showing these values too.
    #[must_use]
    pub fn showing(mut self, values: impl IntoIterator<Item = f64>) -> Self {
        self.shows.extend(values);
        self
    }

    /// Whether a value has a place on it.
    pub(super) fn takes(&self, value: f64) -> bool {
        match self.scale {
            Scale::Linear => value.abs() <= LARGEST,
            Scale::Log => (SMALLEST..=LARGEST).contains(&value),
        }
    }

    /// The axis over these values, from one place of the drawing to another.
    pub(super) fn placed(&self, values: impl Iterator<Item = f64>, from: f64, to: f64) -> Placed {
        let shown = values.chain(self.shows.iter().copied()).filter(|value| self.takes(*value));
        // The smallest numbers cannot be divided by.
        let shown = shown.map(|value| if value.abs() < SMALLEST { 0.0 } else { value });
        let ends = shown.fold(None, |ends: Option<[f64; 2]>, value| {
            Some(ends.map_or([value; 2], |[low, high]| [low.min(value), high.max(value)]))
        });
        let [low, high] = ends.unwrap_or(if self.scale == Scale::Log { [1.0, 10.0] } else { [0.0, 1.0] });
        let ticks = match self.scale {
            Scale::Linear => Ticks::over(low, high),
            Scale::Log => Ticks::over_decades(low, high),
        };
        Placed { scale: self.scale, ticks, from, to }
    }
}

/// A value that is pointed out, such as a cut.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// What it is.
    pub name: String,
    /// Where it is.
    pub value: f64,
}

impl Mark {
    /// A value and what it is.
    pub fn new(name: impl Into<String>, value: f64) -> Self {
        Self { name: name.into(), value }
    }
}

/// An axis in a drawing.
#[derive(Debug)]
pub(super) struct Placed {
    scale: Scale,
    pub(super) ticks: Ticks,
    from: f64,
    to: f64,
}

impl Placed {
    /// Where a value lies; what is beyond an end lies at that end.
    pub(super) fn at(&self, value: f64) -> f64 {
        let along = |value: f64| if self.scale == Scale::Log { value.max(SMALLEST).log10() } else { value };
        let [low, high] = self.ticks.ends().map(along);
        let share = ((along(value) - low) / (high - low)).clamp(0.0, 1.0);
        self.from + share * (self.to - self.from)
    }
}

/// The part of a drawing between its axes.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

impl Frame {
    /// Room for numbers at the left and below, and for titles above and below.
    pub(super) fn within(width: f64, height: f64) -> Self {
        Self { left: 84.0, right: width - 32.0, top: 44.0, bottom: height - 66.0 }
    }

    /// The same with nothing at the left: names stand in the frame.
    pub(super) fn without_left(width: f64, height: f64) -> Self {
        Self { left: 22.0, right: width - 26.0, top: 12.0, bottom: height - 66.0 }
    }

    /// Lines across, with their values at the left, and the title above.
    pub(super) fn draw_up(&self, canvas: &mut Canvas, axis: &Axis, placed: &Placed) {
        for value in placed.ticks.values() {
            let y = placed.at(*value);
            canvas.line("grid", (self.left, y), (self.right, y));
            canvas.text("end", (self.left - 9.0, y + 5.0), &placed.ticks.label(*value));
        }
        canvas.text("start title", (8.0, 24.0), &axis.title);
    }

    /// Short lines or, where `is_grid`, lines all the way up, with values and the title below.
    pub(super) fn draw_along(&self, canvas: &mut Canvas, axis: &Axis, placed: &Placed, is_grid: bool) {
        let top = if is_grid { self.top } else { self.bottom };
        for value in placed.ticks.values() {
            let x = placed.at(*value);
            canvas.line("grid", (x, top), (x, self.bottom + 5.0));
            canvas.text("middle", (x, self.bottom + 25.0), &placed.ticks.label(*value));
        }
        canvas.line("base", (self.left, self.bottom), (self.right, self.bottom));
        canvas.text("middle title", (f64::midpoint(self.left, self.right), self.bottom + 55.0), &axis.title);
    }
}
