//! Parts of a benchmark that are measured by themselves: groups of one size, collections, editing models.

use std::collections::BTreeSet;
use std::sync::Arc;

use editscale_study::Clusters;

use super::comparison::{Comparison, ranking};
use super::evaluate::{Definition, Levels, Sample, Scored, evaluate};
use super::measured::{JudgeMeasures, Section, SectionKind};
use super::rated::RatedEdit;
use super::sources::sources;
use super::{MeasureError, MeasureRules, Said, orders, ratings};
use crate::JudgedCase;
use crate::layouts::Preset;

/// Whether people said something of the case that can be measured.
pub(super) fn is_measurable(case: &JudgedCase) -> bool {
    let is_rated = |case: &JudgedCase| case.candidates.iter().any(|edit| edit.rating.is_some_and(f64::is_finite));
    ranking(case).is_some() || is_rated(case)
}

/// One number of a judge in all sections.
pub(super) fn measured(
    (preset, cases): (Preset, &[JudgedCase]),
    said: Said,
    rules: &MeasureRules,
    levels: &mut Levels,
) -> Result<JudgeMeasures, MeasureError> {
    let (comparisons, edits) = (comparisons(cases, &said), rated_edits(preset, cases, &said));
    let mut sections = Vec::new();
    for plan in of_comparisons(preset, &comparisons).into_iter().chain(models_of(&comparisons)) {
        sections.push(plan.measured(rules, levels)?);
    }
    for plan in of_ratings(preset, &edits) {
        sections.push(plan.measured(rules, levels)?);
    }
    let has_scores = comparisons.iter().map(|each| each.is_judged).chain(edits.iter().map(|each| each.is_judged));
    let has_scores: Vec<bool> = has_scores.collect();
    let judged = has_scores.iter().filter(|is_judged| **is_judged).count();
    Ok(JudgeMeasures { said, judged, of: has_scores.len(), sections })
}

/// An item, where it comes from, and whether the judge said something of it.
#[derive(Debug, Clone)]
struct Entry<T> {
    item: T,
    source: Arc<str>,
    is_judged: bool,
}

fn comparisons(cases: &[JudgedCase], said: &Said) -> Vec<Entry<Comparison>> {
    let entries = cases.iter().zip(sources(cases)).filter_map(|(case, source)| {
        let (item, is_judged) = Comparison::of(case, said)?;
        Some(Entry { item, source, is_judged })
    });
    entries.collect()
}

/// Ratings of cases that people rated, and of one's own pairs and groups also where they are ordered too.
fn rated_edits(preset: Preset, cases: &[JudgedCase], said: &Said) -> Vec<Entry<RatedEdit>> {
    let is_own = matches!(preset, Preset::Pairs | Preset::Ratings);
    let rated = cases.iter().zip(sources(cases)).filter(|(case, _)| is_own || case.human == crate::Human::Rated);
    let entries = rated.flat_map(|(case, source)| {
        RatedEdit::all_of(case, said).map(move |(item, is_judged)| Entry { item, source: source.clone(), is_judged })
    });
    entries.collect()
}

/// What is measured of which items.
struct Plan<T> {
    kind: SectionKind,
    name: String,
    definitions: Vec<Definition<T>>,
    /// With their numbers in the whole.
    entries: Vec<(usize, Entry<T>)>,
}

impl<T: Scored> Plan<T> {
    fn measured(self, rules: &MeasureRules, levels: &mut Levels) -> Result<Section, MeasureError> {
        let (judged, unjudged): (Vec<_>, Vec<_>) = self.entries.into_iter().partition(|(_, entry)| entry.is_judged);
        let sample = Sample {
            name: self.name,
            members: judged.iter().map(|(number, _)| *number).collect(),
            clusters: Clusters::by_key(judged.iter().map(|(_, entry)| entry.source.clone())),
            items: judged.into_iter().map(|(_, entry)| entry.item).collect(),
            unjudged: unjudged.into_iter().map(|(_, entry)| entry.item).collect(),
        };
        let metrics = self.definitions.iter().map(|definition| evaluate(definition, &sample, rules, levels));
        let metrics = metrics.collect::<Result<_, _>>()?;
        Ok(Section { kind: self.kind, name: sample.name, metrics })
    }
}

fn plan<T: Clone>(
    (kind, name): (SectionKind, String),
    definitions: Vec<Definition<T>>,
    entries: &[Entry<T>],
    is_in: impl Fn(&T) -> bool,
) -> Plan<T> {
    let entries = entries.iter().enumerate().filter(|(_, entry)| is_in(&entry.item));
    Plan { kind, name, definitions, entries: entries.map(|(number, entry)| (number, entry.clone())).collect() }
}

fn of_comparisons(preset: Preset, entries: &[Entry<Comparison>]) -> Vec<Plan<Comparison>> {
    if entries.is_empty() {
        return Vec::new();
    }
    let sizes: BTreeSet<usize> = entries.iter().map(|entry| entry.item.size()).collect();
    let datasets: BTreeSet<Arc<str>> = entries.iter().filter_map(|entry| entry.item.dataset.clone()).collect();
    let definitions = |size: Option<usize>| match preset {
        Preset::EditRewardBench => orders::groups_as_published(size),
        Preset::GenaiBench | Preset::AuroraBench => orders::pairs_as_published(),
        Preset::Imagenhub | Preset::Pairs | Preset::Ratings => orders::right_ones(sizes.iter().any(|size| *size > 2)),
    };
    let mut plans = vec![plan((SectionKind::All, "comparisons".to_owned()), definitions(None), entries, |_| true)];
    if sizes.len() > 1 || preset == Preset::EditRewardBench {
        plans.extend(sizes.iter().map(|size| {
            let name = (SectionKind::Candidates, format!("{size} candidates"));
            plan(name, definitions(Some(*size)), entries, |item| item.size() == *size)
        }));
    }
    plans.extend(datasets.iter().map(|dataset| {
        let name = (SectionKind::Dataset, format!("dataset {dataset}"));
        plan(name, definitions(None), entries, |item| item.dataset.as_ref() == Some(dataset))
    }));
    plans
}

/// One plan a model: its candidates against those of others.
fn models_of(entries: &[Entry<Comparison>]) -> Vec<Plan<Comparison>> {
    let models: BTreeSet<&String> = entries.iter().flat_map(|entry| entry.item.models.iter().flatten()).collect();
    let plans = models.into_iter().map(|model| {
        let pairs = entries.iter().enumerate().flat_map(|(number, entry)| {
            let pairs = entry.item.pairs_of_model(model);
            pairs.map(move |item| (number, Entry { item, source: entry.source.clone(), is_judged: entry.is_judged }))
        });
        let entries: Vec<_> = pairs.collect();
        Plan { kind: SectionKind::Model, name: format!("model {model}"), definitions: orders::of_model(), entries }
    });
    plans.filter(|plan| !plan.entries.is_empty()).collect()
}

fn of_ratings(preset: Preset, entries: &[Entry<RatedEdit>]) -> Vec<Plan<RatedEdit>> {
    if entries.is_empty() {
        return Vec::new();
    }
    let definitions = || match preset {
        Preset::Imagenhub => ratings::imagenhub(),
        Preset::AuroraBench => ratings::aurora_pointwise(),
        Preset::EditRewardBench | Preset::GenaiBench | Preset::Pairs | Preset::Ratings => ratings::right_ones(),
    };
    let datasets: BTreeSet<Arc<str>> = entries.iter().filter_map(|entry| entry.item.dataset.clone()).collect();
    let models: BTreeSet<Arc<str>> = entries.iter().map(|entry| entry.item.model.clone()).collect();
    let mut plans = vec![plan((SectionKind::All, "ratings".to_owned()), definitions(), entries, |_| true)];
    plans.extend(datasets.iter().map(|dataset| {
        let name = (SectionKind::Dataset, format!("ratings of dataset {dataset}"));
        plan(name, definitions(), entries, |item| item.dataset.as_ref() == Some(dataset))
    }));
    plans.extend(models.iter().map(|model| {
        let name = (SectionKind::Model, format!("ratings of model {model}"));
        plan(name, ratings::of_model(), entries, |item| item.model == *model)
    }));
    plans
}
