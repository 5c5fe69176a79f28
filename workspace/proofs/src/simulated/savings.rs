//! What policies cost at the gold of best-of-32, everything counted: denoising, previews, judgements.

use editscale_study::{Clusters, Interval, Resampling, bootstrap};
use serde_json::{Value, json};

use super::dial::{Dialled, dial, geometric};
use super::{Measured, Outcome, Seeds, interval, measure};
use crate::output::{Sheet, rounded};
use crate::recipes;
use crate::world::Setting;

/// How the chosen one is chosen, on both sides of a comparison.
#[derive(Debug, Clone, Copy)]
pub struct Choice {
    /// What tables call it.
    pub name: &'static str,
    /// The recipe's section for it.
    pub section: &'static str,
}

/// The highest score.
pub const RAW: Choice = Choice { name: "highest score", section: "" };

/// The highest lower bound of the score, which exploits of the judge do not reach: gold still rises with the number of
/// candidates, so that best-of-32 is harder to come up to.
pub const GUARDED: Choice = Choice { name: "highest lower bound", section: "\ncombine: {lower_bound: {kappa: 2.0}}" };

/// What all are compared with, and a choice's section after it.
const REFERENCE: &str = "search: {best_of_n: {samples: 32}}";

/// By how much the gold of the development requests must exceed that of best-of-32 before a dial is left where it stands: about
/// a standard error of the difference, so that luck on those requests is not what reaches it.
const MARGIN: f64 = 0.01;

/// The policies that are compared, each with its dial.
pub const POLICIES: &[Dialled] = &[
    Dialled {
        name: "best of n",
        setting: |effort| geometric(effort, 2.0, 128.0).round(),
        recipe: |_, samples| format!("search: {{best_of_n: {{samples: {samples}}}}}"),
    },
    Dialled {
        name: "threshold alone",
        setting: |effort| -1.0 + 7.0 * effort,
        recipe: |_, target| {
            format!("search: {{best_of_n: {{samples: 128, round: 1}}}}\nstop: {{target_score: {target:.4}}}")
        },
    },
    Dialled { name: "adaptive", setting: price, recipe: adaptive },
    Dialled {
        name: "pruning of a fixed number",
        setting: |effort| geometric(effort, 4.0, 256.0).round(),
        recipe: pruning,
    },
    Dialled { name: "adaptive with previews", setting: price, recipe: both },
];

/// The policies of the sweep.
pub const SWEPT: &[Dialled] = &[POLICIES[2], POLICIES[4]];

/// From the dearest candidates to the cheapest, in units of score.
fn price(effort: f64) -> f64 {
    geometric(effort, 1.0, 0.002)
}

fn adaptive(world: &Setting, edit: f64) -> String {
    let reward = edit * world.judge_price;
    format!(
        "search: {{adaptive: {{most: 128, probe: 4, round: 1, optimism: 0.5, prior: {{spread: 1.0, strength: 4}}, \
         cost: {{edit: {edit:.5}, reward: {reward:.6}}}}}}}"
    )
}

/// Half of the candidates go on at each preview, and what is left is finished: nothing is adapted.
fn pruning(world: &Setting, samples: f64) -> String {
    let [first, last] = world.checkpoints;
    let [samples, first, last] = [samples, first.into(), last.into()];
    format!(
        "search: {{preview_pruning: {{samples: {samples}, most: {samples}, checkpoints: [{first}, {last}], keep: 0.5}}}}"
    )
}

fn both(world: &Setting, edit: f64) -> String {
    let reward = edit * world.judge_price;
    let [first, last] = world.checkpoints;
    format!(
        "search: {{preview_pruning: {{samples: 8, most: 256, checkpoints: [{first}, {last}], keep: 0.5, round: 1, \
         cost: {{edit: {edit:.5}, reward: {reward:.6}}}}}}}"
    )
}

/// A policy at work on the reported requests.
#[derive(Debug, Clone)]
pub struct Priced {
    /// What tables call it.
    pub name: String,
    /// Its recipe.
    pub recipe: String,
    /// Whether its dial reached the gold that was asked for on the development requests.
    pub reaches: bool,
    /// What came of it.
    pub measured: Measured,
}

/// How many requests are for settings, and how many for figures.
#[derive(Debug, Clone, Copy)]
pub struct Requests {
    /// For settings.
    pub development: u64,
    /// For figures.
    pub reported: u64,
}

/// The reference and every policy of a list at the reference's gold, all choosing alike.
pub fn priced(
    world: &Setting,
    policies: &[Dialled],
    choice: Choice,
    requests: Requests,
) -> anyhow::Result<(Measured, Vec<Priced>)> {
    let reference = recipes::simulated(&format!("{REFERENCE}{}", choice.section))?;
    let on = |seeds, count| measure(world, &*reference, (seeds, count));
    let wanted = on(Seeds::Development, requests.development)?.mean(|outcome| outcome.gold) + MARGIN;
    let one = |policy: &Dialled| {
        let found = dial(world, (policy, choice.section), (wanted, requests.development))?;
        let measured = measure(world, &*recipes::simulated(&found.recipe)?, (Seeds::Reported, requests.reported))?;
        Ok(Priced { name: policy.name.to_owned(), recipe: found.recipe, reaches: found.reaches, measured })
    };
    let priced = policies.iter().map(one).collect::<anyhow::Result<_>>()?;
    Ok((on(Seeds::Reported, requests.reported)?, priced))
}

/// The cost of one policy as a share of another's, with its 95% interval over requests.
pub fn share(policy: &Measured, reference: &Measured) -> anyhow::Result<Interval> {
    let (costs, all) = (policy.each(|outcome| outcome.cost), reference.each(|outcome| outcome.cost));
    let ratio = |rows: &[usize]| {
        let sum = |of: &[f64]| rows.iter().map(|row| of[*row]).sum::<f64>();
        Some(sum(&costs) / sum(&all))
    };
    let found =
        bootstrap(&Clusters::singles(costs.len()), &Resampling { resamples: 1_000, ..Resampling::default() }, ratio)?;
    found.map(|found| found.interval).ok_or_else(|| anyhow::anyhow!("a share of nothing"))
}

/// The difference in gold, request by request, with its 95% interval.
pub fn difference(policy: &Measured, reference: &Measured) -> anyhow::Result<Interval> {
    let pairs = policy.0.iter().zip(&reference.0);
    Ok(interval(&pairs.map(|(one, other)| one.gold - other.gold).collect::<Vec<_>>())?)
}

/// The table of the study's own world.
pub fn study(world: &Setting, requests: Requests) -> anyhow::Result<Sheet> {
    let mut sheet = Sheet {
        name: "savings",
        caption: format!(
            "Policies at the gold of best-of-32: dials turned on {} development requests, figures of {} others, 95% intervals \
             over requests. Costs in whole edits, a judgement {} of one",
            requests.development, requests.reported, world.judge_price
        ),
        columns: vec![
            "choice",
            "policy",
            "recipe",
            "gold",
            "gold_difference",
            "difference_low",
            "difference_high",
            "cost",
            "cost_share",
            "share_low",
            "share_high",
            "denoising",
            "judgements",
            "begun",
            "finished",
        ],
        rows: Vec::new(),
    };
    for choice in [RAW, GUARDED] {
        let (reference, priced) = priced(world, POLICIES, choice, requests)?;
        let first = Priced {
            name: "best of 32".to_owned(),
            recipe: format!("{REFERENCE}{}", choice.section),
            reaches: true,
            measured: reference.clone(),
        };
        for policy in std::iter::once(first).chain(priced) {
            sheet.rows.push(row(choice, policy, &reference)?);
        }
    }
    Ok(sheet)
}

fn row(choice: Choice, policy: Priced, reference: &Measured) -> anyhow::Result<Vec<Value>> {
    let Priced { name, recipe, reaches, measured } = policy;
    let (gold, cost) = (difference(&measured, reference)?, share(&measured, reference)?);
    let mean = |of: fn(&Outcome) -> f64| measured.mean(of);
    let name = if reaches { name } else { format!("{name} (falls short)") };
    let numbers = [
        mean(|outcome| outcome.gold),
        gold.mean,
        gold.low,
        gold.high,
        mean(|outcome| outcome.cost),
        cost.mean,
        cost.low,
        cost.high,
        mean(|outcome| outcome.denoising),
        mean(|outcome| outcome.judgements),
        mean(|outcome| outcome.begun),
        mean(|outcome| outcome.finished),
    ];
    let cells = [json!(choice.name), json!(name), json!(recipe.replace('\n', "; "))];
    Ok(cells.into_iter().chain(numbers.map(rounded)).collect())
}
