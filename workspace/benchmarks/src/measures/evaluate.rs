//! Any metric of any items: its values, their intervals, and what random scores reach.

use std::collections::BTreeMap;

use editscale_study::judges::{ChanceLevel, Simulation, random_scores};
use editscale_study::{Clusters, Ends, Folds, Resampling, StudyError};

use super::measured::{Estimate, Metric, RandomLevel, Range};
use super::{MeasureError, MeasureRules, intervals};

/// A metric made ready: its value of the items with these numbers, with repeats.
pub(super) type Ready<'a> = Box<dyn Fn(&[usize]) -> Option<f64> + 'a>;

/// How a metric is made ready for items in clusters; what is tuned on other folds is tuned here.
pub(super) type Rule<T> = for<'a> fn(&'a [T], &Clusters, Folds) -> Result<Ready<'a>, StudyError>;

/// Facts to be shown beside a metric.
pub(super) type Facts<T> = fn(&[T], &Clusters, Folds) -> Result<BTreeMap<String, f64>, StudyError>;

/// Something that people judged and a judge scored.
pub(super) trait Scored: Clone {
    /// How many scores it has.
    fn size(&self) -> usize;
    /// The same with other scores.
    fn with_scores(&self, scores: &[f64]) -> Self;
}

/// The two ways of computing a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    Published,
    Right,
}

/// What becomes of items without scores, where they count as wrong.
pub(super) enum Unjudged<T> {
    /// They are counted in the denominator alone.
    Counted,
    /// Judged and unjudged items together, the latter with the worst scores that they could have.
    Worst(fn(&[T], &[T]) -> Vec<T>),
}

/// A metric.
pub(super) struct Definition<T> {
    pub(super) name: &'static str,
    pub(super) says: &'static str,
    pub(super) published: Option<Rule<T>>,
    pub(super) right: Option<Rule<T>>,
    pub(super) differs: &'static str,
    pub(super) unit: &'static str,
    /// How many units an item is.
    pub(super) weight: fn(&T) -> u64,
    pub(super) unjudged: Unjudged<T>,
    /// What random scores reach exactly, where a formula says it.
    pub(super) exact: fn(&[T], Way) -> Option<f64>,
    pub(super) facts: Option<Facts<T>>,
}

/// The items of a section.
#[derive(Debug)]
pub(super) struct Sample<T> {
    /// Its name.
    pub(super) name: String,
    /// Items with scores.
    pub(super) items: Vec<T>,
    /// Their numbers in the whole: equal samples of several judges have equal levels of chance.
    pub(super) members: Vec<usize>,
    /// What they come from.
    pub(super) clusters: Clusters,
    /// Items that were to be judged and could not be; their scores mean nothing.
    pub(super) unjudged: Vec<T>,
}

/// Levels of random scores that were simulated already: the same for every judge of the same items.
#[derive(Debug, Default)]
pub(super) struct Levels(BTreeMap<(String, &'static str, Way, Vec<usize>), Option<ChanceLevel>>);

/// Computes a metric of a sample. Of no items there are no values.
pub(super) fn evaluate<T: Scored>(
    definition: &Definition<T>,
    sample: &Sample<T>,
    rules: &MeasureRules,
    levels: &mut Levels,
) -> Result<Metric, MeasureError> {
    let wrong = |study: StudyError| MeasureError::Metric {
        section: sample.name.clone(),
        metric: definition.name.to_owned(),
        study,
    };
    let mut estimate = |way: Way, rule: Option<Rule<T>>| match rule {
        Some(rule) if !sample.items.is_empty() => {
            Work { definition, sample, rules, way, rule }.estimate(levels).map(Some)
        }
        _ => Ok(None),
    };
    let facts = match definition.facts {
        Some(facts) if !sample.items.is_empty() => {
            facts(&sample.items, &sample.clusters, rules.folds()).map_err(wrong)?
        }
        _ => BTreeMap::new(),
    };
    Ok(Metric {
        name: definition.name.to_owned(),
        says: definition.says.to_owned(),
        published: estimate(Way::Published, definition.published).map_err(wrong)?,
        right: estimate(Way::Right, definition.right).map_err(wrong)?,
        differs: definition.differs.to_owned(),
        n: sample.items.iter().map(definition.weight).sum(),
        unit: definition.unit.to_owned(),
        clusters: sample.clusters.len(),
        facts,
    })
}

/// One way of one metric of one sample.
struct Work<'a, T> {
    definition: &'a Definition<T>,
    sample: &'a Sample<T>,
    rules: &'a MeasureRules,
    way: Way,
    rule: Rule<T>,
}

impl<T: Scored> Work<'_, T> {
    fn estimate(&self, levels: &mut Levels) -> Result<Estimate, StudyError> {
        let ready = (self.rule)(&self.sample.items, &self.sample.clusters, self.rules.folds())?;
        let value = ready(&self.rows());
        Ok(Estimate {
            value,
            interval: self.interval(&ready)?,
            unjudged_wrong: self.unjudged_wrong(value)?,
            random: self.random(value, levels)?,
        })
    }

    fn rows(&self) -> Vec<usize> {
        (0..self.sample.items.len()).collect()
    }

    fn interval(&self, ready: &Ready<'_>) -> Result<Option<Range>, StudyError> {
        intervals::interval(&self.sample.clusters, self.rules, |rows| ready(rows))
    }

    fn unjudged_wrong(&self, value: Option<f64>) -> Result<Option<f64>, StudyError> {
        let Sample { items, unjudged, .. } = self.sample;
        match self.definition.unjudged {
            _ if unjudged.is_empty() => Ok(value),
            Unjudged::Counted => {
                let of = |items: &[T]| items.iter().map(self.definition.weight).sum::<u64>() as f64;
                Ok(value.map(|value| value * of(items) / (of(items) + of(unjudged))))
            }
            Unjudged::Worst(worst) => {
                let all = worst(items, unjudged);
                let ready = (self.rule)(&all, &Clusters::singles(all.len()), self.rules.folds())?;
                Ok(ready(&(0..all.len()).collect::<Vec<usize>>()))
            }
        }
    }

    fn random(&self, value: Option<f64>, levels: &mut Levels) -> Result<Option<RandomLevel>, StudyError> {
        let key = (self.sample.name.clone(), self.definition.name, self.way, self.sample.members.clone());
        if !levels.0.contains_key(&key) {
            let simulated = self.simulate()?;
            levels.0.insert(key.clone(), simulated);
        }
        let Some(level) = levels.0.get(&key).and_then(Option::as_ref) else { return Ok(None) };
        let exact = (self.definition.exact)(&self.sample.items, self.way);
        let tail = (1.0 - self.rules.confidence) / 2.0;
        let rounds = f64::from(self.rules.resamples - level.undefined);
        Ok(Some(RandomLevel {
            value: exact.unwrap_or(level.mean),
            is_exact: exact.is_some(),
            error: if exact.is_some() { 0.0 } else { level.deviation / rounds.sqrt() },
            low: level.quantile(tail),
            high: level.quantile(1.0 - tail),
            p_value: value.map(|value| level.p_value(value)),
        }))
    }

    fn simulate(&self) -> Result<Option<ChanceLevel>, StudyError> {
        let Sample { items, clusters, .. } = self.sample;
        let sizes: Vec<usize> = items.iter().map(Scored::size).collect();
        let (plan, rows) = (Simulation { rounds: self.rules.resamples, seed: self.rules.seed }, self.rows());
        random_scores(&sizes, plan, |scores| {
            let drawn: Vec<T> = items.iter().zip(scores).map(|(item, scores)| item.with_scores(scores)).collect();
            let ready = (self.rule)(&drawn, clusters, self.rules.folds())?;
            Ok(ready(&rows))
        })
    }
}

impl MeasureRules {
    pub(super) fn folds(&self) -> Folds {
        Folds { folds: self.folds, seed: self.seed }
    }

    pub(super) fn resampling(&self) -> Resampling {
        let MeasureRules { confidence, resamples, seed, .. } = *self;
        Resampling { confidence, resamples, seed, ends: Ends::Percentile }
    }
}
