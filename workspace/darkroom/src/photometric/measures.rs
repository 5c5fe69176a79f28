//! What is measured of each quantity: how much it changed, how large a change the words lead people to expect, and which others go with
//! it.

use super::comparison::{Comparison, chroma, quantile};
use crate::curve::rise;
use crate::plan::{Amount, Quantity};

/// The change that a plain request for a quantity leads one to expect, as `Comparison::measure` gives it.
fn plain(quantity: Quantity) -> f32 {
    match quantity {
        // Stops of the mean, from lightness.
        Quantity::Exposure => 0.5,
        // Logarithm of the ratio of the spread of lightness.
        Quantity::Contrast => 0.2,
        // OKLab lightness of the named tones against the rest.
        Quantity::Highlights => 0.035,
        Quantity::Shadows => 0.05,
        // OKLab, along blue to amber and green to magenta.
        Quantity::Warmth => 0.018,
        Quantity::Tint => 0.018,
        // Logarithm of the ratio of mean chroma.
        Quantity::Saturation => 0.32,
        Quantity::Vibrance => 0.24,
        // OKLab lightness of the darkest tones.
        Quantity::Fade => 0.08,
        // OKLab b of the toned picture.
        Quantity::Sepia => 0.05,
        // Logarithm of the ratio of fine detail.
        Quantity::Sharpness => 0.4,
        Quantity::Blur => 0.9,
        // Logarithm of the ratio of noise.
        Quantity::Denoise => 0.7,
        // Standard deviation of the added noise in OKLab lightness.
        Quantity::Grain => 0.022,
        // Stops of the corners against the centre.
        Quantity::Vignette => 0.8,
    }
}

/// The expected change for an amount. The steps between the words are those that people mean by them on average; the
/// plateau of [`approval`] is wide enough for the rest.
pub(super) fn change(quantity: Quantity, amount: Amount) -> f32 {
    let plain = plain(quantity);
    match amount {
        Amount::Slight => 0.45 * plain,
        Amount::Plain => plain,
        Amount::Strong => 1.8 * plain,
        Amount::Extreme => 3.0 * plain,
        Amount::Stops(stops) => in_stops(quantity, stops.max(0.1)),
        Amount::Share(share) => stated(quantity, share.max(0.02), plain),
    }
}

/// Of what has no stops, so much as goes with as many of exposure.
fn in_stops(quantity: Quantity, stops: f32) -> f32 {
    match quantity {
        Quantity::Exposure | Quantity::Vignette => stops,
        _ => stops / plain(Quantity::Exposure) * plain(quantity),
    }
}

fn stated(quantity: Quantity, share: f32, plain: f32) -> f32 {
    match quantity {
        Quantity::Exposure => 2.2 * (1.0 + share).log2(),
        Quantity::Contrast | Quantity::Saturation | Quantity::Vibrance => (1.0 + share).ln(),
        Quantity::Sepia => plain * share.min(1.0),
        _ => 2.0 * share * plain,
    }
}

/// What a change is worth that is `ratio` times the expected one: nothing below 0, full about 1, falling off where it is far too
/// much. There is a gentle top at 1, so that a search can tell better from good.
pub(super) fn approval(ratio: f32) -> f32 {
    if ratio <= 0.0 || !ratio.is_finite() {
        return 0.0;
    }
    let near = (-0.06 * ratio.ln().powi(2)).exp();
    rise(0.02, 0.6, ratio) * (1.0 - 0.85 * rise(1.6, 3.6, ratio)) * near
}

/// The quantities that are to stay where nobody asks for them, each with those whose change moves it too.
pub(super) const HELD: [(Quantity, &[Quantity]); 4] = [
    (
        Quantity::Exposure,
        &[
            Quantity::Exposure,
            Quantity::Highlights,
            Quantity::Shadows,
            Quantity::Fade,
            Quantity::Vignette,
            Quantity::Contrast,
        ],
    ),
    (
        Quantity::Contrast,
        &[
            Quantity::Contrast,
            Quantity::Fade,
            Quantity::Highlights,
            Quantity::Shadows,
            Quantity::Exposure,
            Quantity::Vignette,
            Quantity::Blur,
            Quantity::Grain,
        ],
    ),
    (
        Quantity::Warmth,
        &[Quantity::Warmth, Quantity::Tint, Quantity::Saturation, Quantity::Vibrance, Quantity::Sepia, Quantity::Fade],
    ),
    (
        Quantity::Saturation,
        &[Quantity::Saturation, Quantity::Vibrance, Quantity::Fade, Quantity::Sepia, Quantity::Warmth, Quantity::Tint],
    ),
];

impl Comparison<'_> {
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
                ratio(self.mean(|i| chroma(self.after(i))), self.mean(|i| chroma(self.before(i))), 0.004)
            }
            Quantity::Fade => {
                let black = quantile(&self.edited.lab, 0.02) - quantile(&self.registered.lab, 0.02);
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
}
