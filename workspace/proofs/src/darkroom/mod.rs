//! Policies on real photographs: the embedded editor, its reward `photometric`, and a judge that no policy sees.

pub mod held_out;
pub mod photos;
pub mod requests;
pub mod studio;

use editscale_config::Recipe;
use editscale_core::{Budget, SearchFactory};
use editscale_page::plot::{Axis, Line, LinePoint, Lines};
use editscale_study::compare::{Comparing, compare};
use rayon::prelude::*;
use serde_json::json;

use crate::output::{Findings, Plot, Sheet, rounded};
use crate::simulated::interval;
use crate::world::drive;
use requests::REQUESTS;
use studio::{Equipment, Studio, catalogue};

/// The root seed of the first request; no other study has these.
const FIRST_SEED: u64 = 600_000;

/// The budgets, in edits, each with a judgement.
const BUDGETS: [u32; 5] = [2, 4, 8, 16, 32];

/// The policies: a name, and the recipe that spends so many edits.
type Policy = (&'static str, fn(u32) -> String);

const POLICIES: &[Policy] = &[
    (BASELINE, |edits| format!("search: {{best_of_n: {{samples: {edits}}}}}")),
    ("beam", |_| {
        "search: {beam: {width: 2, children: 4, depth: 40, edges: {re_edit: 2, edit_of_edit: 1, fresh: 1}}}".to_owned()
    }),
    ("beam, re-edits alone", |_| {
        "search: {beam: {width: 2, children: 4, depth: 40, edges: {re_edit: 1, edit_of_edit: 0, fresh: 0}}}".to_owned()
    }),
    ("reward-weighted, 4 share the weight", |edits| {
        format!("search: {{reward_weighted: {{samples: {edits}, draw: 1, target_ess: {}}}}}", edits.min(4))
    }),
];

/// What all are compared with.
const BASELINE: &str = "best of n";

/// What came of one policy and budget on one request.
#[derive(Debug, Clone, Copy)]
struct Outcome {
    gold: f64,
    score: f64,
    edits: f64,
    judgements: f64,
}

/// The study; `quick` over a few requests and budgets.
pub fn study(quick: bool) -> anyhow::Result<Findings> {
    let budgets = if quick { &BUDGETS[..2] } else { &BUDGETS[..] };
    let requests = if quick { 4 } else { REQUESTS.len() };
    let of_policy = |(_, recipe): &Policy| -> anyhow::Result<Vec<Recipe>> {
        budgets.iter().map(|edits| policy(&recipe(*edits))).collect()
    };
    let recipes: Vec<Vec<Recipe>> = POLICIES.iter().map(of_policy).collect::<anyhow::Result<_>>()?;
    let all: Vec<Vec<Vec<Outcome>>> =
        (0..requests).into_par_iter().map(|number| one(number, &recipes, budgets)).collect::<anyhow::Result<_>>()?;
    let of =
        |policy: usize, budget: usize| -> Vec<Outcome> { all.iter().map(|request| request[policy][budget]).collect() };
    let mut sheet = Sheet {
        name: "equal-cost",
        caption: format!(
            "The held-out judge's gold of what each policy chose by `photometric`, {requests} requests, 95% intervals over \
             requests; differences to best of n on the same requests, with a permutation test"
        ),
        columns: vec![
            "policy",
            "budget_edits",
            "edits",
            "judgements",
            "gold",
            "low",
            "high",
            "photometric",
            "difference",
            "difference_low",
            "difference_high",
            "p",
        ],
        rows: Vec::new(),
    };
    let mut lines = Vec::new();
    for (place, (name, _)) in POLICIES.iter().enumerate() {
        let mut points = Vec::new();
        for (at, edits) in budgets.iter().enumerate() {
            let outcomes = of(place, at);
            let found = interval(&golds(&outcomes))?;
            points.push(LinePoint { x: f64::from(*edits), y: found.mean, band: Some([found.low, found.high]) });
            sheet.rows.push(row((*name, *edits), &outcomes, &of(0, at))?);
        }
        lines.push(Line { name: (*name).to_owned(), points, is_dashed: *name == BASELINE });
    }
    let drawn = Lines {
        alt: "Gold against the budget in edits, for each policy".to_owned(),
        x: Axis::log("edits"),
        y: Axis::linear("mean gold of the held-out judge"),
        lines,
        marks: Vec::new(),
    };
    let caption = "Intervals are over requests, which all policies share: for differences see the table.".to_owned();
    Ok(Findings {
        study: "darkroom",
        title: "Policies on photographs",
        lead: "Made by `cargo run --release -p editscale-proofs -- darkroom --out docs/studies/darkroom`: the embedded editor on \
               eight photographs, searched by the reward `photometric` and judged by another judge."
            .to_owned(),
        facts: vec![("requests", json!(requests)), ("edge_in_pixels", json!(photos::EDGE))],
        sheets: vec![sheet],
        plots: vec![Plot { name: "quality-against-edits", caption, drawn: drawn.draw() }],
    })
}

fn policy(sections: &str) -> anyhow::Result<Recipe> {
    let recipe =
        format!("version: 1\neditor: {{darkroom: {{}}}}\nrewards: [{{model: {{photometric: {{}}}}}}]\n{sections}\n");
    let parsed = Recipe::parse(recipe.as_bytes(), &catalogue());
    Ok(parsed.map_err(|report| anyhow::anyhow!(report.render("recipe", recipe.as_bytes())))?.0)
}

/// Every policy with every budget on one request.
fn one(number: usize, recipes: &[Vec<Recipe>], budgets: &[u32]) -> anyhow::Result<Vec<Vec<Outcome>>> {
    let mut equipment = Equipment::of(&recipes[0][0])?;
    let mut studio = Studio::new(&mut equipment, &REQUESTS[number], FIRST_SEED + number as u64)?;
    let of = |(recipe, edits): (&Recipe, &u32)| {
        studio.clear();
        searched(&mut studio, &*recipe.search_factory(), *edits)
    };
    let pairs = recipes.iter().flat_map(|recipes| recipes.iter().zip(budgets));
    let outcomes: Vec<Outcome> = pairs.map(of).collect::<anyhow::Result<_>>()?;
    Ok(outcomes.chunks(budgets.len()).map(<[Outcome]>::to_vec).collect())
}

fn searched(studio: &mut Studio<'_>, factory: &dyn SearchFactory, edits: u32) -> anyhow::Result<Outcome> {
    let budget = Budget { edits: Some(edits.into()), reward_calls: Some(edits.into()), ..Budget::default() };
    let run = drive(factory, studio, &budget)?;
    let chosen = run.verdict.ranked.first();
    let gold = chosen.and_then(|ranked| studio.judged(ranked.id));
    let (ranked, judged) = chosen.zip(gold).ok_or_else(|| anyhow::anyhow!("{} chose nothing", factory.revision()))?;
    Ok(Outcome {
        gold: judged.gold,
        score: ranked.utility.get(),
        edits: run.ledger.edits as f64,
        judgements: run.ledger.reward_calls as f64,
    })
}

fn golds(outcomes: &[Outcome]) -> Vec<f64> {
    outcomes.iter().map(|outcome| outcome.gold).collect()
}

fn row(
    (name, edits): (&str, u32),
    outcomes: &[Outcome],
    baseline: &[Outcome],
) -> anyhow::Result<Vec<serde_json::Value>> {
    let mean = |of: fn(&Outcome) -> f64| outcomes.iter().map(of).sum::<f64>() / outcomes.len() as f64;
    let found = interval(&golds(outcomes))?;
    let against = compare(&golds(baseline), &golds(outcomes), &Comparing::default())?;
    let is_baseline = name == BASELINE;
    let compared = [against.difference.mean, against.difference.low, against.difference.high, against.test.p];
    let numbers =
        [mean(|one| one.edits), mean(|one| one.judgements), found.mean, found.low, found.high, mean(|one| one.score)];
    let compared = compared.map(|value| if is_baseline { f64::NAN } else { value });
    Ok([json!(name), json!(edits)].into_iter().chain(numbers.into_iter().chain(compared).map(rounded)).collect())
}
