//! How large a change the words of an instruction lead people to expect, in the measures' own units.

use crate::plan::{Amount, Quantity};

/// The change that a plain request for a quantity leads one to expect, as its measure gives it (see `follow.rs`).
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
        Amount::Stops(stops) => stops.max(0.1),
        Amount::Share(share) => stated(quantity, share.max(0.02), plain),
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

fn rise(from: f32, to: f32, value: f32) -> f32 {
    let share = ((value - from) / (to - from)).clamp(0.0, 1.0);
    share * share * (3.0 - 2.0 * share)
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
