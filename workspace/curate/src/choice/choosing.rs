//! The choice put together: what is kept, and what people want to know of it.

use std::collections::BTreeMap;

use editscale_study::StudyError;
use editscale_study::curation::{
    DropReason, DropTally, Histogram, KappaPoint, Overlap, Ranked, Side, distributions, lower_bound, overlap,
};

use super::reading::{Pool, read};
use super::selection::{By, Code, near_duplicates, select};
use super::sides::sides;
use super::{ChoiceError, Chosen, Fate, Fated, Keep, Override, Overrides, Rules, ShareOut, StratumScores};
use crate::Record;

/// Bins of a stratum's scores.
const BINS: usize = 40;

/// Chooses what is kept of a judged data set: reads the records once, in any order, and keeps numbers of them. Equal records
/// give equal choices, in whatever order they come.
///
/// Each record has the first reason to be dropped that applies, in the order of [`Rules`]. What people said comes first: a
/// record that they reject is out of all comparisons, and one that they keep is there before all others, so that quotas hold
/// and as many are kept as were asked for where people do not keep more.
///
/// Fails where records cannot be read or come twice, on rules out of their ranges, and on gates, columns, strata and people's
/// words that no record knows.
pub fn choose<E: std::error::Error + 'static>(
    records: impl IntoIterator<Item = Result<Record, E>>,
    rules: &Rules,
    overrides: &Overrides,
) -> Result<Chosen, ChoiceError<E>> {
    if let Some(mistake) = rules.mistake() {
        return Err(ChoiceError::Rule(mistake));
    }
    rules.gates.iter().try_for_each(editscale_study::curation::Gate::check)?;
    let pool = read(records, rules, overrides)?;
    Ok(describe(&Choosing::new(&pool, rules)?)?)
}

/// A choice that has been made.
struct Choosing<'a> {
    pool: &'a Pool,
    rules: &'a Rules,
    near: Vec<u32>,
    near_duplicate_groups: u64,
    bounds: Vec<f64>,
    codes: Vec<Code>,
}

/// What each record is compared by at this κ; no number where it has no bound.
fn bounds(pool: &Pool, rules: &Rules, kappa: f64) -> Vec<f64> {
    let number = |value: f64| Some(value).filter(|value| !value.is_nan());
    let bound = |score, sigma| lower_bound(score, number(sigma), kappa, rules.without_sigma);
    pool.entries.iter().map(|entry| bound(entry.score, entry.sigma).unwrap_or(f64::NAN)).collect()
}

impl<'a> Choosing<'a> {
    fn new(pool: &'a Pool, rules: &'a Rules) -> Result<Self, StudyError> {
        let bounds = bounds(pool, rules, rules.kappa);
        let (near, near_duplicate_groups) = near_duplicates(pool, rules.near_duplicates)?;
        let by = By { bounds: &bounds, at_least: rules.at_least, keep: rules.keep };
        let codes = select(pool, &near, rules, by);
        Ok(Self { pool, rules, near, near_duplicate_groups, bounds, codes })
    }

    /// The records that are kept by other numbers.
    fn kept_by(&self, by: By<'_>) -> Vec<u64> {
        kept(&select(self.pool, &self.near, self.rules, by))
    }

    fn kappas(&self) -> Vec<KappaPoint> {
        if !self.pool.has_sigma() {
            return Vec::new();
        }
        let reference = kept(&self.codes);
        let point = |kappa: &f64| {
            let bounds = bounds(self.pool, self.rules, *kappa);
            let by = By { bounds: &bounds, at_least: self.rules.at_least, keep: self.rules.keep };
            let kept = self.kept_by(by);
            let lowest = self.lowest(&bounds, kept.iter().copied());
            KappaPoint { kappa: *kappa, overlap: overlap(&reference, &kept), lowest }
        };
        self.rules.other_kappas.iter().map(point).collect()
    }

    /// As many by each reward alone: what it says has a scale of its own, and so there is no threshold.
    fn judges(&self) -> Vec<(String, Overlap)> {
        let reference = kept(&self.codes);
        let mut judges = Vec::with_capacity(self.pool.parts.len());
        for (name, said) in &self.pool.parts {
            let bounds: Vec<f64> = self.pool.entries.iter().map(|entry| said[entry.came as usize]).collect();
            let by = By { bounds: &bounds, at_least: None, keep: Keep::Top(reference.len() as u64) };
            judges.push((name.clone(), overlap(&reference, &self.kept_by(by))));
        }
        judges
    }

    /// The lowest bound of these records, those that a person keeps left out.
    fn lowest(&self, bounds: &[f64], records: impl Iterator<Item = u64>) -> Option<f64> {
        let by_rule = records.filter(|number| self.pool.entries[*number as usize].word != Some(Override::Keep));
        by_rule.map(|number| bounds[number as usize]).min_by(f64::total_cmp)
    }

    /// The same of each stratum, where each has a part of its own.
    fn lowest_of_strata(&self) -> Vec<Option<f64>> {
        if self.rules.strata.share_out == ShareOut::Freely {
            return Vec::new();
        }
        let mut lowest: Vec<Option<f64>> = vec![None; self.pool.strata.len()];
        for (number, entry) in self.pool.entries.iter().enumerate() {
            let Some(lowest) = lowest.get_mut(entry.stratum as usize) else { continue };
            if self.codes[number] == Code::Kept && entry.word.is_none() {
                let bound = self.bounds[number];
                *lowest = Some(lowest.map_or(bound, |known| known.min(bound)));
            }
        }
        lowest
    }

    /// How many bounds are within their own σ of the lowest that was kept, of their stratum where each has a part of its own.
    fn near_lowest(&self) -> u64 {
        if self.rules.keep == Keep::All && self.rules.at_least.is_none() {
            return 0;
        }
        let entries = || (0..).zip(&self.pool.entries).filter(|(_, entry)| entry.word.is_none());
        let (all, of_strata) = (self.lowest(&self.bounds, kept(&self.codes).into_iter()), self.lowest_of_strata());
        let lowest = |stratum: u32| {
            let found = if of_strata.is_empty() { all } else { of_strata.get(stratum as usize).copied().flatten() };
            found.unwrap_or(f64::INFINITY)
        };
        let compared = [Code::Kept, Code::Bound, Code::StratumFull, Code::BelowCut];
        let is_near = |(number, entry): &(usize, &super::reading::Entry)| {
            compared.contains(&self.codes[*number])
                && (self.bounds[*number] - lowest(entry.stratum)).abs() <= entry.sigma
        };
        entries().filter(is_near).count() as u64
    }

    fn reason(&self, number: usize) -> Option<DropReason> {
        Some(match self.codes[number] {
            Code::Kept => return None,
            Code::Rejected => DropReason::Rejected,
            Code::Unscored => DropReason::Unscored,
            Code::Gate => {
                let gate = self.rules.gates.get(usize::from(self.pool.entries[number].gate));
                DropReason::Gate(gate.map_or_else(String::new, |gate| gate.part.clone()))
            }
            Code::Bound => DropReason::Bound,
            Code::NotBestOfRow => DropReason::NotBestOfRow,
            Code::NearDuplicate => DropReason::NearDuplicate,
            Code::ClusterFull => DropReason::ClusterFull,
            Code::StratumFull => DropReason::StratumFull,
            Code::BelowCut => DropReason::BelowCut,
        })
    }

    fn fated(&self, sides: &[Side]) -> Vec<Fated> {
        let number = |value: f64| Some(value).filter(|value| !value.is_nan());
        let fated = |(place, entry): (usize, &super::reading::Entry)| Fated {
            row: entry.row,
            candidate: entry.candidate,
            score: number(entry.score),
            bound: number(self.bounds[place]),
            stratum: entry.stratum,
            side: sides[place],
            fate: self.reason(place).map_or(Fate::Kept(sides[place]), Fate::Dropped),
        };
        self.pool.entries.iter().enumerate().map(fated).collect()
    }
}

fn kept(codes: &[Code]) -> Vec<u64> {
    (0..).zip(codes).filter(|(_, code)| **code == Code::Kept).map(|(number, _)| number).collect()
}

fn describe(choosing: &Choosing<'_>) -> Result<Chosen, StudyError> {
    let fated = choosing.fated(&sides(choosing.pool, &choosing.rules.split)?);
    Ok(Chosen {
        strata: choosing.pool.strata.clone(),
        dropped: dropped(&fated, choosing.rules.examples),
        distributions: scores(&fated, choosing.rules.examples)?,
        kappas: choosing.kappas(),
        judges: choosing.judges(),
        near_duplicate_groups: choosing.near_duplicate_groups,
        lowest: choosing.lowest(&choosing.bounds, kept(&choosing.codes).into_iter()),
        lowest_of_strata: choosing.lowest_of_strata(),
        near_lowest: choosing.near_lowest(),
        fated,
    })
}

fn dropped(fated: &[Fated], examples: usize) -> BTreeMap<DropReason, (u64, Vec<u64>)> {
    let mut tally = DropTally::new(examples);
    for (place, fated) in (0..).zip(fated) {
        if let Fate::Dropped(reason) = &fated.fate {
            tally.count(place, reason.clone());
        }
    }
    tally.reasons().map(|(reason, dropped)| (reason.clone(), (dropped.rows, dropped.examples.clone()))).collect()
}

fn scores(fated: &[Fated], examples: usize) -> Result<BTreeMap<u32, StratumScores>, StudyError> {
    let scored = || (0..).zip(fated).filter_map(|(row, fated)| Some((fated, Ranked { row, score: fated.score? })));
    let described = distributions(scored().map(|(fated, ranked)| (fated.stratum, ranked)), examples)?;
    let mut strata = BTreeMap::new();
    for (stratum, all) in described {
        let empty: Histogram = all.histogram([], BINS)?;
        strata.insert(stratum, StratumScores { all, bins: empty.clone(), kept: empty });
    }
    for (fated, ranked) in scored() {
        let Some(of) = strata.get_mut(&fated.stratum) else { continue };
        of.bins.count(ranked.score);
        if matches!(fated.fate, Fate::Kept(_)) {
            of.kept.count(ranked.score);
        }
    }
    Ok(strata)
}
