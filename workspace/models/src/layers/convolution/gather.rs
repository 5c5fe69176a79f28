//! Pixels in the order in which products read them.

use std::ops::Range;

use super::geometry::Geometry;
use super::panels::PIXELS;

/// Buffers that tasks use one after the other.
#[derive(Default)]
pub(super) struct Scratch {
    /// Padded pixels [channels, rows, columns].
    padded: Vec<f32>,
    /// Panels [panels, depth, PIXELS], from a cache line's beginning on.
    panels: Vec<f32>,
    start: usize,
}

impl Scratch {
    /// Room for panels of so many numbers in all, whatever they hold.
    pub(super) fn panels(&mut self, length: usize) -> &mut [f32] {
        const LINE: usize = 64;
        if self.panels.len() < length + LINE / size_of::<f32>() {
            self.panels = vec![0.0; length + LINE / size_of::<f32>()];
            self.start = self.panels.as_ptr().align_offset(LINE).min(LINE / size_of::<f32>());
        }
        &mut self.panels[self.start..][..length]
    }

    /// The panels that were written last.
    pub(super) fn written(&self, length: usize) -> &[f32] {
        &self.panels[self.start..][..length]
    }
}

/// Some channels of a picture.
#[derive(Clone, Copy)]
pub(super) struct Planes<'a> {
    /// [channels, height, width].
    pub(super) values: &'a [f32],
    pub(super) height: usize,
    pub(super) width: usize,
}

/// Output pixels of a picture that follow each other, row by row.
pub(super) struct Run {
    pub(super) picture: usize,
    pub(super) pixels: Range<usize>,
}

/// A rectangle of padded pixels, [channels, rows, columns].
struct Window<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    /// The output row and column at its upper left corner.
    corner: (usize, usize),
}

/// What outputs of a width look at.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) geometry: &'a Geometry,
    /// Of the outputs, in pixels.
    pub(super) width: usize,
}

impl Look<'_> {
    /// Writes the panels of a run from a place of the scratch on, [panels, channels · taps, PIXELS]; places after the run's
    /// last pixel get zeros.
    pub(super) fn gather(self, scratch: &mut Scratch, at: usize, run: &Run, planes: Planes<'_>) {
        let Self { geometry, width } = self;
        let channels = planes.values.len() / (planes.height * planes.width);
        let depth = channels * geometry.taps();
        let count = run.pixels.len().div_ceil(PIXELS);
        let mut padded = std::mem::take(&mut scratch.padded);
        let window = if geometry.is_pointwise() {
            let columns = planes.height * planes.width;
            Window { values: planes.values, rows: 1, columns, corner: (0, 0) }
        } else {
            self.pad(&mut padded, run, planes)
        };
        // Where outputs are made of the pixel at their place, a picture is one long row.
        let width = if geometry.is_pointwise() { window.columns } else { width };
        let panels = &mut scratch.panels[scratch.start + at..][..count * depth * PIXELS];
        for (panel, first) in panels.chunks_exact_mut(depth * PIXELS).zip(run.pixels.clone().step_by(PIXELS)) {
            let end = (first + PIXELS).min(run.pixels.end);
            if end - first < PIXELS {
                panel.fill(0.0);
            }
            let mut pixel = first;
            while pixel < end {
                let (row, column) = (pixel / width, pixel % width);
                let length = (width - column).min(end - pixel);
                self.copy(&mut panel[pixel - first..], length, &window, (row, column));
                pixel += length;
            }
        }
        scratch.padded = padded;
    }

    /// Copies what a run looks at, with the zeros around the picture.
    fn pad<'a>(self, padded: &'a mut Vec<f32>, run: &Run, planes: Planes<'_>) -> Window<'a> {
        let Self { geometry, width } = self;
        let [left, _, top, _] = geometry.padding;
        let (first, last) = (run.pixels.start / width, (run.pixels.end - 1) / width);
        let across = if first == last { run.pixels.start % width..(run.pixels.end - 1) % width + 1 } else { 0..width };
        let reach = |outputs: usize| (outputs - 1) * geometry.stride + geometry.kernel;
        let (rows, columns) = (reach(last + 1 - first), reach(across.len()));
        // Both in padded pixels of the whole picture.
        let (above, before) = (first * geometry.stride, across.start * geometry.stride);
        let inside = before.max(left)..(before + columns).min(left + planes.width);
        let channels = planes.values.len() / (planes.height * planes.width);
        padded.clear();
        padded.resize(channels * rows * columns, 0.0);
        for (to, from) in
            padded.chunks_exact_mut(rows * columns).zip(planes.values.chunks_exact(planes.height * planes.width))
        {
            for (to, row) in to.chunks_exact_mut(columns).zip(above..) {
                if row >= top && row - top < planes.height && !inside.is_empty() {
                    let from = &from[(row - top) * planes.width..][..planes.width];
                    let (start, end) = (inside.start, inside.end);
                    to[start - before..end - before].copy_from_slice(&from[start - left..end - left]);
                }
            }
        }
        Window { values: padded, rows, columns, corner: (first, across.start) }
    }

    /// Copies what `length` outputs of one row look at into the first places of a panel.
    fn copy(self, panel: &mut [f32], length: usize, window: &Window<'_>, place: (usize, usize)) {
        match (self.geometry.stride, length) {
            (1, 16) => self.copy_as(panel, window, place, copy_fixed::<16>),
            (1, 8) => self.copy_as(panel, window, place, copy_fixed::<8>),
            (1, _) => self.copy_as(panel, window, place, |to, from| {
                for (to, from) in to[..length].iter_mut().zip(from) {
                    *to = *from;
                }
            }),
            (2, 16) => self.copy_as(panel, window, place, |to, from| {
                for (to, from) in to[..16].iter_mut().zip(from[..31].iter().step_by(2)) {
                    *to = *from;
                }
            }),
            (stride, _) => self.copy_as(panel, window, place, |to, from| {
                for (to, from) in to[..length].iter_mut().zip(from.iter().step_by(stride)) {
                    *to = *from;
                }
            }),
        }
    }

    #[inline(always)]
    fn copy_as(
        self,
        panel: &mut [f32],
        window: &Window<'_>,
        (row, column): (usize, usize),
        one: impl Fn(&mut [f32], &[f32]),
    ) {
        let Geometry { kernel, stride, .. } = *self.geometry;
        let start = (row - window.corner.0) * stride * window.columns + (column - window.corner.1) * stride;
        let mut at = 0;
        for plane in window.values.chunks_exact(window.rows * window.columns) {
            for down in 0..kernel {
                let line = &plane[start + down * window.columns..];
                for across in 0..kernel {
                    one(&mut panel[at..], &line[across..]);
                    at += PIXELS;
                }
            }
        }
    }
}

#[inline(always)]
fn copy_fixed<const LENGTH: usize>(to: &mut [f32], from: &[f32]) {
    if let (Some(to), Some(from)) = (to.first_chunk_mut::<LENGTH>(), from.first_chunk::<LENGTH>()) {
        *to = *from;
    }
}
