//! What else happened: structure that was lost, other qualities that moved, damage to the picture.

use super::comparison::Comparison;
use super::measures::{HELD, change};
use super::view::View;
use crate::plan::{Amount, Change, Plan, Quantity};
use crate::planes::{box_mean, gaussian};

fn asks(plan: &Plan, quantities: &[Quantity]) -> bool {
    plan.edits
        .iter()
        .any(|edit| matches!(edit.change, Change::Adjust { quantity, .. } if quantities.contains(&quantity)))
}

fn asks_change(plan: &Plan, check: impl Fn(Change) -> bool) -> bool {
    plan.edits.iter().any(|edit| check(edit.change))
}

/// How much of the structure is kept, 0..=1: the mean local correlation of lightness (the structure term of SSIM, Wang et al. 2004)
/// where there is structure to keep.
pub(super) fn structure(comparison: &Comparison<'_>, plan: &Plan) -> f32 {
    let width = comparison.edited.width;
    let mut before: Vec<f32> = comparison.registered.lab.iter().map(|lab| lab[0]).collect();
    let mut after: Vec<f32> = comparison.edited.lab.iter().map(|lab| lab[0]).collect();
    if asks(plan, &[Quantity::Denoise, Quantity::Grain]) {
        // What is asked for lies in the finest scale; the structure that is to be kept lies above it.
        before = gaussian(&before, width, 1.5);
        after = gaussian(&after, width, 1.5);
    }
    let radius = 4;
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).collect::<Vec<f32>>();
    let (mean_a, mean_b) = (box_mean(&before, width, radius), box_mean(&after, width, radius));
    let (aa, bb) =
        (box_mean(&product(&before, &before), width, radius), box_mean(&product(&after, &after), width, radius));
    let ab = box_mean(&product(&before, &after), width, radius);
    let inverted = asks_change(plan, |change| change == Change::Invert);
    let (mut sum, mut total) = (0.0, 1e-9);
    for index in 0..before.len() {
        let variance_a = (aa[index] - mean_a[index].powi(2)).max(0.0);
        let variance_b = (bb[index] - mean_b[index].powi(2)).max(0.0);
        let covariance = ab[index] - mean_a[index] * mean_b[index];
        let covariance = if inverted { -covariance } else { covariance };
        let small = 2e-4;
        let similarity = (covariance + small) / ((variance_a * variance_b).sqrt() + small);
        // Flat areas have no structure to lose; they count a little, so that noise added to them is seen.
        let weight = variance_a.sqrt() + 0.01;
        sum += similarity.clamp(-1.0, 1.0) * weight;
        total += weight;
    }
    let similarity = (sum / total).max(0.0);
    // Some edits take structure away because they are asked to.
    let softens = asks(plan, &[Quantity::Blur, Quantity::Grain, Quantity::Denoise])
        || asks_change(plan, |change| {
            matches!(change, Change::Posterise { .. } | Change::Straighten | Change::Rotate { .. })
        });
    if softens { similarity.sqrt() } else { similarity }
}

/// How little of what was not asked for has moved, 0..=1.
pub(super) fn untouched(comparison: &Comparison<'_>, plan: &Plan) -> f32 {
    let is_look = asks_change(plan, |change| {
        matches!(
            change,
            Change::BlackAndWhite
                | Change::Invert
                | Change::Posterise { .. }
                | Change::Hue { .. }
                | Change::Recolour { .. }
        )
    });
    if is_look {
        return 1.0;
    }
    let kept = HELD.iter().filter(|(_, related)| !asks(plan, related)).map(|(quantity, _)| {
        let moved = comparison.measure(*quantity) / change(*quantity, Amount::Plain);
        (-0.5 * (moved.abs() - 0.4).max(0.0).powi(2)).exp()
    });
    kept.fold(1.0, |all, one| all * one.max(0.2))
}

/// How little has changed outside the regions that were named, 0..=1; 1 where the whole picture was meant.
pub(super) fn outside(comparison: &Comparison<'_>) -> f32 {
    let Some(weights) = comparison.weights else { return 1.0 };
    match comparison.difference(weights) {
        (_, Some(outside)) => (-(outside / 0.05).powi(2)).exp(),
        (_, None) => 1.0,
    }
}

/// How little damage was done to the picture, 0..=1: clipping, lost levels, noise, halos, each against the source.
pub(super) fn quality(source: &View, edited: &View, plan: &Plan) -> f32 {
    let is_flattened = asks_change(plan, |change| matches!(change, Change::Posterise { .. }));
    let clips = (edited.clipped - source.clipped - 0.01).max(0.0);
    let bound = if asks(plan, &[Quantity::Exposure, Quantity::Contrast]) { 5.0 } else { 7.0 };
    let clipping = if is_flattened { 1.0 } else { (-bound * clips).exp() };
    let lost = 1.0 - edited.levels / source.levels.max(1.0);
    let banding = if is_flattened { 1.0 } else { 1.0 - 0.8 * ((lost - 0.55) / 0.4).clamp(0.0, 1.0) };
    let grows = asks(plan, &[Quantity::Grain, Quantity::Sharpness, Quantity::Denoise]);
    let louder = (edited.noise - 1.6 * source.noise - 0.004).max(0.0);
    let noise = if grows { 1.0 } else { (-(louder / 0.02).powi(2)).exp() };
    let excess = (edited.detail / source.detail.max(1e-4) / 3.0).ln().max(0.0);
    let halos = if asks(plan, &[Quantity::Grain]) { 1.0 } else { (-excess).exp() };
    clipping * banding * noise * halos
}
