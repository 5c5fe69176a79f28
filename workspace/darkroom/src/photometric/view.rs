//! A picture as the measures see it: OKLab planes at one size, and a few figures of its finest detail.

use std::sync::Arc;

use editscale_picture::{Pixels, oklab_from_linear};
use rayon::prelude::*;

use super::levels::display_levels;
use crate::mask::Scene;
use crate::planes::{gaussian, lightness_plane, noise_level};

/// The longer edge of the measured copies, in pixels.
const EDGE: u32 = 640;

/// The longer edge of the copies that fine detail is measured on.
const DETAIL_EDGE: u32 = 1280;

/// A picture made ready to be measured.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) small: Pixels,
    pub(super) lab: Vec<[f32; 3]>,
    pub(super) width: usize,
    pub(super) height: usize,
    /// Standard deviation of the noise in lightness.
    pub(super) noise: f32,
    /// Mean absolute fine detail of lightness.
    pub(super) detail: f32,
    /// Share of pixels at either end of the display range.
    pub(super) clipped: f32,
    /// Distinct display levels a channel that hold all but a hundredth of the samples, of 256.
    pub(super) levels: f32,
    /// Samples at each display level, a channel.
    histogram: [[u32; 256]; 3],
}

impl View {
    pub(super) fn new(pixels: &Pixels) -> Self {
        let small = pixels.reduced(EDGE).into_owned();
        let fine = pixels.reduced(DETAIL_EDGE);
        let lab: Vec<[f32; 3]> = small.rgb().par_iter().map(|rgb| oklab_from_linear(*rgb)).collect();
        // A small picture is one copy of itself at both sizes.
        let is_fine = (fine.width(), fine.height()) == (small.width(), small.height());
        let lightness = if is_fine { lab.iter().map(|lab| lab[0]).collect() } else { lightness_plane(&fine) };
        let across = fine.width() as usize;
        let smooth = gaussian(&lightness, across, 1.0);
        let detail = lightness.iter().zip(&smooth).map(|(value, smooth)| (value - smooth).abs()).sum::<f32>();
        let Display { clipped, levels, histogram } = display_figures(pixels);
        Self {
            lab,
            width: small.width() as usize,
            height: small.height() as usize,
            noise: noise_level(&lightness, across),
            detail: detail / lightness.len() as f32,
            clipped,
            levels,
            histogram,
            small,
        }
    }

    /// The share of samples that lie near one of the `count` fullest levels of their channel, and how many of these levels are in
    /// use. Compression smears a level over its neighbours, so near is within eight.
    pub(super) fn crowding(&self, count: usize) -> (f32, f32) {
        let channels = self.histogram.map(|counts| crowding_of(&counts, count));
        let mean = |part: fn(&(f32, f32)) -> f32| channels.iter().map(part).sum::<f32>() / 3.0;
        (mean(|channel| channel.0), mean(|channel| channel.1))
    }

    /// The same as it would look at another picture's size.
    pub(super) fn at_size_of(&self, other: &Self) -> Vec<[f32; 3]> {
        if (self.width, self.height) == (other.width, other.height) {
            return self.lab.clone();
        }
        let resized = self.small.resized(other.width as u32, other.height as u32);
        resized.rgb().iter().map(|rgb| oklab_from_linear(*rgb)).collect()
    }
}

/// What the display values of a picture tell.
struct Display {
    clipped: f32,
    levels: f32,
    histogram: [[u32; 256]; 3],
}

/// What one channel at the end of its range counts against a whole pixel there: strong colours do that without harm.
const CHANNEL_CLIP: f32 = 0.1;

/// Clipping and levels, over a grid of at most about 300,000 of the picture's own pixels.
fn display_figures(pixels: &Pixels) -> Display {
    let stride = (pixels.rgb().len() / 300_000).max(1);
    let (mut clipped, mut count) = (0.0_f32, 0_u32);
    let mut histogram = [[0_u32; 256]; 3];
    let display = display_levels();
    for rgb in pixels.rgb().iter().step_by(stride) {
        let levels = rgb.map(|value| display.code(value));
        for (counts, level) in histogram.iter_mut().zip(levels) {
            counts[usize::from(level)] += 1;
        }
        clipped += clipping(levels);
        count += 1;
    }
    let levels = histogram.iter().map(|counts| levels_of(counts, count)).sum::<f32>() / 3.0;
    Display { clipped: clipped / count.max(1) as f32, levels, histogram }
}

/// What is lost of a pixel at the ends of the display range, 0..=1.
fn clipping(levels: [u8; 3]) -> f32 {
    if levels.iter().all(|level| *level >= 254) || levels.iter().all(|level| *level <= 1) {
        return 1.0;
    }
    CHANNEL_CLIP * levels.iter().filter(|level| **level == 0 || **level == 255).count() as f32
}

fn crowding_of(counts: &[u32; 256], count: usize) -> (f32, f32) {
    const NEAR: usize = 8;
    let total: u32 = counts.iter().sum();
    let mut left = *counts;
    let (mut held, mut used) = (0, 0.0);
    for _ in 0..count {
        let around = |level: usize| level.saturating_sub(NEAR)..(level + NEAR + 1).min(256);
        let mass = |level: usize| left[around(level)].iter().sum::<u32>();
        let Some(fullest) = (0..256).max_by_key(|level| (mass(*level), left[*level])) else { break };
        let here = mass(fullest);
        held += here;
        used += f32::from(u8::from(f64::from(here) > 0.01 * f64::from(total)));
        left[around(fullest)].fill(0);
    }
    (held as f32 / total.max(1) as f32, used)
}

fn levels_of(counts: &[u32; 256], samples: u32) -> f32 {
    let mut falling = *counts;
    falling.sort_unstable_by(|a, b| b.cmp(a));
    let (mut held, mut levels) = (0, 0.0);
    for count in falling {
        if f64::from(held) >= 0.99 * f64::from(samples) {
            break;
        }
        held += count;
        levels += 1.0;
    }
    levels
}

/// What is measured of a source once, for all of its candidates.
#[derive(Debug, Clone)]
pub struct SourceView {
    pub(super) view: View,
    pub(super) scene: Arc<Scene>,
}

impl SourceView {
    /// Measures a source.
    pub fn new(pixels: &Pixels) -> Self {
        Self::of(pixels, Arc::new(Scene::analyse(pixels)))
    }

    /// Measures a source whose maps are there already.
    pub(crate) fn of(pixels: &Pixels, scene: Arc<Scene>) -> Self {
        Self { view: View::new(pixels), scene }
    }
}
