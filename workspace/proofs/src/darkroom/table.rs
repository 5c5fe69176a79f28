//! Tables of what policies are worth at equal cost.

use editscale_study::compare::{Comparing, compare};
use serde_json::{Value, json};

use super::policies::BASELINE;
use super::prices::{EDIT, Prices};
use super::{Case, Found, Outcome};
use crate::output::{Sheet, rounded};
use crate::simulated::interval;

/// An empty table.
pub(super) fn sheet(name: &'static str, requests: usize, prices: Prices) -> Sheet {
    let judgement = prices.judgement as f64 / EDIT as f64;
    let columns = vec![
        "policy",
        "against",
        "budget_edits",
        "edits",
        "judgements",
        "critiques",
        "spent",
        "gold",
        "low",
        "high",
        "photometric",
        "difference",
        "difference_low",
        "difference_high",
        "p",
    ];
    let caption = format!(
        "The held-out judge's gold of what each policy chose, {requests} requests, 95% intervals over requests; differences to \
         the policy under `against` with the same budget on the same requests, with a permutation test. The budget is \
         so many plain edits with one judgement each; a judgement by any reward and a critique cost {judgement} of a plain edit, \
         a draft 0.25. `spent` is the share of the budget that was spent"
    );
    Sheet { name, caption, columns, rows: Vec::new() }
}

/// The row of a case.
pub(super) fn row(case: &Case, found: &Found) -> anyhow::Result<Vec<Value>> {
    let (name, judgement, candidates) = case.key();
    let outcomes = &found[&(name, judgement, candidates)];
    let gold = interval(&golds(outcomes))?;
    let against = &found[&(case.policy.against, judgement, candidates)];
    let against = compare(&golds(against), &golds(outcomes), &Comparing::default())?;
    let compared = [against.difference.mean, against.difference.low, against.difference.high, against.test.p];
    let is_baseline = name == BASELINE;
    let means: [fn(&Outcome) -> f64; 4] = [|one| one.edits, |one| one.judgements, |one| one.critiques, |one| one.spent];
    let numbers = means.map(|of| mean(outcomes, of)).into_iter();
    let numbers = numbers.chain([gold.mean, gold.low, gold.high, mean(outcomes, |one| one.photometric)]);
    let numbers = numbers.chain(compared.map(|value| if is_baseline { f64::NAN } else { value }));
    let words = [json!(name), json!(if is_baseline { "" } else { case.policy.against }), json!(candidates)];
    Ok(words.into_iter().chain(numbers.map(rounded)).collect())
}

fn mean(outcomes: &[Outcome], of: fn(&Outcome) -> f64) -> f64 {
    outcomes.iter().map(of).sum::<f64>() / outcomes.len() as f64
}

pub(super) fn golds(outcomes: &[Outcome]) -> Vec<f64> {
    outcomes.iter().map(|outcome| outcome.gold).collect()
}
