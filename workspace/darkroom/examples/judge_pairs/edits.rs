//! Edits as they are carried out: by exactly how much, and where.

use editscale_core::{KnobName, Knobs, Seed};
use editscale_darkroom::mask::Scene;
use editscale_darkroom::operations::{Choices, Job, develop};
use editscale_darkroom::plan::{Amount, Change, Direction, Edit, Plan, Quantity, Region};
use editscale_picture::Pixels;

use crate::Result;

/// An edit carried out by a multiple of what its words ask for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Move {
    pub(crate) change: Change,
    pub(crate) region: Region,
    /// 1 = as much as the words ask for.
    pub(crate) factor: f32,
}

impl Move {
    pub(crate) fn of(edit: &Edit, factor: f32) -> Self {
        Self { change: edit.change, region: edit.region.clone(), factor }
    }

    /// By how much, in plain amounts of its kind; negative for less.
    pub(crate) fn size(&self) -> f32 {
        size(self.change, self.factor)
    }
}

/// How much a change is, in plain amounts of its kind; negative for less. What can be done at most bounds it.
pub(crate) fn size(change: Change, factor: f32) -> f32 {
    match change {
        Change::Adjust { quantity, direction, amount } => {
            let size = multiple(amount) * factor;
            match (quantity, direction) {
                // Without any colour, and fully toned.
                (Quantity::Saturation, Direction::Less) => -size.min(2.5),
                (Quantity::Sepia, Direction::More) => size.min(1.2),
                (Quantity::Blur | Quantity::Denoise, Direction::Less) => size,
                (Quantity::Blur | Quantity::Denoise, Direction::More) | (_, Direction::Less) => -size,
                _ => size,
            }
        }
        Change::Recolour { .. } => factor.min(1.1),
        Change::Hue { .. } => factor,
        _ => 1.0,
    }
}

/// The words' amounts as multiples of the plain one, as the darkroom takes them.
fn multiple(amount: Amount) -> f32 {
    match amount {
        Amount::Slight => 0.4,
        Amount::Strong => 1.8,
        Amount::Extreme => 3.0,
        _ => 1.0,
    }
}

/// What a change moves. Blurring is sharpening the other way, and noise is grain that is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moved {
    Exposure,
    Contrast,
    Highlights,
    Shadows,
    Warmth,
    Tint,
    Saturation,
    Fade,
    Sepia,
    Sharpness,
    Grain,
    Vignette,
    Hue,
    BlackAndWhite,
    Invert,
    Posterise,
    Recolour,
    Rotate,
    Flip,
    Crop,
}

impl Moved {
    pub(crate) fn by(change: Change) -> Self {
        match change {
            Change::Adjust { quantity, .. } => Self::by_quantity(quantity),
            Change::Hue { .. } => Self::Hue,
            Change::BlackAndWhite => Self::BlackAndWhite,
            Change::Invert => Self::Invert,
            Change::Posterise { .. } => Self::Posterise,
            Change::Recolour { .. } => Self::Recolour,
            Change::Rotate { .. } | Change::Straighten => Self::Rotate,
            Change::Flip(_) => Self::Flip,
            Change::Crop { .. } => Self::Crop,
        }
    }

    fn by_quantity(quantity: Quantity) -> Self {
        match quantity {
            Quantity::Exposure => Self::Exposure,
            Quantity::Contrast => Self::Contrast,
            Quantity::Highlights => Self::Highlights,
            Quantity::Shadows => Self::Shadows,
            Quantity::Warmth => Self::Warmth,
            Quantity::Tint => Self::Tint,
            Quantity::Saturation | Quantity::Vibrance => Self::Saturation,
            Quantity::Fade => Self::Fade,
            Quantity::Sepia => Self::Sepia,
            Quantity::Sharpness | Quantity::Blur => Self::Sharpness,
            Quantity::Denoise | Quantity::Grain => Self::Grain,
            Quantity::Vignette => Self::Vignette,
        }
    }

    /// As the lines of the pairs name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Exposure => "exposure",
            Self::Contrast => "contrast",
            Self::Highlights => "highlights",
            Self::Shadows => "shadows",
            Self::Warmth => "warmth",
            Self::Tint => "tint",
            Self::Saturation => "saturation",
            Self::Fade => "fade",
            Self::Sepia => "sepia",
            Self::Sharpness => "sharpness",
            Self::Grain => "grain",
            Self::Vignette => "vignette",
            Self::Hue => "hue",
            Self::BlackAndWhite => "black and white",
            Self::Invert => "invert",
            Self::Posterise => "posterise",
            Self::Recolour => "recolour",
            Self::Rotate => "rotate",
            Self::Flip => "flip",
            Self::Crop => "crop",
        }
    }
}

/// Choices whose strength is `factor` (0.15..=7 can be had) and whose rest (curves, edges of regions, noise) is the seed's.
fn choices(factor: f32, seed: Seed) -> Result<Choices> {
    for n in 0..256 {
        let seed = seed.mix(n);
        let drawn = Choices::draw(seed, &Knobs::default()).strength(0);
        let knob = f64::from(factor / drawn);
        if (0.25..=4.0).contains(&knob) {
            let mut knobs = Knobs::default();
            knobs.set(KnobName::new("strength")?, knob)?;
            return Ok(Choices::draw(seed, &knobs));
        }
    }
    Err(format!("no seed reaches {factor} times the asked amount").into())
}

/// Carries out one move after the other. Regions are those of the source.
pub(crate) fn carry_out(source: &Pixels, scene: &Scene, moves: &[Move], seed: Seed) -> Result<Pixels> {
    let mut pixels = source.clone();
    for (n, step) in moves.iter().enumerate() {
        let (change, factor) = match step.change {
            // A plain recolouring is a pull of nine tenths.
            Change::Recolour { to, .. } => {
                (Change::Recolour { to, amount: Amount::Share(0.9 * step.factor.min(1.1)) }, 1.0)
            }
            change => (change, step.factor),
        };
        let edit = Edit { change, region: step.region.clone(), words: 0..0 };
        pixels = develop(&Job {
            source,
            scene,
            start: &pixels,
            plan: &Plan { edits: vec![edit], ..Plan::default() },
            choices: &choices(factor, seed.mix(n as u64))?,
            mask: None,
            touch_up: false,
            cancelled: &|| false,
        })?;
    }
    Ok(pixels)
}
