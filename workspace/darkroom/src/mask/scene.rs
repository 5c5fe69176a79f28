//! What is measured of a picture once, for every region that is looked for in it.

use editscale_picture::{Pixels, oklab_from_linear};

use super::saliency;
use crate::planes::{box_mean, gaussian};

/// The longer edge of the maps, in pixels.
const EDGE: u32 = 384;

/// Small maps of a picture: colour, texture, saliency.
#[derive(Debug, Clone)]
pub struct Scene {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// OKLab, lightly smoothed so that single pixels do not decide.
    pub(crate) lab: Vec<[f32; 3]>,
    /// Local standard deviation of lightness.
    pub(crate) texture: Vec<f32>,
    /// How likely a pixel belongs to what the picture is of, 0..=1.
    pub(crate) saliency: Vec<f32>,
}

impl Scene {
    /// Measures a picture. Deterministic.
    pub fn analyse(pixels: &Pixels) -> Self {
        let small = pixels.reduced(EDGE);
        let (width, height) = (small.width() as usize, small.height() as usize);
        let raw: Vec<[f32; 3]> = small.rgb().iter().map(|rgb| oklab_from_linear(*rgb)).collect();
        let plane = |channel: usize| raw.iter().map(|lab| lab[channel]).collect::<Vec<f32>>();
        let lightness = plane(0);
        let smooth = [0, 1, 2].map(|channel| gaussian(&plane(channel), width, 1.0));
        let lab: Vec<[f32; 3]> =
            (0..raw.len()).map(|index| [smooth[0][index], smooth[1][index], smooth[2][index]]).collect();
        let texture = deviation(&lightness, width, 3);
        let saliency = saliency::measure(&lab, width, height);
        Self { width, height, lab, texture, saliency }
    }

    /// Where a pixel lies, as shares of width and height.
    pub(crate) fn place(&self, index: usize) -> (f32, f32) {
        let x = (index % self.width) as f32 + 0.5;
        let y = (index / self.width) as f32 + 0.5;
        (x / self.width as f32, y / self.height as f32)
    }
}

/// The standard deviation in boxes of `2 radius + 1`.
fn deviation(plane: &[f32], width: usize, radius: usize) -> Vec<f32> {
    let squares: Vec<f32> = plane.iter().map(|value| value * value).collect();
    let mean = box_mean(plane, width, radius);
    let mean_square = box_mean(&squares, width, radius);
    mean.iter().zip(mean_square).map(|(mean, square)| (square - mean * mean).max(0.0).sqrt()).collect()
}
