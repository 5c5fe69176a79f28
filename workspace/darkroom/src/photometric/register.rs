//! Where the edited picture's pixels lie in the source: by trying what the instruction asks of the frame, and what it may have been
//! mistaken for.

use editscale_picture::{Pixels, oklab_from_linear};

use super::view::View;
use crate::operations::geometry;
use crate::plan::{Aspect, Axis, Change, Plan};
use crate::planes::{gaussian, lightness_plane};

/// The longer edge of the pictures that are compared for registration.
const EDGE: u32 = 160;

/// A source brought into the edited picture's frame, and how well that fits.
pub(super) struct Registered {
    /// The source's OKLab colours at the edited view's size.
    pub(super) lab: Vec<[f32; 3]>,
    /// The fit of the frame that was asked for, −1..=1.
    pub(super) fit: f32,
    /// The best fit among the frames that were not asked for.
    pub(super) rival: f32,
    /// Whether the frame changed at all.
    pub(super) moves: bool,
}

/// What a plan asks of the frame.
fn frame_changes(plan: &Plan) -> Vec<Change> {
    plan.edits.iter().map(|edit| edit.change).filter(|change| change.moves_the_frame()).collect()
}

/// Brings the source into the frame that the plan asks for, as far as the edited picture bears it out.
pub(super) fn register(source: &View, edited: &View, plan: &Plan) -> Registered {
    let changes = frame_changes(plan);
    if changes.is_empty() {
        let lab = source.at_size_of(edited);
        return Registered { lab, fit: 1.0, rival: -1.0, moves: false };
    }
    let target = gradients(&edited.small.reduced(EDGE));
    let asked = best_of(&source.small, &changes, &target);
    let rivals = rivals(&changes).into_iter().map(|changes| best_of(&source.small, &changes, &target).1);
    let rival = rivals.fold(-1.0, f32::max);
    let framed = asked.0.resized(edited.width as u32, edited.height as u32);
    let lab = framed.rgb().iter().map(|rgb| oklab_from_linear(*rgb)).collect();
    Registered { lab, fit: asked.1, rival, moves: true }
}

/// Frames that the edit may have been mistaken for: none at all, and the opposite of each change.
fn rivals(changes: &[Change]) -> Vec<Vec<Change>> {
    let mut rivals = vec![Vec::new()];
    for (index, change) in changes.iter().enumerate() {
        let opposite = match change {
            Change::Rotate { degrees } if (degrees.abs() - 180.0).abs() > 1.0 => Change::Rotate { degrees: -degrees },
            Change::Rotate { .. } => Change::Flip(Axis::Vertical),
            Change::Flip(Axis::Horizontal) => Change::Flip(Axis::Vertical),
            Change::Flip(Axis::Vertical) => Change::Flip(Axis::Horizontal),
            _ => continue,
        };
        let mut rival = changes.to_vec();
        rival[index] = opposite;
        rivals.push(rival);
    }
    rivals
}

/// The source after some frame changes, with what they leave open chosen to fit, and the fit.
fn best_of(source: &Pixels, changes: &[Change], target: &Gradients) -> (Pixels, f32) {
    let mut best = (source.clone(), -1.0);
    for candidate in variants(source, changes) {
        let fit = target.fit(&gradients(&candidate.resized(target.width as u32, target.height as u32)));
        if fit > best.1 {
            best = (candidate, fit);
        }
    }
    best
}

/// Pictures that are held and compared at a time.
const MOST_VARIANTS: usize = 64;

/// What the changes can lead to: places of a crop, angles near a stated one.
fn variants(source: &Pixels, changes: &[Change]) -> Vec<Pixels> {
    let mut pictures = vec![source.clone()];
    for change in changes {
        // Taken as they are made: a levelled picture has 49 variants, and each of them ten when it is turned.
        pictures = pictures.iter().flat_map(|picture| variants_of(picture, *change)).take(MOST_VARIANTS).collect();
    }
    pictures
}

fn variants_of(picture: &Pixels, change: Change) -> Vec<Pixels> {
    match change {
        Change::Flip(axis) => vec![geometry::flip(picture, axis)],
        Change::Rotate { degrees } => {
            let is_right_angle = (degrees / 90.0).fract().abs() < 1e-3;
            if is_right_angle {
                return vec![geometry::rotate(picture, degrees)];
            }
            [-2.0, -1.0, 0.0, 1.0, 2.0]
                .into_iter()
                .flat_map(|off| {
                    let turned = geometry::rotate(picture, degrees + off);
                    let wide = uncropped(picture, degrees + off);
                    [Some(turned), wide].into_iter().flatten()
                })
                .collect()
        }
        Change::Straighten => (-24..=24).map(|half| geometry::rotate(picture, half as f32 / 2.0)).collect(),
        Change::Crop { aspect } => crops(picture, aspect),
        _ => vec![picture.clone()],
    }
}

/// A turned picture that keeps its size, its corners filled from its edges: how some programs turn.
fn uncropped(picture: &Pixels, degrees: f32) -> Option<Pixels> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let (sine, cosine) = degrees.to_radians().sin_cos();
    let from = |x: usize, y: usize| {
        let (x, y) = (x as f32 - width as f32 / 2.0, y as f32 - height as f32 / 2.0);
        let (x, y) = (x * cosine + y * sine + width as f32 / 2.0, y * cosine - x * sine + height as f32 / 2.0);
        let (x, y) = (x.clamp(0.0, width as f32 - 1.0) as usize, y.clamp(0.0, height as f32 - 1.0) as usize);
        picture.rgb()[y * width + x]
    };
    let rgb = (0..width * height).map(|index| from(index % width, index / width)).collect();
    Pixels::new(picture.width(), picture.height(), rgb)
}

/// The largest windows of an aspect ratio, at several places along the free axis.
fn crops(picture: &Pixels, aspect: Aspect) -> Vec<Pixels> {
    (-3..=3).filter_map(|place| window(picture, aspect, place as f32 / 3.0)).collect()
}

fn window(picture: &Pixels, aspect: Aspect, place: f32) -> Option<Pixels> {
    let wanted = f32::from(aspect.width) / f32::from(aspect.height);
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let (across, down) = if width / height > wanted { (height * wanted, height) } else { (width, width / wanted) };
    let (across, down) = ((across as u32).max(1), (down as u32).max(1));
    let start = |whole: u32, part: u32| ((whole - part) as f32 * (place + 1.0) / 2.0) as usize;
    let (left, top) = (start(picture.width(), across), start(picture.height(), down));
    let row = |y: usize| {
        let begin = (top + y) * picture.width() as usize + left;
        picture.rgb()[begin..begin + across as usize].iter().copied()
    };
    Pixels::new(across, down, (0..down as usize).flat_map(row).collect())
}

/// A picture's lightness gradients, which hold its structure whatever its tones.
pub(super) struct Gradients {
    width: usize,
    height: usize,
    values: Vec<(f32, f32)>,
}

pub(super) fn gradients(pixels: &Pixels) -> Gradients {
    let (width, height) = (pixels.width() as usize, pixels.height() as usize);
    let lightness = gaussian(&lightness_plane(pixels), width, 1.0);
    let at = |x: usize, y: usize| lightness[y.min(height - 1) * width + x.min(width - 1)];
    let values = (0..width * height)
        .map(|index| {
            let (x, y) = (index % width, index / width);
            (at(x + 1, y) - at(x, y), at(x, y + 1) - at(x, y))
        })
        .collect();
    Gradients { width, height, values }
}

impl Gradients {
    /// Across and down, a pixel.
    pub(super) fn values(&self) -> &[(f32, f32)] {
        &self.values
    }

    /// The correlation of two pictures' gradients: 1 the same structure, 0 none in common.
    fn fit(&self, other: &Self) -> f32 {
        let (mut cross, mut one, mut two) = (0.0_f32, 1e-9_f32, 1e-9_f32);
        for (a, b) in self.values.iter().zip(&other.values) {
            cross += a.0 * b.0 + a.1 * b.1;
            one += a.0 * a.0 + a.1 * a.1;
            two += b.0 * b.0 + b.1 * b.1;
        }
        cross / (one * two).sqrt()
    }
}
