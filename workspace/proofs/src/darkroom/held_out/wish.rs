//! What was asked for, and how far it came true.

use super::lab::{View, chroma};

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Quantity {
    Light,
    Contrast,
    Highlights,
    Shadows,
    Warmth,
    Tint,
    Saturation,
    Fade,
    Sepia,
    BlackAndWhite,
    Sharpness,
    Blur,
    Grain,
    Vignette,
}

/// Where it was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Place {
    /// In the whole picture.
    Everywhere,
    /// In a part of the frame, its edges as shares of width and height.
    Part {
        /// The left edge.
        left: f64,
        /// The upper edge.
        top: f64,
        /// The right edge.
        right: f64,
        /// The lower edge.
        bottom: f64,
    },
}

/// One thing that was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wish {
    /// What.
    pub quantity: Quantity,
    /// How much: ½ for "slightly", 1 for no word of amount, 2 for "much"; below 0 for less of it.
    pub amount: f64,
    /// Where.
    pub place: Place,
}

/// The shares of the asked amount between which it is right.
const RIGHT: [f64; 2] = [0.6, 1.6];
/// At so many times the asked amount it is worth [`OVERDONE`].
const FAR: f64 = 4.0;
const OVERDONE: f64 = 0.2;

impl Wish {
    /// In the whole picture.
    pub const fn plain(quantity: Quantity, amount: f64) -> Self {
        Self { quantity, amount, place: Place::Everywhere }
    }

    /// In a part of it; only light is measured by parts.
    pub const fn at(quantity: Quantity, amount: f64, place: Place) -> Self {
        Self { quantity, amount, place }
    }

    /// How far it came true, from 0 to 1.
    pub fn worth(&self, source: &View, edited: &View) -> f64 {
        match self.quantity {
            Quantity::BlackAndWhite => (1.0 - edited.mean(chroma) / 8.0).clamp(0.0, 1.0),
            Quantity::Sepia => sepia(edited),
            _ => amount(self.change(source, edited) / self.amount),
        }
    }

    /// The change, in units of what is meant where no word says how much.
    fn change(&self, source: &View, edited: &View) -> f64 {
        let light = |lab: [f64; 3]| lab[0];
        let shift = |share: f64| edited.percentile(share) - source.percentile(share);
        let mean = |of: fn([f64; 3]) -> f64| edited.mean(of) - source.mean(of);
        let spread = |view: &View| (view.percentile(0.9) - view.percentile(0.1)).max(0.5);
        match self.quantity {
            Quantity::Light => match self.place {
                Place::Everywhere => mean(light) / 9.0,
                Place::Part { .. } => {
                    let inside = |across: f64, down: f64| self.place.holds(across, down);
                    (edited.mean_where(inside, light) - source.mean_where(inside, light)) / 9.0
                }
            },
            Quantity::Contrast => (spread(edited) / spread(source)).ln() / 0.2,
            Quantity::Highlights => (shift(0.95) - shift(0.5)) / 5.0,
            Quantity::Shadows => (shift(0.1) - shift(0.8)) / 5.0,
            Quantity::Warmth => mean(|lab| lab[2]) / 7.0,
            Quantity::Tint => mean(|lab| lab[1]) / 6.0,
            Quantity::Saturation => (edited.mean(chroma).max(0.3) / source.mean(chroma).max(0.3)).ln() / 0.3,
            Quantity::Fade => shift(0.02).max(0.0) / 12.0,
            Quantity::Sharpness => (edited.fine.max(0.05) / source.fine.max(0.05)).ln() / 0.3,
            Quantity::Blur => (source.fine.max(0.05) / edited.fine.max(0.05)).ln() / 0.6,
            Quantity::Grain => (edited.rough - source.rough) / 3.0,
            Quantity::Vignette => {
                let corners = |across: f64, down: f64| (across - 0.5).hypot(down - 0.5) > 0.55;
                let centre = |across: f64, down: f64| (across - 0.5).hypot(down - 0.5) < 0.25;
                let fall = |view: &View| view.mean_where(centre, light) - view.mean_where(corners, light);
                (fall(edited) - fall(source)) / 12.0
            }
            // Measured by how the picture looks, not by how much it changed.
            Quantity::Sepia | Quantity::BlackAndWhite => 0.0,
        }
    }
}

impl Place {
    /// Whether a place, as shares of width and height, lies in it.
    pub(super) fn holds(self, across: f64, down: f64) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Part { left, top, right, bottom } => (left..right).contains(&across) && (top..bottom).contains(&down),
        }
    }
}

/// What an amount is worth, as a multiple of the asked one: nothing for none or the opposite, all between the ends of
/// [`RIGHT`], less for too much.
fn amount(ratio: f64) -> f64 {
    let [enough, most] = RIGHT;
    match ratio {
        ratio if ratio <= 0.0 || !ratio.is_finite() => 0.0,
        ratio if ratio < enough => ratio / enough,
        ratio if ratio <= most => 1.0,
        ratio => (1.0 - (1.0 - OVERDONE) * (ratio - most) / (FAR - most)).max(OVERDONE),
    }
}

/// Brown all over: hues near 70° of the L\*a\*b\* circle, of one kind, with some chroma.
fn sepia(edited: &View) -> f64 {
    let (a, b) = (edited.mean(|lab| lab[1]), edited.mean(|lab| lab[2]));
    let strength = edited.mean(chroma);
    let hue = b.atan2(a).to_degrees();
    let brown = (1.0 - ((hue - 70.0).abs() - 15.0).max(0.0) / 45.0).clamp(0.0, 1.0);
    // One kind of hue: the mean colour is as strong as colours are in the mean.
    let united = if strength > 0.1 { (a.hypot(b) / strength).clamp(0.0, 1.0) } else { 0.0 };
    let strong = amount(strength / 16.0);
    brown * united.powi(2) * strong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_worth_most_about_where_they_were_asked() {
        for (ratio, worth) in
            [(-1.0, 0.0), (0.0, 0.0), (0.3, 0.5), (0.6, 1.0), (1.0, 1.0), (1.6, 1.0), (2.8, 0.6), (9.0, 0.2)]
        {
            assert!((amount(ratio) - worth).abs() < 1e-9, "{ratio}");
        }
    }
}
