//! The quantities as the darkroom carries them out: when, by how much, and by which operation.
//!
//! One table for what the words for amounts mean, so that "slightly" is as much in one operation as in another: about a third of the plain
//! amount, which is what a photographer would do who was told no more than the word; "much" is nearly twice it, "extremely" three times.

use super::develop::Stage;
use super::step::Step;
use super::tone::End;
use super::{Choices, colour, detail, tone};
use crate::plan::{Amount, Quantity};

/// When a quantity's turn is, and its plain amount in its operation's own unit.
const fn rule(quantity: Quantity) -> (Stage, f32) {
    match quantity {
        // Stops.
        Quantity::Exposure => (Stage::Colour, 0.6),
        // Added slope at middle grey; darkening or lightening of the named tones in OKLab lightness.
        Quantity::Contrast => (Stage::Colour, 0.3),
        Quantity::Highlights | Quantity::Shadows => (Stage::Colour, 0.5),
        // Mired along the daylight locus.
        Quantity::Warmth => (Stage::Colour, 28.0),
        // Natural logarithm of the ratio of magenta to green gain.
        Quantity::Tint => (Stage::Colour, 0.14),
        // Added share of chroma.
        Quantity::Saturation | Quantity::Vibrance => (Stage::Colour, 0.4),
        // Lift of black in OKLab lightness, as a share of the whole range.
        Quantity::Fade => (Stage::Look, 0.14),
        // Share of full toning.
        Quantity::Sepia => (Stage::Look, 0.85),
        // Multiple of fine detail added.
        Quantity::Sharpness => (Stage::Detail, 1.0),
        // Standard deviation in thousandths of the longer edge.
        Quantity::Blur => (Stage::Detail, 6.0),
        // Multiple of the measured noise that is taken out.
        Quantity::Denoise => (Stage::Cleaning, 1.6),
        // Standard deviation in OKLab lightness, in hundredths.
        Quantity::Grain => (Stage::Finish, 3.5),
        // Stops at the corners.
        Quantity::Vignette => (Stage::Finish, 1.3),
    }
}

/// When a quantity's turn is.
pub(super) fn stage(quantity: Quantity) -> Stage {
    rule(quantity).0
}

/// A stated share that is `multiple` times the plain amount of a quantity.
pub(crate) fn share_of_plain(quantity: Quantity, multiple: f32) -> f32 {
    let size = multiple * plain(quantity);
    match quantity {
        Quantity::Exposure => (size / 2.2).exp2() - 1.0,
        Quantity::Contrast | Quantity::Saturation | Quantity::Vibrance => size,
        Quantity::Sepia => size.min(1.0),
        _ => multiple / 2.0,
    }
}

/// An amount as a multiple of the plain one.
pub(crate) fn multiple_of_plain(quantity: Quantity, amount: Amount) -> f32 {
    size(quantity, amount) / plain(quantity)
}

fn plain(quantity: Quantity) -> f32 {
    rule(quantity).1
}

/// How much a quantity is to change, in its operation's unit, always positive.
pub(super) fn size(quantity: Quantity, amount: Amount) -> f32 {
    match amount {
        Amount::Slight => 0.4 * plain(quantity),
        Amount::Plain => plain(quantity),
        Amount::Strong => 1.8 * plain(quantity),
        Amount::Extreme => 3.0 * plain(quantity),
        Amount::Stops(stops) => in_stops(quantity, stops),
        Amount::Share(share) => stated(quantity, share),
    }
}

/// "one stop brighter", "warmer by half a stop": of what has no stops, so much as goes with as many of exposure.
fn in_stops(quantity: Quantity, stops: f32) -> f32 {
    match quantity {
        Quantity::Exposure | Quantity::Vignette => stops,
        _ => stops / plain(Quantity::Exposure) * plain(quantity),
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

/// The step that changes a quantity by `size` in its own unit (see `rule`), negative for less of it.
pub(super) fn adjust<'a>(quantity: Quantity, size: f32, choices: &Choices, index: usize) -> Step<'a> {
    match quantity {
        Quantity::Exposure => tone::exposure(size.clamp(-6.0, 6.0)),
        Quantity::Contrast => tone::contrast(if size >= 0.0 { 1.0 + size } else { 1.0 / (1.0 - size) }, choices.curve),
        Quantity::Highlights => tone::end(End::Highlights, size.clamp(-1.8, 1.8)),
        Quantity::Shadows => tone::end(End::Shadows, size.clamp(-1.2, 2.0)),
        Quantity::Warmth => colour::warmth(size.clamp(-100.0, 160.0)),
        Quantity::Tint => colour::tint(size.clamp(-1.0, 1.0)),
        Quantity::Saturation => colour::saturation(1.0 + size),
        Quantity::Vibrance => colour::vibrance(size),
        Quantity::Fade => tone::fade(size.clamp(-0.3, 0.5)),
        Quantity::Sepia if size >= 0.0 => colour::sepia(size),
        Quantity::Sepia => colour::saturation(1.0 + size),
        Quantity::Sharpness if size >= 0.0 => detail::sharpen(size),
        Quantity::Sharpness => detail::blur(-1.2 * size),
        Quantity::Blur if size >= 0.0 => detail::blur(size),
        Quantity::Blur => detail::sharpen(-size / 6.0),
        Quantity::Denoise if size >= 0.0 => detail::denoise(size),
        Quantity::Denoise => detail::grain(-1.5 * size, choices.noise(index)),
        Quantity::Grain if size >= 0.0 => detail::grain(size, choices.noise(index)),
        Quantity::Grain => detail::denoise(-size / 2.2),
        Quantity::Vignette => detail::vignette(size.clamp(-3.0, 5.0), choices.curve),
    }
}
