//! How well an OKLab colour answers to a colour's name.

use editscale_picture::{delta_e_ok, linear_from_srgb, oklab_from_linear};

use crate::curve::rise;
use crate::plan::Colour;

/// The hue in degrees that a chromatic name is at the middle of, and how far it reaches to either side.
fn hue_range(colour: Colour) -> Option<(f32, f32)> {
    Some(match colour {
        Colour::Red => (27.0, 14.0),
        Colour::Orange => (58.0, 20.0),
        Colour::Brown => (58.0, 32.0),
        Colour::Gold | Colour::Beige => (85.0, 25.0),
        Colour::Yellow => (102.0, 20.0),
        Colour::Green => (140.0, 34.0),
        Colour::Teal => (190.0, 22.0),
        Colour::Cyan => (212.0, 24.0),
        Colour::Blue => (255.0, 34.0),
        Colour::Purple => (305.0, 24.0),
        Colour::Magenta => (335.0, 22.0),
        Colour::Pink => (2.0, 32.0),
        Colour::White | Colour::Grey | Colour::Black | Colour::Rgb(..) => return None,
    })
}

/// The hue in degrees that a name is told by, where hue alone tells it: "bluer" is a lean towards it. Brown, pink and their like are told
/// by their shade as well.
pub(crate) fn hue_of(colour: Colour) -> Option<f32> {
    let is_told_by_shade = matches!(colour, Colour::Brown | Colour::Gold | Colour::Beige | Colour::Pink);
    hue_range(colour).filter(|_| !is_told_by_shade).map(|(middle, _)| middle)
}

/// The distance between two hues in degrees, 0..=180.
pub(crate) fn hue_distance(one: f32, other: f32) -> f32 {
    let distance = (one - other).rem_euclid(360.0);
    distance.min(360.0 - distance)
}

/// How strictly a colour is held to a name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strictness {
    /// The chroma that counts as full: a dull red in a dull picture is still its red.
    pub(crate) vivid: f32,
    /// Degrees of hue by which the name reaches further than in its narrowest sense.
    pub(crate) slack: f32,
}

/// How well a colour answers to a name, 0..=1.
pub(crate) fn answers(lab: [f32; 3], colour: Colour, strictness: Strictness) -> f32 {
    let Strictness { vivid, slack } = strictness;
    let [lightness, a, b] = lab;
    let chroma = a.hypot(b);
    if let Colour::Rgb(red, green, blue) = colour {
        let target = oklab_from_linear([red, green, blue].map(|value| linear_from_srgb(f32::from(value) / 255.0)));
        let distance = delta_e_ok(lab, target);
        return rise(0.35, 0.08, distance);
    }
    let Some((middle, reach)) = hue_range(colour) else {
        let neutral = rise(0.09, 0.03, chroma);
        return neutral
            * match colour {
                Colour::White => rise(0.68, 0.86, lightness),
                Colour::Black => rise(0.36, 0.2, lightness),
                _ => rise(0.15, 0.3, lightness) * rise(0.92, 0.8, lightness),
            };
    };
    let hue = b.atan2(a).to_degrees();
    let near = rise(reach + slack + 14.0, reach * 0.7 + slack, hue_distance(hue, middle));
    let coloured = rise(0.25 * vivid, 0.6 * vivid, chroma);
    near * coloured * shade(colour, lightness, chroma)
}

/// What tells names of one hue apart: brown is dark orange, pink is light red, beige is pale gold.
fn shade(colour: Colour, lightness: f32, chroma: f32) -> f32 {
    match colour {
        Colour::Brown => rise(0.68, 0.55, lightness),
        Colour::Orange => rise(0.42, 0.55, lightness),
        Colour::Pink => rise(0.55, 0.68, lightness),
        Colour::Red => rise(0.88, 0.76, lightness),
        Colour::Beige => rise(0.6, 0.75, lightness) * rise(0.13, 0.08, chroma),
        Colour::Yellow => rise(0.5, 0.65, lightness),
        _ => 1.0,
    }
}

/// The least chroma that may count as full: what lies under it is grey to everybody.
const LEAST_VIVID: f32 = 0.07;

/// The chroma that counts as full in a picture: that of its most colourful tenth, within bounds.
pub(super) fn vivid(lab: &[[f32; 3]]) -> f32 {
    let mut chroma: Vec<f32> = lab.iter().map(|lab| lab[1].hypot(lab[2])).collect();
    chroma.sort_by(f32::total_cmp);
    let high = chroma.get(chroma.len() * 9 / 10).copied().unwrap_or(0.0);
    high.clamp(LEAST_VIVID, 0.16)
}
