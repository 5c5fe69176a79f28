//! Convolution on the processor, in single precision: tiles of pixels times the weights, shared out among the cores.

use std::cell::RefCell;
use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::gather::{Look, Planes, Run, Scratch};
use super::geometry::Geometry;
use super::panels::{OUTPUTS, PIXELS, Weights, multiply};
use crate::layers::cpu::vectorised;

/// Panels of pixels of a task at most: with the depth that weights have, they stay in the second cache.
const TILE: usize = 16;

/// Tasks for each thread, where there can be so many. More would share out the work more evenly, but each block of output
/// channels gathers the pixels anew.
const TASKS: usize = 2;

/// Fewer output channels than these are not worth gathering the pixels anew.
const BLOCK: usize = 96;

thread_local! {
    /// Kept from call to call, about half a megabyte a thread: memory that comes anew from the system costs more than what
    /// is done with it.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Pictures [batch, inputs, height, width] and what becomes of them, [batch, outputs, ..].
pub(super) struct Sizes {
    pub(super) input: (usize, usize),
    pub(super) output: (usize, usize),
}

/// Some pixels of some output channels.
struct Task<'a> {
    runs: Vec<Run>,
    /// The panels of weights for its output channels.
    panels: Range<usize>,
    /// Where they go, [runs, channels] slices of a run's pixels each.
    rows: Vec<&'a mut [f32]>,
}

/// How outputs are shared out.
struct Split {
    /// Pixels of a run, all of a plane where they are few.
    run: usize,
    /// Pictures of a task.
    pictures: usize,
    /// Panels of weights of a task.
    panels: usize,
}

impl Split {
    fn new(batch: usize, plane: usize, panels: usize) -> Self {
        let of_plane = plane.div_ceil(PIXELS);
        let runs = of_plane.div_ceil(TILE);
        let pictures = (TILE / of_plane).max(1);
        let tiles = batch.div_ceil(pictures) * runs;
        let wanted = (TASKS * rayon::current_num_threads()).div_ceil(tiles);
        let blocks = wanted.min(panels * OUTPUTS / BLOCK).max(1);
        Self { run: of_plane.div_ceil(runs) * PIXELS, pictures, panels: panels.div_ceil(blocks) }
    }

    /// The tasks of outputs [batch, outputs, plane].
    fn tasks<'a>(&self, out: &'a mut [f32], outputs: usize, plane: usize) -> Vec<Task<'a>> {
        let panels = outputs.div_ceil(OUTPUTS);
        let (runs, blocks) = (plane.div_ceil(self.run), panels.div_ceil(self.panels));
        let mut tasks: Vec<Task<'a>> = Vec::new();
        for (at, row) in out.chunks_mut(plane).enumerate() {
            let (picture, output) = (at / outputs, at % outputs);
            let block = output / (self.panels * OUTPUTS);
            for (run, row) in row.chunks_mut(self.run).enumerate() {
                let index = (picture / self.pictures * runs + run) * blocks + block;
                while tasks.len() <= index {
                    let first = tasks.len() % blocks * self.panels;
                    let panels = first..(first + self.panels).min(panels);
                    tasks.push(Task { runs: Vec::new(), panels, rows: Vec::new() });
                }
                let task = &mut tasks[index];
                if output == task.panels.start * OUTPUTS {
                    let start = run * self.run;
                    task.runs.push(Run { picture, pixels: start..start + row.len() });
                }
                task.rows.push(row);
            }
        }
        tasks
    }
}

/// Convolves pictures [batch, inputs, height, width]. The sizes fit the pictures and the geometry.
pub(super) fn convolve(pictures: &[f32], sizes: &Sizes, geometry: &Geometry, weights: &Weights) -> Vec<f32> {
    let picture = geometry.inputs * sizes.input.0 * sizes.input.1;
    let plane = sizes.output.0 * sizes.output.1;
    let batch = pictures.len() / picture;
    let mut out = vec![0.0; batch * geometry.outputs * plane];
    let tasks = Split::new(batch, plane, weights.panels()).tasks(&mut out, geometry.outputs, plane);
    let work = Work { pictures, sizes, geometry, weights };
    tasks.into_par_iter().with_max_len(1).for_each(|task| SCRATCH.with_borrow_mut(|scratch| work.run(scratch, task)));
    out
}

/// What all tasks share.
struct Work<'a> {
    pictures: &'a [f32],
    sizes: &'a Sizes,
    geometry: &'a Geometry,
    weights: &'a Weights,
}

impl Work<'_> {
    fn run(&self, scratch: &mut Scratch, mut task: Task<'_>) {
        let Geometry { inputs, .. } = *self.geometry;
        for start in (0..inputs).step_by(self.weights.channels) {
            let channels = self.weights.channels.min(inputs - start);
            let length = self.gather(scratch, &task.runs, start..start + channels);
            vectorised(Products { work: self, task: &mut task, pixels: scratch.written(length), start, channels });
        }
    }

    /// Writes the panels of all runs for some channels, and says how many numbers they hold.
    fn gather(&self, scratch: &mut Scratch, runs: &[Run], channels: Range<usize>) -> usize {
        let (height, width) = self.sizes.input;
        let (plane, depth) = (height * width, channels.len() * self.geometry.taps());
        let length = |run: &Run| run.pixels.len().div_ceil(PIXELS) * depth * PIXELS;
        scratch.panels(runs.iter().map(length).sum());
        let mut at = 0;
        for run in runs {
            let from = (run.picture * self.geometry.inputs + channels.start) * plane;
            let planes = Planes { values: &self.pictures[from..from + channels.len() * plane], height, width };
            let look = Look { geometry: self.geometry, width: self.sizes.output.1 };
            look.gather(scratch, at, run, planes);
            at += length(run);
        }
        at
    }
}

/// The products of a task for one part of the depth.
struct Products<'a, 'b> {
    work: &'a Work<'a>,
    task: &'a mut Task<'b>,
    /// Panels of pixels of all runs.
    pixels: &'a [f32],
    /// The first input channel, and how many.
    start: usize,
    channels: usize,
}

impl WithSimd for Products<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Work { geometry, weights, .. } = *self.work;
        let Task { runs, panels, rows } = self.task;
        let depth = self.channels * geometry.taps();
        let first = panels.start * OUTPUTS;
        let count = geometry.outputs.min(panels.end * OUTPUTS) - first;
        for panel in panels.clone() {
            let own = weights.panel(self.start, self.channels, panel);
            let bias = &weights.bias[panel * OUTPUTS..geometry.outputs.min((panel + 1) * OUTPUTS)];
            let mut pixels = self.pixels.chunks_exact(depth * PIXELS);
            for (run, rows) in runs.iter().zip(rows.chunks_exact_mut(count)) {
                let rows = &mut rows[panel * OUTPUTS - first..][..bias.len()];
                for (from, pixels) in (0..run.pixels.len()).step_by(PIXELS).zip(&mut pixels) {
                    let sums = multiply(simd, pixels, own);
                    for ((row, sums), &bias) in rows.iter_mut().zip(&sums).zip(bias) {
                        let to = (from + PIXELS).min(run.pixels.len());
                        add(&mut row[from..to], sums, (self.start == 0).then_some(bias));
                    }
                }
            }
        }
    }
}

/// Adds sums to a row, or writes them over it with a bias.
#[inline(always)]
fn add(row: &mut [f32], sums: &[f32; PIXELS], bias: Option<f32>) {
    if let Some(row) = row.first_chunk_mut::<PIXELS>() {
        for (out, sum) in row.iter_mut().zip(sums) {
            *out = sum + bias.unwrap_or(*out);
        }
    } else {
        for (out, sum) in row.iter_mut().zip(sums) {
            *out = sum + bias.unwrap_or(*out);
        }
    }
}
