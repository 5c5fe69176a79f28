//! Edits that people rated one by one, as the metrics see them.

use std::collections::BTreeMap;
use std::sync::Arc;

use editscale_study::average_ranks;

use super::Said;
use super::evaluate::Scored;
use crate::JudgedCase;

/// One edit with a rating and a score.
#[derive(Debug, Clone)]
pub(super) struct RatedEdit {
    /// Who made it; `unknown` where the file does not say it, as the published code puts it.
    pub(super) model: Arc<str>,
    /// What was asked for.
    pub(super) instruction: Arc<str>,
    /// The collection that the source comes from.
    pub(super) dataset: Option<Arc<str>>,
    /// The score of the judge.
    pub(super) predicted: f64,
    /// The rating of people.
    pub(super) human: f64,
}

impl RatedEdit {
    /// The rated edits of a case, with whether each has a score.
    pub(super) fn all_of<'a>(case: &'a JudgedCase, said: &'a Said) -> impl Iterator<Item = (RatedEdit, bool)> + 'a {
        let (instruction, dataset): (Arc<str>, _) =
            (Arc::from(&*case.instruction), case.dataset.as_deref().map(Arc::from));
        case.candidates.iter().filter_map(move |candidate| {
            let human = candidate.rating.filter(|rating| rating.is_finite())?;
            let score = said.of(candidate);
            let model = Arc::from(candidate.model.as_deref().unwrap_or("unknown"));
            let (instruction, dataset) = (instruction.clone(), dataset.clone());
            let edit = RatedEdit { model, instruction, dataset, predicted: score.unwrap_or(0.0), human };
            Some((edit, score.is_some()))
        })
    }
}

impl Scored for RatedEdit {
    fn size(&self) -> usize {
        1
    }

    fn with_scores(&self, scores: &[f64]) -> RatedEdit {
        RatedEdit { predicted: scores.first().copied().unwrap_or(0.0), ..self.clone() }
    }
}

/// Judged and unjudged edits together, as if the judge had put the latter where people would not: an edit without a score that
/// people put at a share q of its model's edits is put at 1 − q. Scores become shares of ranks, within the model, for that.
pub(super) fn with_worst(judged: &[RatedEdit], unjudged: &[RatedEdit]) -> Vec<RatedEdit> {
    let mut models: BTreeMap<&str, (Vec<&RatedEdit>, Vec<&RatedEdit>)> = BTreeMap::new();
    judged.iter().for_each(|edit| models.entry(&edit.model).or_default().0.push(edit));
    unjudged.iter().for_each(|edit| models.entry(&edit.model).or_default().1.push(edit));
    models.into_values().flat_map(|(judged, unjudged)| placed(&judged, &unjudged)).collect()
}

fn placed(judged: &[&RatedEdit], unjudged: &[&RatedEdit]) -> Vec<RatedEdit> {
    let scores = shares(&judged.iter().map(|edit| edit.predicted).collect::<Vec<f64>>());
    let people = shares(&judged.iter().chain(unjudged).map(|edit| edit.human).collect::<Vec<f64>>());
    let against = people.iter().skip(judged.len()).map(|share| 1.0 - share);
    let predicted = scores.into_iter().chain(against);
    let edits = judged.iter().chain(unjudged).zip(predicted);
    edits.map(|(edit, predicted)| RatedEdit { predicted, ..(*edit).clone() }).collect()
}

/// The place of each value among all, from 0 to 1.
fn shares(values: &[f64]) -> Vec<f64> {
    let ranks = average_ranks(values).unwrap_or_default();
    ranks.into_iter().map(|rank| (rank - 0.5) / values.len() as f64).collect()
}
