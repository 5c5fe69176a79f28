//! What the words for amounts mean in the units of each operation.
//!
//! One table, so that "slightly" is as much in one operation as in another: about a third of the plain amount, which is
//! what a photographer would do who was told no more than the word; "much" is nearly twice it, "extremely" three times.

use crate::plan::{Amount, Quantity};

/// The plain amount of each quantity, in its operation's own unit.
fn plain(quantity: Quantity) -> f32 {
    match quantity {
        // Stops.
        Quantity::Exposure => 0.6,
        // Added slope at middle grey; darkening or lightening of the named tones in OKLab lightness.
        Quantity::Contrast => 0.3,
        Quantity::Highlights | Quantity::Shadows => 0.5,
        // Mired along the daylight locus.
        Quantity::Warmth => 28.0,
        // Natural logarithm of the ratio of magenta to green gain.
        Quantity::Tint => 0.14,
        // Added share of chroma.
        Quantity::Saturation | Quantity::Vibrance => 0.4,
        // Lift of black in OKLab lightness, as a share of the whole range.
        Quantity::Fade => 0.14,
        // Share of full toning.
        Quantity::Sepia => 0.85,
        // Multiple of fine detail added.
        Quantity::Sharpness => 1.0,
        // Standard deviation in thousandths of the longer edge.
        Quantity::Blur => 6.0,
        // Multiple of the measured noise that is taken out.
        Quantity::Denoise => 1.6,
        // Standard deviation in OKLab lightness, in hundredths.
        Quantity::Grain => 3.5,
        // Stops at the corners.
        Quantity::Vignette => 1.3,
    }
}

/// How much a quantity is to change, in its operation's unit, always positive.
pub(super) fn size(quantity: Quantity, amount: Amount) -> f32 {
    match amount {
        Amount::Slight => 0.4 * plain(quantity),
        Amount::Plain => plain(quantity),
        Amount::Strong => 1.8 * plain(quantity),
        Amount::Extreme => 3.0 * plain(quantity),
        Amount::Stops(stops) => stops,
        Amount::Share(share) => stated(quantity, share),
    }
}

/// A stated share: "20% brighter", "+15 contrast", "30% sepia".
fn stated(quantity: Quantity, share: f32) -> f32 {
    match quantity {
        // A share of display brightness; display values go with about the 2.2nd root of light.
        Quantity::Exposure => 2.2 * (1.0 + share).log2(),
        Quantity::Contrast | Quantity::Saturation | Quantity::Vibrance => share,
        Quantity::Sepia => share.min(1.0),
        // Elsewhere the scale is that of editors' sliders, where 50 is a plain amount.
        _ => 2.0 * share * plain(quantity),
    }
}

/// The pull of a recolouring, 0..=1.
pub(super) fn pull(amount: Amount) -> f32 {
    match amount {
        Amount::Slight => 0.35,
        Amount::Plain | Amount::Stops(_) => 0.9,
        Amount::Strong | Amount::Extreme => 1.0,
        Amount::Share(share) => share.clamp(0.0, 1.0),
    }
}
