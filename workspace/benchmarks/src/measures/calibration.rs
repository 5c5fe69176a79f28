//! Scores to what people would say: a monotone map, its error on sources that it was not fitted on, and whether stated
//! standard deviations say where the judge errs.

use std::sync::Arc;

use editscale_engine::Fitted;
use editscale_study::calibration::{
    Between, Fit, Knot, MonotoneMap, Observation, ReliabilityBin, fit_isotonic, fit_of, held_out_isotonic, reliability,
};
use editscale_study::judges::Preference;
use editscale_study::{Clusters, StudyError};
use serde::{Deserialize, Serialize};

use super::comparison::{Comparison, compared};
use super::doubt::{Doubt, doubt};
use super::sources::sources;
use super::{MeasureError, MeasureRules, Said};
use crate::{JudgedCase, JudgedReward};

/// Into how many bins of about equal counts values are cut.
pub const RELIABILITY_BINS: usize = 10;

/// What scores are mapped to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The rating of people.
    Rating,
    /// The probability that people prefer the edit to another of the same source, a tie being half.
    WinProbability,
}

/// A map from scores to what people would say, and how good it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The version of this form, 1.
    pub version: u32,
    /// How folds were cut.
    pub rules: MeasureRules,
    /// Which number of the judge.
    pub said: Said,
    /// What it is mapped to.
    pub target: Target,
    /// How many edits it is fitted on.
    pub edits: usize,
    /// How many sources these come from.
    pub sources: usize,
    /// The map: straight between knots, level beyond them.
    pub knots: Vec<KnotPoint>,
    /// The error on the edits that it is fitted on: too good.
    pub in_sample: Errors,
    /// The error on folds that it was not fitted on; nothing with one source.
    pub held_out: Option<Errors>,
    /// The error of saying the mean of the other folds of everything: what a map of no use has.
    pub mean_alone: Option<Errors>,
    /// Held-out values side by side with what people said.
    pub bins: Vec<Bin>,
    /// The mean distance of value and people over bins, weighed by count.
    pub expected_error: Option<f64>,
    /// Whether stated standard deviations say where the judge errs; nothing where it states none.
    pub doubt: Option<Doubt>,
}

/// A score and what it becomes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct KnotPoint {
    /// The score.
    pub score: f64,
    /// Its value.
    pub value: f64,
}

/// How far values are from what people said.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Errors {
    /// The root of the mean squared error.
    pub root_mean_square: f64,
    /// The mean of the errors' sizes.
    pub mean_absolute: f64,
    /// The mean of value less what people said.
    pub bias: f64,
}

/// Values side by side, and what was observed of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// How many.
    pub count: usize,
    /// Their mean value.
    pub value: f64,
    /// The mean of what was observed.
    pub observed: f64,
}

/// One edit to be fitted on.
pub(super) struct ScoredEdit {
    pub(super) source: Arc<str>,
    pub(super) score: f64,
    pub(super) sigma: Option<f64>,
    pub(super) target: f64,
}

/// Fits one number of a judge to people's ratings where edits have them, else to how often an edit is preferred to another of
/// its source. Fails where there is neither, and on rules that are none.
pub fn calibrate(cases: &[JudgedCase], said: &Said, rules: &MeasureRules) -> Result<Calibration, MeasureError> {
    let (target, fitted) = fitted(cases, said);
    if fitted.is_empty() {
        return Err(MeasureError::Nothing { cases: cases.len() });
    }
    let observations: Vec<Observation> =
        fitted.iter().map(|edit| Observation { score: edit.score, target: edit.target, weight: 1.0 }).collect();
    let targets: Vec<f64> = fitted.iter().map(|edit| edit.target).collect();
    let clusters = Clusters::by_key(fitted.iter().map(|edit| &edit.source));
    let map = fit_isotonic(&observations, Between::Lines)?;
    let inside: Vec<f64> = fitted.iter().map(|edit| map.apply(edit.score)).collect();
    let held_out = held_out(&observations, &clusters, rules)?;
    let (bins, expected_error) = match &held_out {
        Some([values, _]) => binned(values, &targets)?,
        None => (Vec::new(), None),
    };
    let errors = |values: &[f64]| fit_of(values, &targets).map(Errors::from);
    Ok(Calibration {
        version: 1,
        rules: *rules,
        said: said.clone(),
        target,
        edits: fitted.len(),
        sources: clusters.len(),
        knots: knots(&map),
        in_sample: errors(&inside)?,
        held_out: held_out.as_ref().map(|[values, _]| errors(values)).transpose()?,
        mean_alone: held_out.as_ref().map(|[_, means]| errors(means)).transpose()?,
        bins,
        expected_error,
        doubt: doubt((cases, said), &fitted, held_out.as_ref().map(|[values, _]| values.as_slice()))?,
    })
}

fn knots(map: &MonotoneMap) -> Vec<KnotPoint> {
    map.knots().iter().map(|knot| KnotPoint { score: knot.score, value: knot.value }).collect()
}

/// What the other folds say of each edit: through a map, and by their mean alone.
fn held_out(
    observations: &[Observation],
    clusters: &Clusters,
    rules: &MeasureRules,
) -> Result<Option<[Vec<f64>; 2]>, StudyError> {
    if clusters.len() < 2 {
        return Ok(None);
    }
    let values = held_out_isotonic(observations, clusters, rules.folds(), Between::Lines)?;
    // A map of one score is level at the mean.
    let level: Vec<Observation> = observations.iter().map(|each| Observation { score: 0.0, ..*each }).collect();
    Ok(Some([values, held_out_isotonic(&level, clusters, rules.folds(), Between::Lines)?]))
}

/// Bins of values, and the mean distance within them.
pub(super) fn binned(values: &[f64], observed: &[f64]) -> Result<(Vec<Bin>, Option<f64>), StudyError> {
    let bins: Vec<Bin> = reliability(values, observed, RELIABILITY_BINS)?.into_iter().map(Bin::from).collect();
    let apart: f64 = bins.iter().map(|bin| (bin.value - bin.observed).abs() * bin.count as f64).sum();
    Ok((bins, (!values.is_empty()).then(|| apart / values.len() as f64)))
}

fn fitted(cases: &[JudgedCase], said: &Said) -> (Target, Vec<ScoredEdit>) {
    let from = || cases.iter().zip(sources(cases));
    let rated: Vec<ScoredEdit> = from().flat_map(|(case, source)| rated_edits(case, &source, said)).collect();
    if !rated.is_empty() {
        return (Target::Rating, rated);
    }
    (Target::WinProbability, from().flat_map(|(case, source)| compared_edits(case, &source, said)).collect())
}

fn rated_edits(case: &JudgedCase, source: &Arc<str>, said: &Said) -> Vec<ScoredEdit> {
    let edits = case.candidates.iter().filter_map(|edit| {
        let target = edit.rating.filter(|rating| rating.is_finite())?;
        Some(ScoredEdit { source: source.clone(), score: said.of(edit)?, sigma: said.sigma_of(edit), target })
    });
    edits.collect()
}

/// The edits of a case, each with the share of the others that people put it above.
fn compared_edits(case: &JudgedCase, source: &Arc<str>, said: &Said) -> Vec<ScoredEdit> {
    let Some(order) = Comparison::of(case, said).and_then(|(comparison, _)| comparison.order) else {
        return Vec::new();
    };
    let edits = compared(case).iter().enumerate().filter_map(|(at, edit)| {
        let others = (0..order.candidates()).filter(|other| *other != at);
        let won: f64 = others.filter_map(|other| order.preference(at, other)).map(half_points).sum();
        let target = won / (order.candidates() - 1) as f64;
        Some(ScoredEdit { source: source.clone(), score: said.of(edit)?, sigma: said.sigma_of(edit), target })
    });
    edits.collect()
}

fn half_points(preference: Preference) -> f64 {
    match preference {
        Preference::First => 1.0,
        Preference::Tie => 0.5,
        Preference::Second => 0.0,
    }
}

impl Calibration {
    /// The map as the file that recipes name by `calibration:`. `benchmark` is what people's words come from; reward and revision
    /// say whose scores they are. Fails where the map is one value for all scores, which says nothing, and where all edits are of
    /// one source, so that nobody can say how far it errs.
    ///
    /// Of more knots than a file may have, evenly many are kept, the first and the last among them.
    pub fn file(&self, benchmark: &str, reward: &JudgedReward) -> Result<editscale_engine::Calibration, MeasureError> {
        if self.is_level() {
            return Err(MeasureError::Level { reward: reward.name.clone() });
        }
        let Some(errors) = &self.held_out else { return Err(MeasureError::OneSource { sources: self.sources }) };
        let knot = |knot: &KnotPoint| Knot { score: knot.score, value: knot.value };
        Ok(editscale_engine::Calibration {
            reward: reward.name.clone(),
            revision: reward.revision.clone(),
            map: MonotoneMap::new(thinned(&self.knots).iter().map(knot).collect(), Between::Lines)?,
            fitted: Some(Fitted {
                benchmark: benchmark.to_owned(),
                items: self.edits as u64,
                held_out_error: errors.root_mean_square,
                folds: self.rules.folds.min(self.sources) as u64,
            }),
        })
    }

    /// Whether it gives the same value to all scores, as it does where people prefer what the judge scores lower.
    fn is_level(&self) -> bool {
        let value = |knot: Option<&KnotPoint>| knot.map(|knot| knot.value);
        value(self.knots.first()) == value(self.knots.last())
    }
}

/// At most as many knots as a file may have.
fn thinned(knots: &[KnotPoint]) -> Vec<KnotPoint> {
    let most = editscale_engine::Calibration::MOST_KNOTS;
    if knots.len() <= most {
        return knots.to_vec();
    }
    let places = (0..most).map(|place| place * (knots.len() - 1) / (most - 1));
    places.filter_map(|place| knots.get(place).copied()).collect()
}

impl From<Fit> for Errors {
    fn from(fit: Fit) -> Self {
        Self { root_mean_square: fit.root_mean_square, mean_absolute: fit.mean_absolute, bias: fit.bias }
    }
}

impl From<ReliabilityBin> for Bin {
    fn from(bin: ReliabilityBin) -> Self {
        Self { count: bin.count, value: bin.value, observed: bin.target }
    }
}
