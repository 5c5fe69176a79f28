//! Colour: warmth, tint, saturation, vibrance, hue, monochrome, sepia, recolouring, and the edge of the gamut.

use editscale_picture::{Pixels, linear_from_oklab, linear_from_srgb, luminance, oklab_from_linear};
use rayon::prelude::*;

use super::step::Step;
use crate::plan::Colour;

type Matrix = [[f32; 3]; 3];

/// Linear sRGB to CAT16 cone responses: M16 (Li et al. 2017) times the sRGB matrix (IEC 61966-2-1, D65).
const CONES: Matrix =
    [[0.302_793, 0.602_330, 0.070_430], [0.153_808, 0.777_315, 0.085_346], [0.027_981, 0.147_870, 0.908_918]];

fn apply(matrix: &Matrix, [r, g, b]: [f32; 3]) -> [f32; 3] {
    matrix.map(|row| row[0] * r + row[1] * g + row[2] * b)
}

fn inverse(m: &Matrix) -> Matrix {
    let cross =
        |a: [f32; 3], b: [f32; 3]| [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
    let columns = [cross(m[1], m[2]), cross(m[2], m[0]), cross(m[0], m[1])];
    let determinant = m[0][0] * columns[0][0] + m[0][1] * columns[0][1] + m[0][2] * columns[0][2];
    std::array::from_fn(|row| std::array::from_fn(|column| columns[column][row] / determinant))
}

/// XYZ to linear sRGB (IEC 61966-2-1, D65).
const FROM_XYZ: Matrix = [
    [3.240_454_2, -1.537_138_5, -0.498_531_4],
    [-0.969_266, 1.876_010_8, 0.041_556],
    [0.055_643_4, -0.204_025_9, 1.057_225_2],
];

/// The linear sRGB colour of daylight of a temperature in mired, with luminance 1 (CIE 15:2004, daylight locus).
fn daylight(mired: f32) -> [f32; 3] {
    let t = 1e6 / mired.clamp(40.0, 400.0);
    let x = if t < 7000.0 {
        -4.607e9 / t.powi(3) + 2.967_8e6 / t.powi(2) + 0.099_11e3 / t + 0.244_063
    } else {
        -2.006_4e9 / t.powi(3) + 1.901_8e6 / t.powi(2) + 0.247_48e3 / t + 0.237_040
    };
    let y = -3.0 * x * x + 2.87 * x - 0.275;
    let xyz = [x / y, 1.0, (1.0 - x - y) / y];
    apply(&FROM_XYZ, xyz)
}

/// White balance moved by `mired` along the daylight locus (positive is warmer): von Kries adaptation of cone responses,
/// luminance of grey kept.
pub(super) fn warmth<'a>(mired: f32) -> Step<'a> {
    const D65_MIRED: f32 = 153.8;
    let from = apply(&CONES, daylight(D65_MIRED));
    let to = apply(&CONES, daylight(D65_MIRED + mired));
    let back = inverse(&CONES);
    let matrix: Matrix = std::array::from_fn(|row| {
        std::array::from_fn(|column| {
            (0..3).map(|cone| back[row][cone] * to[cone] / from[cone] * CONES[cone][column]).sum()
        })
    });
    balanced(matrix)
}

/// Green (negative) to magenta: the gains of red and blue against green, luminance of grey kept.
pub(super) fn tint<'a>(log_ratio: f32) -> Step<'a> {
    let (magenta, green) = ((log_ratio / 2.0).exp(), (-log_ratio / 2.0).exp());
    balanced([[magenta, 0.0, 0.0], [0.0, green, 0.0], [0.0, 0.0, magenta]])
}

fn balanced<'a>(matrix: Matrix) -> Step<'a> {
    let grey = luminance(apply(&matrix, [1.0; 3]));
    let matrix = matrix.map(|row| row.map(|value| value / grey));
    Step::linear(move |rgb, _| apply(&matrix, rgb))
}

/// All chroma multiplied.
pub(super) fn saturation<'a>(factor: f32) -> Step<'a> {
    let factor = factor.max(0.0);
    Step::lab(move |[lightness, a, b], _| [lightness, a * factor, b * factor])
}

/// Chroma multiplied, most where it is low, least where it is high, and half as much in the hues of skin.
pub(super) fn vibrance<'a>(amount: f32) -> Step<'a> {
    Step::lab(move |[lightness, a, b], _| {
        let chroma = a.hypot(b);
        let muted = (1.0 - chroma / 0.25).clamp(0.0, 1.0);
        // Skin of every shade lies between 35° and 75° of the OKLab hue circle.
        let along = (0.574 * a + 0.819 * b) / chroma.max(1e-6);
        let skin = ((along - 0.94) / 0.06).clamp(0.0, 1.0);
        let factor = (1.0 + 1.6 * amount * muted * (1.0 - 0.5 * skin)).max(0.0);
        [lightness, a * factor, b * factor]
    })
}

/// All hues turned.
pub(super) fn hue<'a>(degrees: f32) -> Step<'a> {
    let (sine, cosine) = degrees.to_radians().sin_cos();
    Step::lab(move |[lightness, a, b], _| [lightness, a * cosine - b * sine, a * sine + b * cosine])
}

/// Monochrome: light mixed from the channels as through a filter, from −1 (bluish) to 1 (reddish); 0 is luminance.
pub(super) fn black_and_white<'a>(filter: f32) -> Step<'a> {
    let lean = 0.12 * filter;
    let weights = [0.2126 + lean, 0.7152 - lean.abs() / 2.0, (0.0722 - lean + lean.abs() / 2.0).max(0.0)];
    let sum: f32 = weights.iter().sum();
    let weights = weights.map(|weight| weight / sum);
    Step::linear(move |rgb, _| [rgb[0] * weights[0] + rgb[1] * weights[1] + rgb[2] * weights[2]; 3])
}

/// `share` of the way to brown toning: chroma is that of an albumen print, strongest in the middle tones.
pub(super) fn sepia<'a>(share: f32) -> Step<'a> {
    let share = share.clamp(0.0, 1.2);
    Step::lab(move |[lightness, a, b], _| {
        let strength = (lightness * (1.05 - lightness) * 4.0).clamp(0.0, 1.0);
        let kept = (1.0 - share).max(0.0);
        [lightness, a * kept + 0.018 * strength * share, b * kept + 0.062 * strength * share]
    })
}

/// OKLab of a named colour, as most people would paint it.
fn oklab_of(colour: Colour) -> [f32; 3] {
    let srgb: [u8; 3] = match colour {
        Colour::Red => [214, 38, 38],
        Colour::Orange => [240, 135, 30],
        Colour::Yellow => [240, 210, 40],
        Colour::Green => [50, 155, 60],
        Colour::Teal => [20, 140, 140],
        Colour::Cyan => [40, 195, 220],
        Colour::Blue => [40, 85, 205],
        Colour::Purple => [125, 60, 180],
        Colour::Magenta => [205, 45, 170],
        Colour::Pink => [240, 140, 175],
        Colour::Brown => [125, 80, 45],
        Colour::Beige => [220, 200, 165],
        Colour::Gold => [212, 165, 45],
        Colour::White => [245, 245, 245],
        Colour::Grey => [128, 128, 128],
        Colour::Black => [22, 22, 22],
        Colour::Rgb(r, g, b) => [r, g, b],
    };
    oklab_from_linear(srgb.map(|value| linear_from_srgb(f32::from(value) / 255.0)))
}

/// What is in the mask takes on a colour, `pull` of the way: hue and chroma are the colour's, chroma varying as it did, light and
/// shade stay but for a shift of the whole towards the colour's own lightness.
pub(super) fn recolour<'a>(to: Colour, pull: f32, mask: Option<&'a [f32]>) -> Step<'a> {
    let target = oklab_of(to);
    Step::Whole(Box::new(move |pixels: Pixels| {
        let (mean_lightness, mean_chroma) = means(&pixels, mask);
        let target_chroma = target[1].hypot(target[2]);
        let is_neutral = target_chroma < 0.03;
        // A neutral colour is told by its lightness alone, so the whole goes further towards it.
        let towards = if is_neutral { 0.85 } else { 0.35 };
        let shift = towards * (target[0] - mean_lightness);
        let step = Step::lab(move |[lightness, a, b], _| {
            let texture = if mean_chroma > 0.01 { (a.hypot(b) / mean_chroma).clamp(0.3, 1.7) } else { 1.0 };
            let chroma = if is_neutral { 0.0 } else { 0.5 + 0.5 * texture };
            // Near black and white there is no room for colour.
            let room = ((1.0 - lightness) * 6.0).min(lightness * 5.0).clamp(0.0, 1.0);
            let scale = chroma * room;
            let new = [(lightness + shift * room.max(0.3)).clamp(0.0, 1.0), target[1] * scale, target[2] * scale];
            let old = [lightness, a, b];
            std::array::from_fn(|place| old[place] + pull * (new[place] - old[place]))
        });
        super::step::apply(pixels, step)
    }))
}

/// Mean lightness and chroma under the mask, over a grid of at most about 40,000 pixels.
fn means(pixels: &Pixels, mask: Option<&[f32]>) -> (f32, f32) {
    let stride = (pixels.rgb().len() / 40_000).max(1);
    let (mut lightness, mut chroma, mut weight) = (0.0_f64, 0.0_f64, 1e-9_f64);
    for index in (0..pixels.rgb().len()).step_by(stride) {
        let share = mask.map_or(1.0, |mask| f64::from(mask[index]));
        let [l, a, b] = oklab_from_linear(pixels.rgb()[index]);
        lightness += share * f64::from(l);
        chroma += share * f64::from(a.hypot(b));
        weight += share;
    }
    ((lightness / weight) as f32, (chroma / weight) as f32)
}

/// Brings colours back into sRGB where an edit has pushed them out: chroma gives way, hue stays, lightness nearly so. Colours that
/// were outside before the edit began (a wide-gamut photograph) may stay as far out as `limit`.
pub(super) fn into_gamut(pixels: &mut Pixels, limit: f32) {
    pixels.rgb_mut().par_chunks_mut(4096).for_each(|colours| {
        for colour in colours {
            if colour.iter().any(|value| *value < -limit || *value > 1.0 + limit) {
                *colour = fitted(*colour, limit);
            }
        }
    });
}

fn fitted(colour: [f32; 3], limit: f32) -> [f32; 3] {
    let [lightness, a, b] = oklab_from_linear(colour.map(|value| if value.is_finite() { value } else { 0.0 }));
    let lightness = lightness.clamp(0.0, 1.0);
    let inside = |rgb: &[f32; 3]| rgb.iter().all(|value| (-limit..=1.0 + limit).contains(value));
    let (mut low, mut high) = (0.0_f32, 1.0_f32);
    for _ in 0..8 {
        let middle = f32::midpoint(low, high);
        if inside(&linear_from_oklab([lightness, a * middle, b * middle])) {
            low = middle;
        } else {
            high = middle;
        }
    }
    linear_from_oklab([lightness, a * low, b * low]).map(|value| value.clamp(-limit, 1.0 + limit))
}
