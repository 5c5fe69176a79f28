//! What each group would have chosen at every cost, and what it came to in the end.

use std::collections::BTreeMap;

use anyhow::Result;
use editscale_study::compare::pareto_front;
use editscale_study::scaling::Estimate;
use serde::Serialize;

use super::curves::Mean;
use super::scores::{Candidate, Scored};
use crate::args::CostWord;

/// How many costs a path is drawn at.
const STEPS: u32 = 16;

/// Shares of the budget that all groups have, at which they are compared.
const SHARES: [f64; 3] = [0.25, 0.5, 1.0];

/// A group's choice as its spending goes on.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Path {
    pub(super) group: String,
    pub(super) points: Vec<At>,
}

/// The mean gold of what was chosen when so much was spent.
#[derive(Debug, Clone, Serialize)]
pub(super) struct At {
    pub(super) budget: f64,
    pub(super) gold: Mean,
}

/// How far a group is ahead of another as their spending goes on.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Lead {
    pub(super) group: String,
    pub(super) than: String,
    pub(super) points: Vec<Ahead>,
}

/// The mean difference of the golds over common requests when each had spent so much.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Ahead {
    pub(super) budget: f64,
    pub(super) difference: Mean,
}

/// What groups came to, in one unit of cost.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Front {
    pub(super) cost: &'static str,
    pub(super) groups: Vec<Ended>,
}

/// What one group came to.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Ended {
    pub(super) group: String,
    pub(super) requests: usize,
    pub(super) spent: Mean,
    pub(super) gold: Mean,
    pub(super) is_on_front: bool,
}

/// The gold of each request's choice.
pub(super) type Golds<'a> = BTreeMap<&'a str, f64>;

impl Scored {
    /// The gold of what would have been chosen when `budget` was spent; what the run chose in the end once all is spent. Nothing before
    /// there was a choice, and where what was chosen has no gold.
    fn gold_at(&self, unit: CostWord, budget: f64) -> Option<f64> {
        // Sums of money and time can differ in their last digits.
        let is_within = |spent: f64| spent <= budget * (1.0 + 1e-12);
        if is_within(unit.of(&self.spent)) {
            return self.final_gold();
        }
        let known = self.candidates.iter().filter(|candidate| is_within(unit.of(&candidate.known_at)));
        let chosen = known.filter_map(|candidate| Some((candidate.utility?, candidate)));
        // Of equals the first, as policies have it.
        let best = chosen.fold(None, |best: Option<(f64, &Candidate)>, one| match best {
            Some(best) if best.0 >= one.0 => Some(best),
            _ => Some(one),
        });
        best.and_then(|(_, candidate)| candidate.gold)
    }

    /// The gold of what the run chose.
    pub(super) fn final_gold(&self) -> Option<f64> {
        let winner = self.winner?;
        self.candidates.iter().find(|candidate| candidate.id == winner)?.gold
    }
}

/// One gold a request at this budget, or in the end: the mean over the runs of the request. A request of which a run has no choice
/// yet is left out.
pub(super) fn golds<'a>(runs: &[&'a Scored], unit: CostWord, budget: Option<f64>) -> Golds<'a> {
    let gold = |run: &Scored| budget.map_or_else(|| run.final_gold(), |budget| run.gold_at(unit, budget));
    let mut by_request: BTreeMap<&str, Vec<Option<f64>>> = BTreeMap::new();
    for run in runs {
        by_request.entry(&run.request).or_default().push(gold(run));
    }
    let whole = |(request, golds): (&'a str, Vec<Option<f64>>)| {
        let golds: Option<Vec<f64>> = golds.into_iter().collect();
        golds.map(|golds| (request, mean(&golds)))
    };
    by_request.into_iter().filter_map(whole).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The costs that curves are drawn at.
fn steps(most: f64) -> impl Iterator<Item = f64> {
    (1..=STEPS).map(move |step| most * f64::from(step) / f64::from(STEPS))
}

/// What the longest of these runs spent.
fn longest(runs: &[&Scored], unit: CostWord) -> f64 {
    runs.iter().map(|run| unit.of(&run.spent)).fold(0.0, f64::max)
}

/// The path of one group over the costs up to `most`, from where all its requests have a choice to where all its runs have ended.
pub(super) fn path(name: &str, runs: &[&Scored], (unit, most): (CostWord, f64), confidence: f64) -> Result<Path> {
    let requests = golds(runs, unit, None).len();
    let ends = longest(runs, unit);
    let mut points = Vec::new();
    for budget in steps(most) {
        let golds: Vec<f64> = golds(runs, unit, Some(budget)).into_values().collect();
        if golds.len() == requests && requests > 0 {
            points.push(At { budget, gold: Estimate::of(&golds, confidence)?.into() });
        }
        if budget >= ends {
            break;
        }
    }
    Ok(Path { group: name.to_owned(), points })
}

/// What one group is ahead of the first by, request by request, where both have a choice for every common request, to where all
/// runs of both have ended.
pub(super) fn lead(
    [(than, first), (group, other)]: [(&str, &[&Scored]); 2],
    (unit, most): (CostWord, f64),
    confidence: f64,
) -> Result<Lead> {
    let ahead = |budget: Option<f64>| -> Vec<f64> {
        let [first, other] = [first, other].map(|runs| golds(runs, unit, budget));
        first.iter().filter_map(|(request, gold)| Some(other.get(request)? - gold)).collect()
    };
    let (requests, ends) = (ahead(None).len(), longest(first, unit).max(longest(other, unit)));
    let mut points = Vec::new();
    for budget in steps(most) {
        let differences = ahead(Some(budget));
        if differences.len() == requests && requests > 0 {
            points.push(Ahead { budget, difference: Estimate::of(&differences, confidence)?.into() });
        }
        if budget >= ends {
            break;
        }
    }
    Ok(Lead { group: group.to_owned(), than: than.to_owned(), points })
}

/// The costs at which groups are compared: shares of what the cheapest group's typical run spends, and none for the end of each
/// run, whatever it cost. Counts are whole.
pub(super) fn budgets(groups: &[Vec<&Scored>], unit: CostWord) -> Vec<Option<f64>> {
    let typical = |runs: &Vec<&Scored>| {
        let mut spent: Vec<f64> = runs.iter().map(|run| unit.of(&run.spent)).collect();
        spent.sort_by(f64::total_cmp);
        spent.get(spent.len() / 2).copied().unwrap_or(0.0)
    };
    let least = groups.iter().map(typical).fold(f64::INFINITY, f64::min);
    let is_count = matches!(unit, CostWord::Edits | CostWord::RewardCalls | CostWord::Nfe);
    let at = |share: f64| if is_count { (least * share).round() } else { least * share };
    let mut found: Vec<Option<f64>> = SHARES.iter().map(|share| Some(at(*share))).collect();
    found.retain(|budget| budget.is_some_and(|budget| budget > 0.0 && budget.is_finite()));
    found.dedup();
    found.push(None);
    found
}

/// What groups came to in this unit; nothing where none of them spent any of it.
pub(super) fn front(names: &[&str], groups: &[Vec<&Scored>], unit: CostWord, confidence: f64) -> Result<Option<Front>> {
    let mut ended = Vec::with_capacity(groups.len());
    for (name, runs) in names.iter().zip(groups) {
        let golds: Vec<f64> = golds(runs, unit, None).into_values().collect();
        let spent: Vec<f64> = runs.iter().map(|run| unit.of(&run.spent)).collect();
        if golds.is_empty() {
            continue;
        }
        let [spent, gold] = [&spent, &golds].map(|values| Estimate::of(values, confidence));
        let (group, requests) = ((*name).to_owned(), golds.len());
        ended.push(Ended { group, requests, spent: spent?.into(), gold: gold?.into(), is_on_front: false });
    }
    let points: Vec<(f64, f64)> = ended.iter().map(|ended| (ended.spent.mean, ended.gold.mean)).collect();
    if points.iter().all(|(spent, _)| *spent == 0.0) {
        return Ok(None);
    }
    ended.iter_mut().zip(pareto_front(&points)).for_each(|(ended, is_on_front)| ended.is_on_front = is_on_front);
    Ok(Some(Front { cost: unit.word(), groups: ended }))
}

#[cfg(test)]
mod tests {
    use editscale_core::{CandidateId, Ledger};

    use super::*;

    fn run(request: &str, candidates: &[(u64, f64, f64)], winner: u32, edits: u64) -> Scored {
        let spent = |edits| Ledger { edits, ..Ledger::default() };
        let one = |(place, (edits, utility, gold)): (usize, &(u64, f64, f64))| Candidate {
            id: CandidateId(place as u32),
            is_fresh: true,
            known_at: spent(*edits),
            utility: Some(*utility),
            proxy: Some(*utility),
            gold: Some(*gold),
        };
        Scored {
            group: 0,
            request: request.to_owned(),
            label: request.to_owned(),
            seed: 0,
            candidates: candidates.iter().enumerate().map(one).collect(),
            winner: Some(CandidateId(winner)),
            spent: spent(edits),
        }
    }

    #[test]
    fn what_is_chosen_at_a_budget_is_the_best_known_by_then() {
        let found = run("a", &[(1, 0.2, 0.5), (2, 0.9, 0.1), (3, 0.5, 0.7), (4, 0.9, 0.6)], 2, 5);
        for (budget, expected) in
            [(0.0, None), (1.0, Some(0.5)), (2.5, Some(0.1)), (4.0, Some(0.1)), (5.0, Some(0.7)), (99.0, Some(0.7))]
        {
            assert_eq!(found.gold_at(CostWord::Edits, budget), expected, "{budget}");
        }
    }

    #[test]
    fn seeds_are_averaged_and_requests_without_a_choice_left_out() {
        let runs =
            [run("a", &[(1, 1.0, 0.2)], 0, 2), run("a", &[(2, 1.0, 0.6)], 0, 2), run("b", &[(1, 1.0, 0.9)], 0, 2)];
        let runs: Vec<&Scored> = runs.iter().collect();
        assert_eq!(golds(&runs, CostWord::Edits, Some(1.0)).into_iter().collect::<Vec<_>>(), [("b", 0.9)]);
        assert_eq!(golds(&runs, CostWord::Edits, Some(2.0)).into_values().collect::<Vec<_>>(), [0.4, 0.9]);
        let found = path("g", &runs, (CostWord::Edits, 4.0), 0.95).unwrap();
        // From where both requests have a choice to where all runs have ended.
        assert_eq!((found.points.len(), found.points[0].budget), (1, 2.0));
    }

    #[test]
    fn a_lead_is_over_common_requests() {
        let first = [run("a", &[(1, 1.0, 0.2), (2, 2.0, 0.4)], 1, 2), run("b", &[(1, 1.0, 0.9)], 0, 2)];
        let other = [run("a", &[(2, 1.0, 0.5)], 0, 4), run("c", &[(1, 1.0, 0.1)], 0, 4)];
        let [first, other] = [&first, &other].map(|runs| runs.iter().collect::<Vec<&Scored>>());
        let found = lead([("g", &first), ("h", &other)], (CostWord::Edits, 4.0), 0.95).unwrap();
        assert_eq!((&*found.group, &*found.than), ("h", "g"));
        // From where both have a choice for `a`, the one common request, to the end of the longer.
        let points: Vec<(f64, f64)> = found.points.iter().map(|at| (at.budget, at.difference.mean)).collect();
        assert_eq!((points.len(), points[0].0), (9, 2.0));
        assert!(points.iter().all(|(_, difference)| (difference - 0.1).abs() < 1e-12), "{points:?}");
    }

    #[test]
    fn budgets_are_shares_of_the_cheapest_group() {
        let (cheap, dear) = (run("a", &[(1, 1.0, 0.2)], 0, 8), run("a", &[(1, 1.0, 0.4)], 0, 24));
        let groups = [vec![&dear], vec![&cheap]];
        assert_eq!(budgets(&groups, CostWord::Edits), [Some(2.0), Some(4.0), Some(8.0), None]);
        assert_eq!(budgets(&groups, CostWord::Usd), [None]);
        let found = front(&["dear", "cheap"], &groups, CostWord::Edits, 0.95).unwrap().unwrap();
        assert!(found.groups.iter().all(|ended| ended.is_on_front));
        assert!(front(&["dear", "cheap"], &groups, CostWord::Usd, 0.95).unwrap().is_none());
    }
}
