//! The source in the edited picture's frame beside the edited picture, and what is counted over both.

use editscale_picture::delta_e_ok;

use super::register::Registered;
use super::view::View;
use crate::curve::rise;

/// What is compared: the source in the edited picture's frame, the edited picture, and where to look.
pub(super) struct Comparison<'a> {
    pub(super) source: &'a View,
    pub(super) edited: &'a View,
    pub(super) registered: &'a Registered,
    /// One weight a pixel of the edited view: 1 = in the region. Nothing where it is the whole picture.
    pub(super) weights: Option<&'a [f32]>,
}

impl Comparison<'_> {
    pub(super) fn weight(&self, index: usize) -> f32 {
        self.weights.map_or(1.0, |weights| weights[index])
    }

    pub(super) fn mean(&self, value: impl Fn(usize) -> f32) -> f32 {
        let (mut sum, mut total) = (0.0_f64, 1e-9_f64);
        for index in 0..self.edited.lab.len() {
            let weight = f64::from(self.weight(index));
            sum += weight * f64::from(value(index));
            total += weight;
        }
        (sum / total) as f32
    }

    pub(super) fn before(&self, index: usize) -> [f32; 3] {
        self.registered.lab[index]
    }

    pub(super) fn after(&self, index: usize) -> [f32; 3] {
        self.edited.lab[index]
    }

    /// Standard deviation of lightness, before or after.
    pub(super) fn spread(&self, lab: impl Fn(usize) -> [f32; 3]) -> f32 {
        let mean = self.mean(|index| lab(index)[0]);
        self.mean(|index| (lab(index)[0] - mean).powi(2)).sqrt()
    }

    /// Mean shift of lightness of the pixels whose lightness before was between two quantiles.
    pub(super) fn shift_between(&self, low: f32, high: f32) -> f32 {
        let (low, high) = (quantile(&self.registered.lab, low), quantile(&self.registered.lab, high));
        let (mut sum, mut count) = (0.0, 1e-6);
        for index in 0..self.edited.lab.len() {
            let before = self.before(index)[0];
            if (low..=high).contains(&before) {
                sum += self.weight(index) * (self.after(index)[0] - before);
                count += self.weight(index);
            }
        }
        sum / count
    }

    /// By how much a pixel leans further along a colour axis, at the lightness that it had: light that is taken away takes colour
    /// with it, in proportion, and that is no change of colour.
    pub(super) fn leaning(&self, index: usize, axis: usize) -> f32 {
        let (before, after) = (self.before(index), self.after(index));
        let as_light = ((before[0] + 0.02) / (after[0] + 0.02)).clamp(0.5, 2.0);
        after[axis] * as_light - before[axis]
    }

    /// Fine detail: that of the whole picture, or in a region that of its pixels.
    pub(super) fn fine(&self, after: bool) -> f32 {
        if self.weights.is_none() {
            return if after { self.edited.detail } else { self.source.detail };
        }
        let width = self.edited.width;
        let lightness = |index: usize| if after { self.after(index)[0] } else { self.before(index)[0] };
        self.mean(|index| {
            let right = if (index + 1) % width == 0 { index } else { index + 1 };
            let below = if index + width < self.edited.lab.len() { index + width } else { index };
            (lightness(index) - lightness(right)).abs() + (lightness(index) - lightness(below)).abs()
        })
    }

    /// Stops by which the corners fell against the centre.
    pub(super) fn vignette(&self) -> f32 {
        let (width, height) = (self.edited.width as f32, self.edited.height as f32);
        let mut sums = [[0.0_f32; 2]; 2];
        let mut counts = [1e-6_f32; 2];
        for index in 0..self.edited.lab.len() {
            let x = ((index % self.edited.width) as f32 + 0.5) / width - 0.5;
            let y = ((index / self.edited.width) as f32 + 0.5) / height - 0.5;
            let distance = (2.0 * (x * x + y * y)).sqrt();
            let zone = if distance > 0.78 {
                1
            } else if distance < 0.4 {
                0
            } else {
                continue;
            };
            sums[zone][0] += self.before(index)[0];
            sums[zone][1] += self.after(index)[0];
            counts[zone] += 1.0;
        }
        let fall =
            |zone: usize| 3.0 * ((sums[zone][1] / counts[zone] + 0.02) / (sums[zone][0] / counts[zone] + 0.02)).log2();
        fall(0) - fall(1)
    }

    /// The correlation of lightness before and after.
    pub(super) fn correlation(&self) -> f32 {
        let (before, after) = (self.mean(|i| self.before(i)[0]), self.mean(|i| self.after(i)[0]));
        let cross = self.mean(|i| (self.before(i)[0] - before) * (self.after(i)[0] - after));
        cross / (self.spread(|i| self.before(i)) * self.spread(|i| self.after(i))).max(1e-5)
    }

    /// Whether all colour lies in one direction, as in a toned print: 1 = all.
    pub(super) fn monotone(&self) -> f32 {
        let (a, b) = (self.mean(|i| self.after(i)[1]), self.mean(|i| self.after(i)[2]));
        let length = a.hypot(b).max(1e-6);
        let across = self.mean(|i| ((self.after(i)[1] * b - self.after(i)[2] * a) / length).abs());
        rise(0.018, 0.005, across)
    }

    /// Mean colour difference where the weights are high, and where `elsewhere` (the union of all regions) is low. The second is nothing
    /// where hardly anything lies outside.
    pub(super) fn difference(&self, elsewhere: &[f32]) -> (f32, Option<f32>) {
        let (mut inside, mut outside, mut in_count, mut out_count) = (0.0, 0.0, 1e-6, 0.0);
        for (index, elsewhere) in elsewhere.iter().enumerate().take(self.edited.lab.len()) {
            let difference = delta_e_ok(self.before(index), self.after(index));
            // The undecided edge of a mask is left out of both.
            if self.weight(index) > 0.7 {
                inside += difference;
                in_count += 1.0;
            }
            if *elsewhere < 0.12 {
                outside += difference;
                out_count += 1.0;
            }
        }
        let enough = out_count > 0.02 * self.edited.lab.len() as f32;
        (inside / in_count, enough.then(|| outside / out_count))
    }
}

/// The lightness that a share of the pixels lies below.
pub(super) fn quantile(lab: &[[f32; 3]], share: f32) -> f32 {
    let mut lightness: Vec<f32> = lab.iter().map(|lab| lab[0]).collect();
    let place = ((lightness.len() - 1) as f32 * share) as usize;
    *lightness.select_nth_unstable_by(place, f32::total_cmp).1
}

/// The colourfulness of an OKLab colour.
pub(super) fn chroma(lab: [f32; 3]) -> f32 {
    lab[1].hypot(lab[2])
}
