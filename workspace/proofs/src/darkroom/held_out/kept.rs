//! What nobody asked for: content that moved, tones and colours that shifted.

use super::lab::{View, chroma};
use super::wish::{Place, Quantity, Wish};

/// How far all else stayed as it was, from 0 to 1: structure times side effects.
pub(super) fn kept(source: &View, edited: &View, wishes: &[Wish]) -> f64 {
    alike(source, edited) * side_effects(source, edited, wishes) * outside(source, edited, wishes)
}

/// The correlation of coarse gradients, from 0 to 1; a tone curve leaves it high, moved content does not.
fn alike(source: &View, edited: &View) -> f64 {
    let (one, other) = (source.structure(), edited.structure());
    if one.len() != other.len() {
        return 0.0;
    }
    let dot = |left: &[[f64; 2]], right: &[[f64; 2]]| {
        left.iter().zip(right).map(|(left, right)| left[0] * right[0] + left[1] * right[1]).sum::<f64>()
    };
    let size = (dot(&one, &one) * dot(&other, &other)).sqrt();
    let correlation = if size > 1e-9 { dot(&one, &other) / size } else { 0.0 };
    // Down to 0.6 is what strong edits of tone do.
    ((correlation - 0.2) / 0.65).clamp(0.0, 1.0)
}

/// Each shift beyond what goes unnoticed costs, up to half for each kind.
fn side_effects(source: &View, edited: &View, wishes: &[Wish]) -> f64 {
    use Quantity::{
        BlackAndWhite, Contrast, Fade, Highlights, Light, Saturation, Sepia, Shadows, Tint, Vignette, Warmth,
    };
    let asks = |any: &[Quantity]| wishes.iter().any(|wish| any.contains(&wish.quantity));
    let colours = [BlackAndWhite, Sepia];
    let mean = |of: fn([f64; 3]) -> f64| edited.mean(of) - source.mean(of);
    let ratio = (edited.mean(chroma).max(1.0) / source.mean(chroma).max(1.0)).ln();
    // Tones carry colour with them: a lighter picture has other chroma.
    let shifts: [(f64, f64, &[Quantity]); 4] = [
        (mean(|lab| lab[0]), 5.0, &[Light, Fade, Vignette, Shadows, Highlights, Contrast]),
        (mean(|lab| lab[2]), 3.0, &[Warmth, Saturation]),
        (mean(|lab| lab[1]), 3.0, &[Tint, Saturation, Warmth]),
        (ratio, 0.25, &[Saturation, Warmth, Tint, Fade, Contrast]),
    ];
    let cost = |(shift, unnoticed, asked): (f64, f64, &[Quantity])| {
        let is_colour = asked.contains(&Saturation);
        if asks(asked) || is_colour && asks(&colours) {
            return 1.0;
        }
        1.0 - 0.5 * ((shift.abs() - unnoticed) / (3.0 * unnoticed)).clamp(0.0, 1.0)
    };
    shifts.into_iter().map(cost).product()
}

/// Where something was asked for in a part of the picture only, the rest stays: in tone and in colour.
fn outside(source: &View, edited: &View, wishes: &[Wish]) -> f64 {
    let part = |wish: &&Wish| wish.place != Place::Everywhere;
    let Some(wish) = wishes.iter().find(part) else { return 1.0 };
    let inside = |across: f64, down: f64| wish.place.holds(across, down);
    let rest = |across: f64, down: f64| !inside(across, down);
    let moved = |place: &dyn Fn(f64, f64) -> bool| {
        (edited.mean_where(place, |lab| lab[0]) - source.mean_where(place, |lab| lab[0])).abs()
    };
    1.0 - 0.7 * ((moved(&rest) - 1.5) / 8.0).clamp(0.0, 1.0)
}
