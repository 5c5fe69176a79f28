//! Whether each asked change happened, in the asked direction, by about the asked amount, where it was asked.

use super::comparison::{Comparison, chroma};
use super::measures::{approval, change};
use crate::curve::rise;
use crate::mask::colours::{Strictness, answers, hue_distance, hue_of};
use crate::plan::{Amount, Change, Colour, Direction, Quantity};

/// How far colours lean towards one that is slightly asked for, in OKLab: so far that it is seen beside the picture before.
const SLIGHT_LEAN: f32 = 0.025;

/// The measured change in the unit of `measures.rs` where there is one, and what it is worth, 0..=1.
pub(super) struct Followed {
    pub(super) measured: f32,
    pub(super) worth: f32,
}

impl Followed {
    fn of(measured: f32, worth: f32) -> Self {
        Self { measured, worth: if worth.is_finite() { worth.clamp(0.0, 1.0) } else { 0.0 } }
    }
}

impl Comparison<'_> {
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
                let ratio = direction.sign() * measured / change(quantity, amount);
                // No noise is too little noise; what goes with it is preservation's business.
                let ratio = if quantity == Quantity::Denoise { ratio.min(1.0) } else { ratio };
                Followed::of(measured, approval(ratio))
            }
            Change::BlackAndWhite => {
                let chroma = self.mean(|i| chroma(self.after(i)));
                Followed::of(chroma, rise(0.03, 0.006, chroma) * rise(0.2, 0.8, self.correlation()))
            }
            Change::Invert => {
                let correlation = self.correlation();
                Followed::of(correlation, rise(0.3, -0.85, correlation))
            }
            Change::Posterise { levels } => self.posterised(levels),
            Change::Hue { degrees } => self.hue(degrees),
            Change::Recolour { to, amount } => self.recoloured(to, amount),
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

    /// Whether a region came to look like a colour. A little of it is told by likeness or by leaning, by whichever is nearer to what was
    /// asked: leaves are greener long before they are green, and those that are green already are all but wholly green at once.
    fn recoloured(&self, to: Colour, amount: Amount) -> Followed {
        let near = self.mean(|i| likeness(self.after(i), to));
        let before = self.mean(|i| likeness(self.before(i), to));
        let gain = ((near - before) / (1.0 - before).max(0.05)).max(0.0);
        let worth = match amount {
            Amount::Slight => approval(gain / 0.12).max(hue_of(to).map_or(0.0, |hue| self.leant(hue))),
            _ => approval(gain / 0.5),
        };
        Followed::of(near, worth)
    }

    /// Whether colours leant towards a hue by about as much as "bluer" and "greener" ask for, and not past it to another.
    fn leant(&self, hue: f32) -> f32 {
        let (b, a) = hue.to_radians().sin_cos();
        let shift = [1, 2].map(|axis| self.mean(|i| self.leaning(i, axis)));
        let lean = shift[0] * a + shift[1] * b;
        let straight = lean / shift[0].hypot(shift[1]).max(1e-6);
        approval(lean / SLIGHT_LEAN) * rise(0.5, 0.9, straight)
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
