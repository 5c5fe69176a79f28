//! The measures put together.

use editscale_picture::Pixels;

use super::comparison::Comparison;
use super::damage;
use super::descriptor::descriptor;
use super::measures::change;
use super::register::register;
use super::view::{SourceView, View};
use crate::mask::{MaskChoice, find};
use crate::plan::{Change, Edit, Plan};

/// How well an edit was done. All figures are in 0..=1, higher is better.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    /// All together.
    pub score: f64,
    /// Whether what was asked happened, by about as much as was asked, where it was asked.
    pub instruction_following: f64,
    /// Whether all else is as it was.
    pub preservation: f64,
    /// Whether the picture is undamaged.
    pub visual_quality: f64,
    /// The asked edits one by one.
    pub edits: Vec<EditAssessment>,
}

/// How well one asked edit was done.
#[derive(Debug, Clone, PartialEq)]
pub struct EditAssessment {
    /// What was asked, in plain words.
    pub asked: String,
    /// The measured change, in the unit of its quantity.
    pub measured: f64,
    /// The change that the words lead one to expect, in the same unit, where a quantity is asked for; never 0.
    pub expected: Option<f64>,
    /// What it is worth, 0..=1.
    pub score: f64,
}

/// The score of a picture that is preserved and undamaged, and follows the instruction in nothing: that of an untouched copy.
const COPY: f64 = 0.1;

/// Measures an edited picture against its source and what was asked for.
///
/// `score = 0.1 · P · Q + 0.9 · F · P^0.8 · Q^0.7`, with F following, P preservation, Q quality. The second product makes each of them
/// a condition: a copy earns nothing there for being well preserved (its F is 0), a picture that follows but is ruined earns
/// little, and a ruined picture that does not even follow is last.
pub fn assess(source: &SourceView, edited: &Pixels, plan: &Plan) -> Assessment {
    assess_view(source, &View::new(edited), plan)
}

/// The same, and what the edit did as a point, see `photometric/descriptor.rs`.
pub fn assess_and_describe(source: &SourceView, edited: &Pixels, plan: &Plan) -> (Assessment, Vec<f32>) {
    let edited = View::new(edited);
    (assess_view(source, &edited, plan), descriptor(source, &edited))
}

fn assess_view(source: &SourceView, edited: &View, plan: &Plan) -> Assessment {
    let registered = register(&source.view, edited, plan);
    let masks: Vec<Option<Vec<f32>>> =
        plan.edits.iter().map(|edit| weights(source, edited, edit, registered.moves)).collect();
    let union = union(&masks);
    let rest = rest(&masks);
    let mut edits = Vec::new();
    for (edit, weights) in plan.edits.iter().zip(&masks) {
        let weights = weights.as_deref().or(rest.as_deref());
        let comparison = Comparison { source: &source.view, edited, registered: &registered, weights };
        let followed = comparison.follow(edit.change);
        let placed = placing(&comparison, union.as_deref());
        edits.push(EditAssessment {
            asked: edit.to_string(),
            measured: f64::from(followed.measured),
            expected: expected(edit.change).map(f64::from),
            score: f64::from(followed.worth * placed),
        });
    }
    let comparison = Comparison { source: &source.view, edited, registered: &registered, weights: union.as_deref() };
    let structure = damage::structure(&comparison, plan);
    let global = Comparison { weights: None, ..comparison };
    let untouched = if union.is_some() { 1.0 } else { damage::untouched(&global, plan) };
    let outside = damage::outside(&comparison);
    let fit = if registered.moves { registered.fit.clamp(0.0, 1.0).sqrt() } else { 1.0 };
    let preservation = f64::from(structure.powf(0.7) * untouched * outside * fit);
    let visual_quality = f64::from(damage::quality(&source.view, edited, plan));
    let following = together(&edits);
    let score = COPY * preservation * visual_quality
        + (1.0 - COPY) * following * preservation.powf(0.8) * visual_quality.powf(0.7);
    Assessment {
        score: finite(score),
        instruction_following: finite(following),
        preservation: finite(preservation),
        visual_quality: finite(visual_quality),
        edits,
    }
}

/// The change that is expected of a quantity, less of it below 0.
fn expected(asked: Change) -> Option<f32> {
    match asked {
        Change::Adjust { quantity, direction, amount } => Some(direction.sign() * change(quantity, amount)),
        _ => None,
    }
}

fn finite(value: f64) -> f64 {
    if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.0 }
}

/// Half the mean of the edits, half the worst of them: every asked edit counts, and none can be left out.
fn together(edits: &[EditAssessment]) -> f64 {
    if edits.is_empty() {
        return 0.0;
    }
    let mean = edits.iter().map(|edit| edit.score).sum::<f64>() / edits.len() as f64;
    let worst = edits.iter().map(|edit| edit.score).fold(1.0, f64::min);
    f64::midpoint(mean, worst)
}

/// Where an edit was to happen, one weight a pixel of the edited view; nothing for the whole picture, or where the region cannot be
/// found or followed into another frame.
fn weights(source: &SourceView, edited: &View, edit: &Edit, moves: bool) -> Option<Vec<f32>> {
    if edit.region.is_everywhere() || moves {
        return None;
    }
    let mask = find(&source.scene, &edit.region, MaskChoice::PLAIN).ok()?;
    Some(mask.enlarged(edited.width, edited.height))
}

/// Whether what changed lies where it was asked, 0..=1; 1 where some edit is for the whole picture, so that there is no elsewhere.
fn placing(comparison: &Comparison<'_>, union: Option<&[f32]>) -> f32 {
    let Some(union) = union else { return 1.0 };
    match comparison.difference(union) {
        (inside, Some(outside)) => ((inside / (inside + outside + 1e-4) - 0.5) / 0.3).clamp(0.0, 1.0),
        (_, None) => 1.0,
    }
}

/// Where no edit of a region reaches: there an edit of the whole picture shows by itself. Nothing where there is no such edit, or
/// hardly anything is left.
fn rest(masks: &[Option<Vec<f32>>]) -> Option<Vec<f32>> {
    let regions: Vec<Option<Vec<f32>>> = masks.iter().filter(|mask| mask.is_some()).cloned().collect();
    let rest: Vec<f32> = union(&regions)?.into_iter().map(|weight| 1.0 - weight).collect();
    (rest.iter().sum::<f32>() > 0.2 * rest.len() as f32).then_some(rest)
}

/// The greatest weight of any edit at each pixel; nothing where an edit is for the whole picture.
fn union(masks: &[Option<Vec<f32>>]) -> Option<Vec<f32>> {
    let masks: Vec<&Vec<f32>> = masks.iter().map(Option::as_ref).collect::<Option<_>>()?;
    let mut union = (*masks.first()?).clone();
    for mask in &masks[1..] {
        union.iter_mut().zip(mask.iter()).for_each(|(most, value)| *most = most.max(*value));
    }
    Some(union)
}
