//! The views of a group: its pairs, its best and worst, its weighted candidates.
//!
//! A candidate is in a view if it has a finished picture and a reward: previews are not what a model is to learn.

use super::candidate::{Entry, Pick};
use super::{BestWorstRules, SftRules};
use crate::group::{CandidateRow, Said};
use crate::pack::Pack;
use crate::pairs::{PairRules, Rated, best_worst, pairs, sft_weights};

/// Candidates of a pack that views are made of.
pub(super) struct Usable<'a> {
    plain: Entry<'a>,
    rated: Vec<Rated>,
}

impl<'a> Usable<'a> {
    /// Those of a pack that has candidates.
    pub(super) fn of(pack: &'a Pack, trajectories: Option<&'a str>) -> Option<Self> {
        let candidate = pack.group.candidates.first()?;
        let rated = pack.group.candidates.iter().filter_map(rated).collect();
        Some(Self { plain: Entry { pack, candidate, trajectories, pick: Pick::Any }, rated })
    }

    fn find(&self, rated: &Rated) -> Option<&'a CandidateRow> {
        let candidates = &self.plain.pack.group.candidates;
        // Candidates usually stand where their number says.
        let usual = candidates.get(rated.candidate as usize).filter(|each| each.candidate == rated.candidate);
        usual.or_else(|| candidates.iter().find(|each| each.candidate == rated.candidate))
    }

    fn entry(&self, rated: &Rated, pick: Pick<'a>) -> Option<Entry<'a>> {
        Some(Entry { candidate: self.find(rated)?, pick, ..self.plain })
    }

    /// Equal pictures make no pair: nothing can be better than itself, whatever a reward that wavers says.
    pub(super) fn pairs(&self, rules: &PairRules) -> Vec<Entry<'a>> {
        let digest = |row: &'a CandidateRow| row.image.as_ref().map(|image| &image.digest);
        let entries = pairs(rules, &self.rated).into_iter().filter_map(|pair| {
            let rejected = self.find(&pair.rejected)?;
            let entry = self.entry(&pair.chosen, Pick::Above { rejected, margin: pair.margin() })?;
            (digest(entry.candidate) != digest(rejected)).then_some(entry)
        });
        entries.collect()
    }

    pub(super) fn best_worst(&self, rules: BestWorstRules) -> Vec<Entry<'a>> {
        let (best, worst) = best_worst(rules.k as usize, &self.rated);
        let ends = [("best", best), ("worst", worst)];
        let entries = ends.iter().flat_map(|(side, end)| {
            (0..).zip(end).filter_map(move |(place, rated)| self.entry(rated, Pick::End { side, place }))
        });
        entries.collect()
    }

    pub(super) fn sft(&self, rules: SftRules) -> Vec<Entry<'a>> {
        let mut rated = self.rated.clone();
        if let Some(most) = rules.most {
            rated.sort_by(|one, other| other.reward.total_cmp(&one.reward).then(one.candidate.cmp(&other.candidate)));
            rated.truncate(most as usize);
            rated.sort_by_key(|each| each.candidate);
        }
        let rewards: Vec<f64> = rated.iter().map(|each| each.reward).collect();
        let shares = sft_weights(rules.temperature, &rewards);
        let effective_sample_size = shares.effective_sample_size;
        let weighted = rated.iter().zip(shares.weights);
        weighted.filter_map(|(each, weight)| self.entry(each, Pick::Weight { weight, effective_sample_size })).collect()
    }
}

fn rated(row: &CandidateRow) -> Option<Rated> {
    let is_finished = row.image.is_some() && row.until_step.is_none();
    let reward = row.reward.filter(|reward| is_finished && reward.is_finite())?;
    Some(Rated { candidate: row.candidate, reward, sigma: sigma(row) })
}

/// The reward's uncertainty, where one score is all that it was made of.
fn sigma(row: &CandidateRow) -> Option<f64> {
    let mut said = row.scores.values();
    match (said.next(), said.next()) {
        (Some(Said::Score { sigma, .. }), None) => *sigma,
        _ => None,
    }
}
