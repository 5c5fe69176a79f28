//! A plan carried out on a picture.

use editscale_picture::Pixels;
use thiserror::Error;

use super::quantities::{adjust, size};
use super::step::{Step, apply, mix};
use super::{Choices, colour, geometry, quantities, tone};
use crate::mask::{MaskChoice, RegionError, Scene, find};
use crate::plan::{Amount, Change, Edit, Plan};

/// What is to be developed.
pub struct Job<'a> {
    /// The request's source: regions are found in it.
    pub source: &'a Pixels,
    /// What the source shows.
    pub scene: &'a Scene,
    /// What to start from: the source, or a candidate.
    pub start: &'a Pixels,
    /// What is asked for.
    pub plan: &'a Plan,
    /// What the instruction leaves open, decided.
    pub choices: &'a Choices,
    /// Where editing is allowed, one value a pixel of `start`, 1 = edit here.
    pub mask: Option<&'a [f32]>,
    /// Whether `start` carries the plan already and is only to be corrected: amounts become small corrections either way, and what
    /// cannot be done by halves (turns, mirrors, crops, inversion) is not done again.
    pub touch_up: bool,
    /// Asked between the steps: whether to give up.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
}

impl std::fmt::Debug for Job<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("plan", self.plan).field("choices", self.choices).finish_non_exhaustive()
    }
}

/// Why a plan cannot be carried out on a picture.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum DevelopError {
    /// What the instruction speaks of is not in the picture.
    #[error(transparent)]
    Region(#[from] RegionError),
    /// There is nothing to level.
    #[error("cannot straighten the picture: no horizon or upright line stands out in it")]
    NothingTilted,
    /// A mask and an edit that moves pixels.
    #[error("cannot turn, mirror or crop a part of the picture: a mask is given")]
    MaskedGeometry,
    /// A part of the picture named with an edit that moves pixels.
    #[error("cannot turn, mirror or crop a part of the picture: leave the region out")]
    RegionGeometry,
    /// Somebody gave up.
    #[error("the edit was cancelled")]
    Cancelled,
}

/// When an edit is carried out: noise goes first, before anything amplifies it; looks come after the tones they are made of;
/// frame and texture last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Cleaning,
    Colour,
    Look,
    Detail,
    Geometry,
    Finish,
}

fn stage(edit: &Edit) -> Stage {
    match edit.change {
        Change::Adjust { quantity, .. } => quantities::stage(quantity),
        Change::BlackAndWhite | Change::Invert | Change::Posterise { .. } => Stage::Look,
        Change::Hue { .. } | Change::Recolour { .. } => Stage::Colour,
        Change::Rotate { .. } | Change::Straighten | Change::Flip(_) | Change::Crop { .. } => Stage::Geometry,
    }
}

/// Carries out a plan.
///
/// Edits of one stage that stand at liberty (tones and colours of the whole picture) are carried out in an order that the choices
/// decide; all others in the order of the text. Equal jobs give equal bits.
pub fn develop(job: &Job<'_>) -> Result<Pixels, DevelopError> {
    carry_out(job, |_, error| Err(error))
}

/// Carries out those edits of a plan that the picture allows: what else is asked for is handed to `leave_out`, with the reason.
///
/// # Errors
///
/// As [`develop`], but for what the picture does not show; that where nothing at all could be carried out.
pub fn develop_parts(job: &Job<'_>, mut leave_out: impl FnMut(&Edit, &DevelopError)) -> Result<Pixels, DevelopError> {
    let mut remaining = job.plan.edits.len();
    carry_out(job, |edit, error| {
        remaining -= 1;
        if remaining == 0 || !matches!(error, DevelopError::Region(_) | DevelopError::NothingTilted) {
            return Err(error);
        }
        leave_out(edit, &error);
        Ok(())
    })
}

/// Carries out a plan; of each edit that cannot be, `decide` says whether that ends it.
fn carry_out(
    job: &Job<'_>,
    mut decide: impl FnMut(&Edit, DevelopError) -> Result<(), DevelopError>,
) -> Result<Pixels, DevelopError> {
    let mut edits: Vec<(usize, &Edit)> = job.plan.edits.iter().enumerate().collect();
    edits.sort_by_key(|(index, edit)| {
        let stage = stage(edit);
        let is_free = stage == Stage::Colour && edit.region.is_everywhere();
        (stage, if is_free { job.choices.order(*index) } else { *index as u64 })
    });
    let moves = edits.iter().any(|(_, edit)| edit.change.moves_the_frame()) && !job.touch_up;
    if moves && job.mask.is_some() {
        return Err(DevelopError::MaskedGeometry);
    }
    let limit = out_of_gamut(job.start);
    let mut pixels = job.start.clone();
    for (index, edit) in &edits {
        if (job.cancelled)() {
            return Err(DevelopError::Cancelled);
        }
        if edit.change.moves_the_frame() {
            if job.touch_up {
                continue;
            }
            match move_pixels(&pixels, job, *index, edit) {
                Ok(moved) => pixels = moved,
                Err(error) => decide(edit, error)?,
            }
        } else {
            match place(&pixels, job, edit) {
                Ok(mask) => pixels = repaint(pixels, step(job, *index, edit, mask.as_deref()), mask.as_deref()),
                Err(error) => decide(edit, error)?,
            }
        }
    }
    colour::into_gamut(&mut pixels, limit);
    Ok(match job.mask {
        Some(mask) if pixels.rgb().len() == mask.len() => mix(job.start, pixels, mask),
        _ => pixels,
    })
}

/// How far outside sRGB the picture's colours already are, over a grid; they may stay so.
fn out_of_gamut(pixels: &Pixels) -> f32 {
    let stride = (pixels.rgb().len() / 100_000).max(1);
    let beyond = |value: &f32| (value - 1.0).max(-value).max(0.0);
    let most = pixels.rgb().iter().step_by(stride).flatten().map(beyond).fold(0.0, f32::max);
    if most < 1e-3 { 0.0 } else { most.min(1.0) }
}

fn move_pixels(pixels: &Pixels, job: &Job<'_>, index: usize, edit: &Edit) -> Result<Pixels, DevelopError> {
    if !edit.region.is_everywhere() {
        return Err(DevelopError::RegionGeometry);
    }
    Ok(match edit.change {
        Change::Rotate { degrees } => geometry::rotate(pixels, degrees),
        Change::Flip(axis) => geometry::flip(pixels, axis),
        Change::Crop { aspect } => geometry::crop(pixels, aspect, job.choices.detail(index)),
        Change::Straighten => {
            let tilt = geometry::tilt(pixels).ok_or(DevelopError::NothingTilted)?;
            if tilt.abs() < 0.2 { pixels.clone() } else { geometry::rotate(pixels, tilt) }
        }
        _ => pixels.clone(),
    })
}

/// Where an edit is to be, one value a pixel, 1 = there; nothing where it is everywhere.
fn place(pixels: &Pixels, job: &Job<'_>, edit: &Edit) -> Result<Option<Vec<f32>>, DevelopError> {
    if edit.region.is_everywhere() {
        return Ok(None);
    }
    let choice = MaskChoice { threshold: job.choices.mask_threshold, softness: job.choices.mask_softness };
    // A candidate of another frame than the source has lost the source's places: its own are looked for instead.
    let same_frame = (pixels.width(), pixels.height()) == (job.source.width(), job.source.height());
    Ok(Some(if same_frame {
        find(job.scene, &edit.region, choice)?.refine(job.source)
    } else {
        find(&Scene::analyse(pixels), &edit.region, choice)?.refine(pixels)
    }))
}

fn repaint(pixels: Pixels, step: Option<Step<'_>>, mask: Option<&[f32]>) -> Pixels {
    match (step, mask) {
        (Some(step), Some(mask)) => mix(&pixels, apply(pixels.clone(), step), mask),
        (Some(step), None) => apply(pixels, step),
        (None, _) => pixels,
    }
}

/// An edit made ready; nothing where a touch-up has nothing to do.
fn step<'a>(job: &Job<'_>, index: usize, edit: &Edit, mask: Option<&'a [f32]>) -> Option<Step<'a>> {
    let choices = job.choices;
    let factor = if job.touch_up { choices.touch_up(index) } else { choices.strength(index) };
    Some(match edit.change {
        Change::Adjust { quantity, direction, amount } => {
            let size = size(quantity, amount);
            adjust(quantity, direction.sign() * size * factor_of(amount, factor, job.touch_up), choices, index)
        }
        Change::Hue { degrees } => {
            let open = 40.0 * (if choices.detail(index) < 0.0 { -1.0 } else { 1.0 }) * factor;
            colour::hue(degrees.map_or(open, |degrees| degrees * exactly(factor, job.touch_up)))
        }
        Change::BlackAndWhite => unless(job.touch_up, || colour::black_and_white(choices.detail(index)))?,
        Change::Invert => unless(job.touch_up, tone::invert)?,
        Change::Posterise { levels } => tone::posterise(levels.unwrap_or(if factor < 0.9 { 6 } else { 4 })),
        Change::Recolour { to, amount } => {
            let strength = if job.touch_up { factor.abs() } else { 1.0 - 0.5 * (1.0 - factor).max(0.0) };
            colour::recolour(to, (pull(amount) * strength).clamp(0.0, 1.0), mask)
        }
        _ => return None,
    })
}

/// What cannot be done by halves is not done again.
fn unless<'a>(touch_up: bool, step: impl FnOnce() -> Step<'a>) -> Option<Step<'a>> {
    (!touch_up).then(step)
}

/// A number that the text states is kept more nearly than a word.
fn exactly(factor: f32, touch_up: bool) -> f32 {
    if touch_up { 0.3 * factor } else { factor.powf(0.4) }
}

fn factor_of(amount: Amount, factor: f32, touch_up: bool) -> f32 {
    match amount {
        Amount::Share(_) | Amount::Stops(_) => exactly(factor, touch_up),
        _ => factor,
    }
}

/// The pull of a recolouring, 0..=1.
fn pull(amount: Amount) -> f32 {
    match amount {
        Amount::Slight => 0.35,
        Amount::Plain | Amount::Stops(_) => 0.9,
        Amount::Strong | Amount::Extreme => 1.0,
        Amount::Share(share) => share.clamp(0.0, 1.0),
    }
}
