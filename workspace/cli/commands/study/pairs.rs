//! Groups against each other, request by request, at equal cost.

use anyhow::Result;
use editscale_page::number;
use editscale_study::compare::{Comparing, compare, holm};
use serde::Serialize;

use super::curves::Mean;
use super::paths::{budgets, golds};
use super::scores::Scored;
use crate::args::CostWord;

/// One comparison: the second group less the first.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Comparison {
    pub(super) first: String,
    pub(super) second: String,
    /// When so much was spent; null for the end of each run, whatever it cost.
    pub(super) budget: Option<f64>,
    /// Requests that both have.
    pub(super) requests: usize,
    pub(super) difference: Mean,
    pub(super) spread: f64,
    pub(super) detectable: f64,
    pub(super) p: f64,
    /// The same as it is among all comparisons of the study.
    pub(super) p_holm: f64,
    pub(super) exact: bool,
    pub(super) better: usize,
    pub(super) worse: usize,
    /// One a request.
    #[serde(skip)]
    pub(super) differences: Vec<f64>,
}

/// Every pair of groups at every budget; and what could not be compared, for people.
pub(super) fn comparisons(
    names: &[&str],
    groups: &[Vec<&Scored>],
    unit: CostWord,
    how: &Comparing,
) -> Result<(Vec<Comparison>, Vec<String>)> {
    let mut found = Vec::new();
    let budgets = budgets(groups, unit);
    let mut missing: Vec<Vec<String>> = vec![Vec::new(); budgets.len()];
    for second in 1..groups.len() {
        for first in 0..second {
            for (budget, missing) in budgets.iter().zip(&mut missing) {
                let sides = [first, second].map(|place| (names[place], &groups[place][..]));
                match pair(sides, (unit, *budget), how)? {
                    Ok(comparison) => found.push(comparison),
                    Err(pair) => missing.push(pair),
                }
            }
        }
    }
    let p: Vec<f64> = found.iter().map(|comparison| comparison.p).collect();
    found.iter_mut().zip(holm(&p)).for_each(|(comparison, p)| comparison.p_holm = p);
    let remarks = budgets.iter().zip(&missing).filter_map(|(budget, pairs)| not_compared(*budget, unit, pairs));
    Ok((found, remarks.collect()))
}

/// Which pairs are not compared at a budget, and why.
fn not_compared(budget: Option<f64>, unit: CostWord, pairs: &[String]) -> Option<String> {
    let at = budget.map_or_else(|| "in the end".to_owned(), |budget| format!("at {} {}", number(budget), unit.title()));
    (!pairs.is_empty()).then(|| {
        format!(
            "not compared {at}: {}; it takes two common requests for which both have a choice by then",
            pairs.join(", ")
        )
    })
}

fn pair(
    [(first, own), (second, other)]: [(&str, &[&Scored]); 2],
    (unit, budget): (CostWord, Option<f64>),
    how: &Comparing,
) -> Result<Result<Comparison, String>> {
    let [own, other] = [own, other].map(|runs| golds(runs, unit, budget));
    let both: Vec<(f64, f64)> = own.iter().filter_map(|(request, gold)| Some((*gold, *other.get(request)?))).collect();
    if both.len() < 2 {
        let common = both.len();
        return Ok(Err(format!("{second} and {first} (they have {common})")));
    }
    let (own, other): (Vec<f64>, Vec<f64>) = both.into_iter().unzip();
    let found = compare(&own, &other, how)?;
    Ok(Ok(Comparison {
        first: first.to_owned(),
        second: second.to_owned(),
        budget,
        requests: found.requests,
        difference: Mean::of(&found),
        spread: found.spread,
        detectable: found.detectable,
        p: found.test.p,
        p_holm: found.test.p,
        exact: found.test.is_exact,
        better: found.better,
        worse: found.worse,
        differences: own.iter().zip(&other).map(|(own, other)| other - own).collect(),
    }))
}
