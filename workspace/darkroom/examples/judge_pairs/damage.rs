//! Damage: what nobody asks for and everybody sees.

use editscale_core::Seed;
use editscale_darkroom::mask::Scene;
use editscale_darkroom::plan::{Amount, Change, Direction, Quantity, Region};
use editscale_picture::{
    EncodeOptions, Format, Limits, Metadata, Pixels, decode, encode, linear_from_srgb, srgb_from_linear,
};

use crate::Result;
use crate::draw::Draw;
use crate::edits::{Move, carry_out};

/// A way to spoil a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Harm {
    /// Independent noise in every channel.
    Noise,
    /// Few levels a channel.
    Banding,
    /// Dark and bright tones cut off.
    Clipping,
    /// Loss of detail.
    Blur,
    /// Strong JPEG compression.
    Jpeg,
}

impl Harm {
    pub(crate) const ALL: [Self; 5] = [Self::Noise, Self::Banding, Self::Clipping, Self::Blur, Self::Jpeg];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Noise => "noise",
            Self::Banding => "banding",
            Self::Clipping => "clipping",
            Self::Blur => "blur",
            Self::Jpeg => "jpeg",
        }
    }
}

/// A harm and how bad it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Damage {
    pub(crate) harm: Harm,
    /// In 0..=1.
    pub(crate) severity: f32,
}

impl Damage {
    pub(crate) fn draw(draw: &mut Draw) -> Self {
        Self { harm: draw.one(&Harm::ALL), severity: draw.between(0.15, 1.0) }
    }

    /// The picture with the damage done.
    pub(crate) fn done_to(self, pixels: &Pixels, seed: Seed) -> Result<Pixels> {
        let severity = self.severity;
        match self.harm {
            Harm::Noise => Ok(noisy(pixels, 0.05 + 0.14 * severity, seed)),
            Harm::Banding => {
                let steps = (6.0 - 4.5 * severity).round().max(1.0);
                Ok(each_value(pixels, |value| (value * steps).round() / steps))
            }
            Harm::Clipping => {
                let cut = 0.08 + 0.22 * severity;
                Ok(each_value(pixels, |value| (value - cut) / (1.0 - 2.0 * cut)))
            }
            Harm::Blur => blurred(pixels, 1.2 + 3.3 * severity, seed),
            Harm::Jpeg => compressed(pixels, (26.0 - 21.0 * severity) as u8),
        }
    }
}

/// The picture with a function carried out on every sRGB value.
fn each_value(pixels: &Pixels, change: impl Fn(f32) -> f32) -> Pixels {
    let mut changed = pixels.clone();
    for value in changed.rgb_mut().iter_mut().flatten() {
        *value = linear_from_srgb(change(srgb_from_linear(value.clamp(0.0, 1.0))).clamp(0.0, 1.0));
    }
    changed
}

/// Noise of a standard deviation in sRGB values; the sum of four uniform numbers is near enough to normal.
fn noisy(pixels: &Pixels, deviation: f32, seed: Seed) -> Pixels {
    let mut draw = Draw::new(seed);
    let mut changed = pixels.clone();
    for value in changed.rgb_mut().iter_mut().flatten() {
        let normal = (0..4).map(|_| draw.unit()).sum::<f32>() - 2.0;
        let noisy = srgb_from_linear(value.clamp(0.0, 1.0)) + normal * 1.732 * deviation;
        *value = linear_from_srgb(noisy.clamp(0.0, 1.0));
    }
    changed
}

fn blurred(pixels: &Pixels, factor: f32, seed: Seed) -> Result<Pixels> {
    let change = Change::Adjust { quantity: Quantity::Blur, direction: Direction::More, amount: Amount::Plain };
    let blur = Move { change, region: Region::default(), factor };
    carry_out(pixels, &Scene::analyse(pixels), &[blur], seed)
}

fn compressed(pixels: &Pixels, quality: u8) -> Result<Pixels> {
    let options = EncodeOptions { format: Format::Jpeg, quality, deep: false, keep_metadata: false };
    let bytes = encode(pixels, &Metadata::default(), options)?;
    Ok(decode(&bytes, &Limits::default())?.pixels)
}
