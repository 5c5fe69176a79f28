//! The mask of a region: the evidence for each thing that the region names, multiplied, and decided softly.

use editscale_picture::Pixels;
use rayon::prelude::*;
use thiserror::Error;

use super::Scene;
use super::colours::{Strictness, answers, hue_distance, vivid};
use super::sky::{Sky, sky};
use crate::curve::rise;
use crate::plan::{Colour, Position, Region, Subject, Tone};
use crate::planes::{GuidedFilter, gaussian, lightness_plane};

/// How evidence is decided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MaskChoice {
    /// −1 (little evidence is enough) to 1 (much is needed); 0 as found.
    pub threshold: f32,
    /// The width of the edge, as a multiple: 0.25..=4.
    pub softness: f32,
}

impl MaskChoice {
    /// As found.
    pub const PLAIN: Self = Self { threshold: 0.0, softness: 1.0 };
}

/// A soft mask over a scene's small maps: 1 = in the region.
#[derive(Debug, Clone, PartialEq)]
pub struct Mask {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

/// What an instruction speaks of is not in the picture.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("found no {what} in this picture")]
pub struct RegionError {
    what: String,
}

/// Less than this share of the picture is nothing found.
const LEAST_COVERAGE: f32 = 0.002;

/// The mask of a region.
pub fn find(scene: &Scene, region: &Region, choice: MaskChoice) -> Result<Mask, RegionError> {
    let mut evidence = vec![1.0_f32; scene.lab.len()];
    if let Some(subject) = region.subject {
        multiply(&mut evidence, &subject_evidence(scene, subject));
    }
    if let Some(colour) = region.colour {
        multiply(&mut evidence, &colour_evidence(scene, colour));
    }
    if region.subject == Some(Subject::Object) {
        evidence = largest_parts(scene, &evidence);
    }
    if let Some(tone) = region.tone {
        multiply(&mut evidence, &tone_evidence(scene, tone));
    }
    let is_empty = mean(&evidence) < LEAST_COVERAGE;
    if is_empty && (region.subject.is_some() || region.colour.is_some()) {
        return Err(RegionError { what: name_of(region) });
    }
    if let Some(position) = region.position {
        multiply(&mut evidence, &position_evidence(scene, position));
    }
    let slope = 8.0 / choice.softness.clamp(0.25, 4.0);
    let threshold = 0.42 + 0.22 * choice.threshold.clamp(-1.0, 1.0);
    let decide = |value: f32| {
        let decided = 1.0 / (1.0 + (-(value - threshold) * slope).exp());
        // The ends are stretched so that no evidence is 0 and full evidence 1.
        let (none, full) = (1.0 / (1.0 + (threshold * slope).exp()), 1.0 / (1.0 + (-(1.0 - threshold) * slope).exp()));
        let share = ((decided - none) / (full - none)).clamp(0.0, 1.0);
        if region.inverted { 1.0 - share } else { share }
    };
    let values = evidence.into_iter().map(decide).collect();
    Ok(Mask { width: scene.width, height: scene.height, values })
}

/// What is taken for the thing that a region names, where its colour and place alone tell it, which another thing may have as well;
/// nothing where there is more to go by, or nothing like it.
pub(crate) fn doubt(scene: &Scene, region: &Region) -> Option<String> {
    let (evidence, taken) = match region.subject? {
        Subject::Sky => {
            let Sky { evidence, is_sure } = sky(scene);
            if is_sure {
                return None;
            }
            (evidence, "what lies at the upper edge and has a sky's colours")
        }
        Subject::Skin => (skin(scene), "all that has skin's colours"),
        Subject::Water => (water(scene), "what lies low, and is smooth and bluish or grey"),
        _ => return None,
    };
    let is_there = mean(&evidence) >= LEAST_COVERAGE;
    is_there.then(|| format!("took {taken} for the {}", name_of(region)))
}

fn multiply(evidence: &mut [f32], by: &[f32]) {
    evidence.iter_mut().zip(by).for_each(|(value, by)| *value *= by);
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len().max(1) as f32
}

fn colour_evidence(scene: &Scene, colour: Colour) -> Vec<f32> {
    let strictness = Strictness { vivid: vivid(&scene.lab), slack: 0.0 };
    scene.lab.iter().map(|lab| answers(*lab, colour, strictness)).collect()
}

fn subject_evidence(scene: &Scene, subject: Subject) -> Vec<f32> {
    match subject {
        Subject::Sky => sky(scene).evidence,
        Subject::Greenery => greenery(scene),
        Subject::Water => water(scene),
        Subject::Foreground => scene.saliency.clone(),
        Subject::Background => scene.saliency.iter().map(|value| 1.0 - value).collect(),
        Subject::Skin => skin(scene),
        // An object is told by its colour, which the region names as well.
        Subject::Object => vec![1.0; scene.lab.len()],
    }
}

fn greenery(scene: &Scene) -> Vec<f32> {
    let vivid = vivid(&scene.lab).min(0.1);
    scene
        .lab
        .iter()
        .map(|[lightness, a, b]| {
            let (chroma, hue) = (a.hypot(*b), b.atan2(*a).to_degrees());
            rise(48.0, 26.0, hue_distance(hue, 128.0))
                * rise(0.2 * vivid, 0.5 * vivid, chroma)
                * rise(0.97, 0.9, *lightness)
        })
        .collect()
}

fn water(scene: &Scene) -> Vec<f32> {
    let sky = sky(scene).evidence;
    (0..scene.lab.len())
        .map(|index| {
            let [_, a, b] = scene.lab[index];
            let (chroma, hue) = (a.hypot(b), b.atan2(a).to_degrees());
            let blue = rise(75.0, 45.0, hue_distance(hue, 225.0)) * rise(0.008, 0.02, chroma);
            let grey = 0.6 * rise(0.04, 0.02, chroma);
            let low = rise(0.2, 0.5, scene.place(index).1);
            blue.max(grey) * low * rise(0.1, 0.05, scene.texture[index]) * (1.0 - sky[index])
        })
        .collect()
}

/// The locus of skin of every shade: hues between red and yellow, middling chroma.
fn skin(scene: &Scene) -> Vec<f32> {
    scene
        .lab
        .iter()
        .map(|[lightness, a, b]| {
            let (chroma, hue) = (a.hypot(*b), b.atan2(*a).to_degrees());
            rise(30.0, 16.0, hue_distance(hue, 52.0))
                * rise(0.02, 0.04, chroma)
                * rise(0.17, 0.12, chroma)
                * rise(0.25, 0.4, *lightness)
                * rise(0.97, 0.9, *lightness)
        })
        .collect()
}

fn tone_evidence(scene: &Scene, tone: Tone) -> Vec<f32> {
    let mut ascending: Vec<f32> = scene.lab.iter().map(|lab| lab[0]).collect();
    ascending.sort_by(f32::total_cmp);
    let at = |share: f32| ascending[((ascending.len() - 1) as f32 * share) as usize];
    let (dark, middle, bright) = (at(0.15), at(0.5), at(0.85));
    let decide = |lightness: f32| match tone {
        Tone::Bright => rise(middle, bright.max(middle + 1e-3), lightness),
        Tone::Dark => rise(middle, dark.min(middle - 1e-3), lightness),
        Tone::Middle => rise(dark - 0.05, dark + 0.1, lightness) * rise(bright + 0.05, bright - 0.1, lightness),
    };
    scene.lab.iter().map(|lab| decide(lab[0])).collect()
}

fn position_evidence(scene: &Scene, position: Position) -> Vec<f32> {
    let left = |x: f32| rise(0.6, 0.4, x);
    let top = |y: f32| rise(0.6, 0.4, y);
    (0..scene.lab.len())
        .map(|index| {
            let (x, y) = scene.place(index);
            let from_centre = (2.0 * ((x - 0.5).powi(2) + (y - 0.5).powi(2))).sqrt();
            match position {
                Position::Left => left(x),
                Position::Right => left(1.0 - x),
                Position::Top => top(y),
                Position::Bottom => top(1.0 - y),
                Position::TopLeft => left(x) * top(y),
                Position::TopRight => left(1.0 - x) * top(y),
                Position::BottomLeft => left(x) * top(1.0 - y),
                Position::BottomRight => left(1.0 - x) * top(1.0 - y),
                Position::Centre => rise(0.75, 0.35, from_centre),
                Position::Edges => rise(0.45, 0.8, from_centre),
            }
        })
        .collect()
}

/// The connected parts that are at least a tenth as large as the largest, with what lies close around them.
fn largest_parts(scene: &Scene, evidence: &[f32]) -> Vec<f32> {
    let (width, height) = (scene.width, scene.height);
    let mut part = vec![0_usize; evidence.len()];
    let mut sizes = vec![0_usize];
    for start in 0..evidence.len() {
        if part[start] != 0 || evidence[start] < 0.35 {
            continue;
        }
        let label = sizes.len();
        sizes.push(0);
        part[start] = label;
        let mut waiting = vec![start];
        while let Some(index) = waiting.pop() {
            sizes[label] += 1;
            let (x, y) = (index % width, index / width);
            for (dx, dy) in [(-1_isize, 0_isize), (1, 0), (0, -1), (0, 1)] {
                let (nx, ny) = (x as isize + dx, y as isize + dy);
                if (0..width as isize).contains(&nx) && (0..height as isize).contains(&ny) {
                    let next = ny as usize * width + nx as usize;
                    if part[next] == 0 && evidence[next] >= 0.35 {
                        part[next] = label;
                        waiting.push(next);
                    }
                }
            }
        }
    }
    let most = sizes.iter().copied().max().unwrap_or(0);
    let kept: Vec<f32> =
        part.iter().map(|label| f32::from(u8::from(*label != 0 && sizes[*label] * 10 >= most))).collect();
    let near = gaussian(&kept, width, 2.0);
    evidence.iter().zip(near).map(|(value, near)| value * rise(0.05, 0.4, near)).collect()
}

fn name_of(region: &Region) -> String {
    match (region.colour, region.subject.filter(|subject| *subject != Subject::Object)) {
        (Some(colour), Some(subject)) => format!("{colour} {subject}"),
        (Some(colour), None) => format!("area of the colour {colour}"),
        (None, Some(subject)) => subject.to_string(),
        (None, None) => "such region".to_owned(),
    }
}

impl Mask {
    /// Pixels across and down; those of the scene that it was found in.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// The values, row by row, in 0..=1.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The mean value: the share of the picture that is in the region.
    pub fn coverage(&self) -> f32 {
        mean(&self.values)
    }

    /// The mask at the size of a picture, its edges drawn to the picture's own.
    pub fn refine(&self, guide: &Pixels) -> Vec<f32> {
        let (width, height) = (guide.width() as usize, guide.height() as usize);
        let large = self.enlarged(width, height);
        let radius = (width.max(height) / 150).max(2);
        let filter = GuidedFilter { width, radius, epsilon: 4e-4 };
        let mut refined = filter.smooth(&lightness_plane(guide), &large);
        refined.par_iter_mut().for_each(|value| *value = ((*value - 0.02) / 0.96).clamp(0.0, 1.0));
        refined
    }

    /// The mask at another size, by bilinear interpolation.
    pub fn enlarged(&self, width: usize, height: usize) -> Vec<f32> {
        let mut out = vec![0.0; width * height];
        let scale = |place: usize, from: usize, to: usize| {
            let exact = ((place as f32 + 0.5) * to as f32 / from as f32 - 0.5).clamp(0.0, to as f32 - 1.0);
            let low = exact as usize;
            (low, (low + 1).min(to - 1), exact - low as f32)
        };
        out.par_chunks_mut(width).enumerate().for_each(|(y, row)| {
            let (top, bottom, down) = scale(y, height, self.height);
            for (x, value) in row.iter_mut().enumerate() {
                let (left, right, across) = scale(x, width, self.width);
                let along = |y: usize| {
                    let (one, other) = (self.values[y * self.width + left], self.values[y * self.width + right]);
                    one + (other - one) * across
                };
                *value = along(top) + (along(bottom) - along(top)) * down;
            }
        });
        out
    }
}
