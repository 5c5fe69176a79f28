//! Whether each asked change happened, in the asked direction, by about the asked amount, where it was asked.

use editscale_picture::delta_e_ok;

use super::expected::{approval, change};
use super::register::Registered;
use super::view::View;
use crate::mask::colours::{Strictness, answers, hue_distance};
use crate::plan::{Change, Colour, Direction, Quantity};

/// What is compared: the source in the edited picture's frame, the edited picture, and where to look.
pub(super) struct Comparison<'a> {
    pub(super) source: &'a View,
    pub(super) edited: &'a View,
    pub(super) registered: &'a Registered,
    /// One weight a pixel of the edited view: 1 = in the region. Nothing where it is the whole picture.
    pub(super) weights: Option<&'a [f32]>,
}

/// The measured change in the unit of `expected.rs` where there is one, and what it is worth, 0..=1.
pub(super) struct Followed {
    pub(super) measured: f32,
    pub(super) worth: f32,
}

impl Followed {
    fn of(measured: f32, worth: f32) -> Self {
        Self { measured, worth: if worth.is_finite() { worth.clamp(0.0, 1.0) } else { 0.0 } }
    }
}

fn rise(from: f32, to: f32, value: f32) -> f32 {
    let share = ((value - from) / (to - from)).clamp(0.0, 1.0);
    share * share * (3.0 - 2.0 * share)
}

impl Comparison<'_> {
    fn weight(&self, index: usize) -> f32 {
        self.weights.map_or(1.0, |weights| weights[index])
    }

    fn mean(&self, value: impl Fn(usize) -> f32) -> f32 {
        let (mut sum, mut total) = (0.0_f64, 1e-9_f64);
        for index in 0..self.edited.lab.len() {
            let weight = f64::from(self.weight(index));
            sum += weight * f64::from(value(index));
            total += weight;
        }
        (sum / total) as f32
    }

    fn before(&self, index: usize) -> [f32; 3] {
        self.registered.lab[index]
    }

    fn after(&self, index: usize) -> [f32; 3] {
        self.edited.lab[index]
    }

    /// Standard deviation of lightness, before or after.
    fn spread(&self, lab: impl Fn(usize) -> [f32; 3]) -> f32 {
        let mean = self.mean(|index| lab(index)[0]);
        self.mean(|index| (lab(index)[0] - mean).powi(2)).sqrt()
    }

    /// Mean shift of lightness of the pixels whose lightness before was between two quantiles.
    fn shift_between(&self, low: f32, high: f32) -> f32 {
        let mut ascending: Vec<f32> = self.registered.lab.iter().map(|lab| lab[0]).collect();
        ascending.sort_by(f32::total_cmp);
        let at = |share: f32| ascending[((ascending.len() - 1) as f32 * share) as usize];
        let (low, high) = (at(low), at(high));
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

    fn quantile(lab: &[[f32; 3]], share: f32) -> f32 {
        let mut ascending: Vec<f32> = lab.iter().map(|lab| lab[0]).collect();
        ascending.sort_by(f32::total_cmp);
        ascending[((ascending.len() - 1) as f32 * share) as usize]
    }

    fn chroma(lab: [f32; 3]) -> f32 {
        lab[1].hypot(lab[2])
    }

    /// By how much a pixel leans further along a colour axis, at the lightness that it had: light that is taken away takes colour
    /// with it, in proportion, and that is no change of colour.
    fn leaning(&self, index: usize, axis: usize) -> f32 {
        let (before, after) = (self.before(index), self.after(index));
        let as_light = ((before[0] + 0.02) / (after[0] + 0.02)).clamp(0.5, 2.0);
        after[axis] * as_light - before[axis]
    }

    /// The signed change of a quantity.
    pub(super) fn measure(&self, quantity: Quantity) -> f32 {
        let ratio = |after: f32, before: f32, least: f32| ((after.max(0.0) + least) / (before.max(0.0) + least)).ln();
        match quantity {
            Quantity::Exposure => {
                let (after, before) = (self.mean(|i| self.after(i)[0]), self.mean(|i| self.before(i)[0]));
                3.0 * ratio(after, before, 0.01) / std::f32::consts::LN_2
            }
            Quantity::Contrast => ratio(self.spread(|i| self.after(i)), self.spread(|i| self.before(i)), 0.01),
            Quantity::Highlights => self.shift_between(0.75, 1.0) - 0.6 * self.shift_between(0.0, 0.5),
            Quantity::Shadows => self.shift_between(0.0, 0.3) - 0.6 * self.shift_between(0.6, 1.0),
            Quantity::Warmth => self.mean(|i| self.leaning(i, 2)) + 0.35 * self.mean(|i| self.leaning(i, 1)),
            Quantity::Tint => self.mean(|i| self.leaning(i, 1)) - 0.5 * self.mean(|i| self.leaning(i, 2)),
            Quantity::Saturation | Quantity::Vibrance => {
                ratio(self.mean(|i| Self::chroma(self.after(i))), self.mean(|i| Self::chroma(self.before(i))), 0.004)
            }
            Quantity::Fade => {
                let black = Self::quantile(&self.edited.lab, 0.02) - Self::quantile(&self.registered.lab, 0.02);
                black - 0.15 * ratio(self.spread(|i| self.after(i)), self.spread(|i| self.before(i)), 0.01)
            }
            Quantity::Sepia => self.mean(|i| self.after(i)[2]),
            Quantity::Sharpness => ratio(self.fine(true), self.fine(false), 0.0005),
            Quantity::Blur => -ratio(self.fine(true), self.fine(false), 0.0005),
            Quantity::Denoise => -ratio(self.edited.noise, self.source.noise, 0.001),
            Quantity::Grain => {
                (self.edited.noise.powi(2) - self.source.noise.powi(2)).max(0.0).sqrt()
                    - (self.source.noise.powi(2) - self.edited.noise.powi(2)).max(0.0).sqrt()
            }
            Quantity::Vignette => self.vignette(),
        }
    }

    /// Fine detail: that of the whole picture, or in a region that of its pixels.
    fn fine(&self, after: bool) -> f32 {
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
    fn vignette(&self) -> f32 {
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

    /// How well one change was followed.
    pub(super) fn follow(&self, asked: Change) -> Followed {
        match asked {
            Change::Adjust { quantity: Quantity::Sepia, direction: Direction::More, amount } => {
                let measured = self.measure(Quantity::Sepia);
                let toned = approval(measured / change(Quantity::Sepia, amount));
                Followed::of(measured, toned * self.monotone())
            }
            Change::Adjust { quantity, direction, amount } => {
                let measured = self.measure(quantity);
                let sign = if direction == Direction::More { 1.0 } else { -1.0 };
                let ratio = sign * measured / change(quantity, amount);
                // No noise is too little noise; what goes with it is preservation's business.
                let ratio = if quantity == Quantity::Denoise { ratio.min(1.0) } else { ratio };
                Followed::of(measured, approval(ratio))
            }
            Change::BlackAndWhite => {
                let chroma = self.mean(|i| Self::chroma(self.after(i)));
                Followed::of(chroma, rise(0.03, 0.006, chroma) * rise(0.2, 0.8, self.correlation()))
            }
            Change::Invert => {
                let correlation = self.correlation();
                Followed::of(correlation, rise(0.3, -0.85, correlation))
            }
            Change::Posterise { levels } => self.posterised(levels),
            Change::Hue { degrees } => self.hue(degrees),
            Change::Recolour { to, amount } => {
                let near = self.mean(|i| likeness(self.after(i), to));
                let before = self.mean(|i| likeness(self.before(i), to));
                let wanted = if matches!(amount, crate::plan::Amount::Slight) { 0.12 } else { 0.5 };
                let gain = (near - before) / (1.0 - before).max(0.05);
                Followed::of(near, approval(gain.max(0.0) / wanted))
            }
            Change::Straighten => {
                let gain = uprightness(&self.edited.small) - uprightness(&self.source.small);
                Followed::of(gain, rise(0.15, 0.6, self.registered.fit) * rise(-0.01, 0.06, gain))
            }
            Change::Crop { aspect } => {
                let wanted = f32::from(aspect.width) / f32::from(aspect.height);
                let off = (self.edited.width as f32 / self.edited.height as f32 / wanted).ln().abs();
                let framed = self.framed();
                Followed::of(framed.measured, framed.worth * rise(0.15, 0.03, off))
            }
            Change::Rotate { .. } | Change::Flip(_) => self.framed(),
        }
    }

    /// Whether the frame that was asked for fits, and better than what it may have been mistaken for.
    fn framed(&self) -> Followed {
        let lead = self.registered.fit - self.registered.rival;
        Followed::of(lead, rise(0.15, 0.6, self.registered.fit) * rise(-0.02, 0.1, lead))
    }

    /// Whether tones crowd at a few levels more than they did.
    fn posterised(&self, levels: Option<u8>) -> Followed {
        let measure = |count: u8| {
            let (after, used) = self.edited.crowding(usize::from(count));
            let (before, _) = self.source.crowding(usize::from(count));
            let gain = (after - before) / (1.0 - before).max(0.02);
            (gain, rise(0.15, 0.6, gain) * (used / f32::from(count)).powi(2))
        };
        let (gain, worth) = match levels {
            Some(levels) => measure(levels),
            None => (3..=8).map(measure).fold((0.0, 0.0), |best, one| if one.1 > best.1 { one } else { best }),
        };
        Followed::of(gain, worth)
    }

    /// The correlation of lightness before and after.
    fn correlation(&self) -> f32 {
        let (before, after) = (self.mean(|i| self.before(i)[0]), self.mean(|i| self.after(i)[0]));
        let cross = self.mean(|i| (self.before(i)[0] - before) * (self.after(i)[0] - after));
        cross / (self.spread(|i| self.before(i)) * self.spread(|i| self.after(i))).max(1e-5)
    }

    /// Whether all colour lies in one direction, as in a toned print: 1 = all.
    fn monotone(&self) -> f32 {
        let (a, b) = (self.mean(|i| self.after(i)[1]), self.mean(|i| self.after(i)[2]));
        let length = a.hypot(b).max(1e-6);
        let across = self.mean(|i| ((self.after(i)[1] * b - self.after(i)[2] * a) / length).abs());
        rise(0.018, 0.005, across)
    }

    fn hue(&self, degrees: Option<f32>) -> Followed {
        let cross = self.mean(|i| self.before(i)[1] * self.after(i)[2] - self.before(i)[2] * self.after(i)[1]);
        let dot = self.mean(|i| self.before(i)[1] * self.after(i)[1] + self.before(i)[2] * self.after(i)[2]);
        let turned = cross.atan2(dot).to_degrees();
        let worth = match degrees {
            Some(wanted) => rise(55.0, 12.0, hue_distance(turned, wanted)),
            None => rise(4.0, 18.0, turned.abs()),
        };
        Followed::of(turned, worth)
    }

    /// Mean colour difference where the weights are high, and where `elsewhere` (the union of all regions) is low. The second is nothing
    /// where hardly anything lies outside.
    pub(super) fn difference(&self, elsewhere: Option<&[f32]>) -> (f32, Option<f32>) {
        let (mut inside, mut outside, mut in_count, mut out_count) = (0.0, 0.0, 1e-6, 0.0);
        for index in 0..self.edited.lab.len() {
            let difference = delta_e_ok(self.before(index), self.after(index));
            // The undecided edge of a mask is left out of both.
            if self.weight(index) > 0.7 {
                inside += difference;
                in_count += 1.0;
            }
            if elsewhere.is_some_and(|elsewhere| elsewhere[index] < 0.12) {
                outside += difference;
                out_count += 1.0;
            }
        }
        let enough = out_count > 0.02 * self.edited.lab.len() as f32;
        (inside / in_count, enough.then(|| outside / out_count))
    }
}

/// How much of the gradients that lie within twelve degrees of the picture's axes lies within two of them.
fn uprightness(pixels: &editscale_picture::Pixels) -> f32 {
    let (mut upright, mut near) = (0.0_f32, 1e-6_f32);
    for (across, down) in super::register::gradients(pixels).values() {
        let strength = across.hypot(*down);
        let angle = down.atan2(*across).to_degrees();
        let off = (angle - (angle / 90.0).round() * 90.0).abs();
        if strength > 0.015 && off < 12.0 {
            near += strength;
            upright += strength * rise(4.0, 1.0, off);
        }
    }
    upright / near
}

/// How like a named colour a colour is, 0..=1: by hue and chroma; for neutral names by chroma and lightness.
fn likeness(lab: [f32; 3], colour: Colour) -> f32 {
    answers(lab, colour, Strictness { vivid: 0.1, slack: 12.0 })
}
