//! Lightness: exposure, contrast, highlights, shadows, fade, inversion, posterisation.

use editscale_picture::{Pixels, linear_from_srgb, srgb_from_linear};

use super::step::Step;
use crate::curve::rise;
use crate::planes::{base_of, lightness_plane};

/// OKLab lightness of an 18% grey card.
const MIDDLE: f32 = 0.567;

/// Light multiplied by 2^stops. Brightening bends towards white instead of clipping: white stays white, and dark tones
/// get the full gain. Colours keep their hue because all channels of a pixel are multiplied alike.
pub(super) fn exposure<'a>(stops: f32) -> Step<'a> {
    let gain = stops.exp2();
    Step::linear(move |rgb, _| {
        let high = rgb[0].max(rgb[1]).max(rgb[2]);
        let factor = if gain <= 1.0 { gain } else { gain / (1.0 + (gain - 1.0) * high.clamp(0.0, 1.0).powi(2)) };
        rgb.map(|value| value * factor)
    })
}

/// A lightness curve given at 1,024 points between 0 and 1 and continued beside them.
struct Curve(Vec<f32>);

impl Curve {
    const POINTS: usize = 1024;

    fn new(at: impl Fn(f32) -> f32) -> Self {
        Self((0..=Self::POINTS).map(|index| at(index as f32 / Self::POINTS as f32)).collect())
    }

    fn at(&self, lightness: f32) -> f32 {
        let place = lightness * Self::POINTS as f32;
        if !(0.0..Self::POINTS as f32).contains(&place) {
            return if place < 0.0 { lightness + self.0[0] } else { lightness - 1.0 + self.0[Self::POINTS] };
        }
        let index = place as usize;
        self.0[index] + (self.0[index + 1] - self.0[index]) * (place - index as f32)
    }
}

/// A step that bends lightness. Chroma follows by the given power of the ratio, so that shadows do not turn garish when
/// they are lifted nor grey when they are deepened.
fn bend<'a>(curve: Curve, chroma_power: f32) -> Step<'a> {
    Step::lab(move |[lightness, a, b], _| {
        let bent = curve.at(lightness);
        let ratio = if lightness > 1e-3 { (bent / lightness).clamp(0.25, 4.0) } else { 1.0 };
        let factor = 1.0 + chroma_power * (ratio - 1.0);
        [bent, a * factor, b * factor]
    })
}

/// Contrast about a pivot: more (slope above 1) by an S-curve that keeps black and white, less by a straight line. `shape`
/// moves the pivot: −1 leaves the shadows more light, 1 less.
pub(super) fn contrast<'a>(slope: f32, shape: f32) -> Step<'a> {
    let pivot = MIDDLE + 0.06 * shape;
    let curve = Curve::new(|lightness| {
        if slope < 1.0 {
            pivot + (lightness - pivot) * slope.max(0.0)
        } else if lightness < pivot {
            pivot * (lightness / pivot).powf(slope)
        } else {
            1.0 - (1.0 - pivot) * ((1.0 - lightness) / (1.0 - pivot)).powf(slope)
        }
    });
    bend(curve, 0.5)
}

/// Which end of the tones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Highlights,
    Shadows,
}

/// The bright or the dark tones made lighter (positive) or darker. Which tones those are is read from a smoothed picture
/// whose edges are kept, so that detail within them stays and no halos stand at their borders.
pub(super) fn end<'a>(which: End, amount: f32) -> Step<'a> {
    Step::Whole(Box::new(move |pixels: Pixels| {
        let base = base_of(&lightness_plane(&pixels), pixels.width(), pixels.height());
        let step = Step::lab(|[lightness, a, b], index| {
            let bent = match which {
                End::Shadows => {
                    let weight = rise(0.62, 0.12, base[index]);
                    lightness * (1.0 + 0.7 * amount * weight).max(0.0) + 0.03 * amount.max(0.0) * weight
                }
                End::Highlights => {
                    let weight = rise(0.52, 0.95, base[index]);
                    let room = if amount < 0.0 { lightness - 0.45 } else { 1.0 - lightness };
                    lightness + 0.55 * amount * weight * room.max(0.0)
                }
            };
            let ratio = if lightness > 1e-3 { (bent / lightness).clamp(0.5, 2.5) } else { 1.0 };
            let factor = 1.0 + 0.6 * (ratio - 1.0);
            [bent, a * factor, b * factor]
        });
        super::step::apply(pixels, step)
    }))
}

/// Lifted blacks, softer contrast and paler colour, as of an old print. A negative lift deepens the blacks.
pub(super) fn fade<'a>(lift: f32) -> Step<'a> {
    Step::lab(move |[lightness, a, b], _| {
        let bent = lift + lightness * (1.0 - lift - 0.25 * lift.max(0.0));
        let chroma = 1.0 - 1.2 * lift.clamp(-0.3, 0.6);
        [bent, a * chroma, b * chroma]
    })
}

/// A negative: display values inverted.
pub(super) fn invert<'a>() -> Step<'a> {
    Step::linear(move |rgb, _| rgb.map(|value| linear_from_srgb(1.0 - srgb_from_linear(value))))
}

/// Display values rounded to `levels` a channel.
pub(super) fn posterise<'a>(levels: u8) -> Step<'a> {
    let most = f32::from(levels.max(2) - 1);
    Step::linear(move |rgb, _| {
        rgb.map(|value| linear_from_srgb((srgb_from_linear(value.clamp(0.0, 1.0)) * most).round() / most))
    })
}
