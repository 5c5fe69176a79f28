//! A picture as the measures see it: OKLab planes at one size, and a few figures of its finest detail.

use editscale_picture::{Pixels, oklab_from_linear, srgb_from_linear};
use rayon::prelude::*;

use crate::mask::Scene;
use crate::operations::planes::{gaussian, noise_level};

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
}

impl View {
    pub(super) fn new(pixels: &Pixels) -> Self {
        let small = pixels.reduced(EDGE);
        let fine = pixels.reduced(DETAIL_EDGE);
        let lightness: Vec<f32> = fine.rgb().par_iter().map(|rgb| oklab_from_linear(*rgb)[0]).collect();
        let across = fine.width() as usize;
        let smooth = gaussian(&lightness, across, 1.0);
        let detail = lightness.iter().zip(&smooth).map(|(value, smooth)| (value - smooth).abs()).sum::<f32>();
        let (clipped, levels) = display_figures(pixels);
        Self {
            lab: small.rgb().par_iter().map(|rgb| oklab_from_linear(*rgb)).collect(),
            width: small.width() as usize,
            height: small.height() as usize,
            noise: noise_level(&lightness, across),
            detail: detail / lightness.len() as f32,
            clipped,
            levels,
            small,
        }
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

/// What one channel at the end of its range counts against a whole pixel there: strong colours do that without harm.
const CHANNEL_CLIP: f32 = 0.1;

/// Clipping and levels, over a grid of at most about 300,000 of the picture's own pixels.
fn display_figures(pixels: &Pixels) -> (f32, f32) {
    let stride = (pixels.rgb().len() / 300_000).max(1);
    let (mut clipped, mut count) = (0.0_f32, 0_u32);
    let mut histogram = [[0_u32; 256]; 3];
    for rgb in pixels.rgb().iter().step_by(stride) {
        let codes = rgb.map(|value| (srgb_from_linear(value.clamp(0.0, 1.0)) * 255.0).round().min(255.0) as usize);
        for (channel, code) in codes.into_iter().enumerate() {
            histogram[channel][code] += 1;
        }
        let ends = codes.iter().filter(|code| **code == 0 || **code == 255).count();
        let is_lost = codes.iter().all(|code| *code >= 254) || codes.iter().all(|code| *code <= 1);
        clipped += if is_lost { 1.0 } else { CHANNEL_CLIP * ends as f32 };
        count += 1;
    }
    let levels = histogram.iter().map(|counts| levels_of(counts, count)).sum::<f32>() / 3.0;
    (clipped / count.max(1) as f32, levels)
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
    pub(super) scene: Scene,
}

impl SourceView {
    /// Measures a source.
    pub fn new(pixels: &Pixels) -> Self {
        Self { view: View::new(pixels), scene: Scene::analyse(pixels) }
    }

    /// What the source shows.
    pub fn scene(&self) -> &Scene {
        &self.scene
    }
}
