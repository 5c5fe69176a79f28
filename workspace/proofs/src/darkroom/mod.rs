//! Policies on real photographs: the embedded editor, its reward `photometric`, and a judge that no policy sees.

pub mod equipment;
pub mod hands;
pub mod held_out;
pub mod photos;
pub mod policies;
pub mod prices;
pub mod requests;
pub mod studio;
mod table;
pub mod unsteady;

use std::collections::BTreeMap;

use editscale_config::Recipe;
use editscale_core::RewardName;
use editscale_page::plot::{Axis, Line, LinePoint, Lines};
use rayon::prelude::*;
use serde_json::json;

use crate::output::{Findings, Plot, Sheet};
use crate::overoptimisation::pool::PHOTOMETRIC;
use crate::simulated::interval;
use crate::world::drive;
use equipment::{Equipment, catalogue};
use policies::{BASELINE, EVERYBODY, POLICIES, Policy};
use prices::Prices;
use requests::REQUESTS;
use studio::Studio;

/// The root seed of the first request; no other study has these.
const FIRST_SEED: u64 = 600_000;

/// The budgets, in plain edits with one judgement each.
const BUDGETS: [u32; 5] = [2, 4, 8, 16, 32];

/// How many requests a set of equipment serves: loading the learned judge takes longer than a request.
const TOGETHER: usize = 6;

/// One policy with one budget at these prices.
struct Case {
    policy: &'static Policy,
    prices: Prices,
    candidates: u32,
    recipe: Recipe,
}

/// What came of one case on one request.
#[derive(Debug, Clone, Copy)]
struct Outcome {
    gold: f64,
    photometric: f64,
    edits: f64,
    judgements: f64,
    critiques: f64,
    /// Of the budget.
    spent: f64,
}

/// What names a case: its policy's name, the price of a judgement, the budget.
type Key = (&'static str, u64, u32);

/// What came of every case, request by request.
type Found = BTreeMap<Key, Vec<Outcome>>;

impl Case {
    fn new(policy: &'static Policy, prices: Prices, candidates: u32) -> anyhow::Result<Self> {
        let recipe = read(&policy.recipe(candidates, prices))?;
        Ok(Self { policy, prices, candidates, recipe })
    }

    fn key(&self) -> Key {
        (self.policy.name, self.prices.judgement, self.candidates)
    }
}

fn read(recipe: &str) -> anyhow::Result<Recipe> {
    let parsed = Recipe::parse(recipe.as_bytes(), &catalogue());
    Ok(parsed.map_err(|report| anyhow::anyhow!(report.render("recipe", recipe.as_bytes())))?.0)
}

/// All cases: every policy where judgements are cheap, and those whom it concerns where they are dear.
fn cases(budgets: &[u32]) -> anyhow::Result<Vec<Case>> {
    let concerned = POLICIES.iter().filter(|policy| policy.is_priced).map(|policy| (policy, Prices::DEAR));
    let all = POLICIES.iter().map(|policy| (policy, Prices::CHEAP)).chain(concerned);
    all.flat_map(|(policy, prices)| budgets.iter().map(move |count| Case::new(policy, prices, *count))).collect()
}

/// The study; `quick` over a few requests and budgets.
pub fn study(quick: bool) -> anyhow::Result<Findings> {
    let budgets = if quick { &BUDGETS[..2] } else { &BUDGETS[..] };
    let requests = if quick { 2 } else { REQUESTS.len() };
    let cases = cases(budgets)?;
    let found = found(&cases, requests)?;
    let sheet = |name, prices| -> anyhow::Result<Sheet> {
        let mut sheet = table::sheet(name, requests, prices);
        for case in cases.iter().filter(|case| case.prices == prices) {
            sheet.rows.push(table::row(case, &found)?);
        }
        Ok(sheet)
    };
    Ok(Findings {
        study: "darkroom",
        title: "Policies on photographs",
        lead: "Made by `cargo run --release -p editscale-proofs -- darkroom --out docs/studies/darkroom`: the embedded editor on \
               eight photographs, searched by the reward `photometric` where nothing else is said, and judged by another judge."
            .to_owned(),
        facts: vec![("requests", json!(requests)), ("edge_in_pixels", json!(photos::EDGE))],
        sheets: vec![sheet("equal-cost", Prices::CHEAP)?, sheet("dear-judgements", Prices::DEAR)?],
        plots: vec![plot(&found, budgets)?],
    })
}

fn found(cases: &[Case], requests: usize) -> anyhow::Result<Found> {
    let everybody = read(EVERYBODY)?;
    let numbers: Vec<usize> = (0..requests).collect();
    let shares: Vec<Vec<Vec<Outcome>>> = numbers
        .par_chunks(TOGETHER)
        .map(|numbers| {
            let mut equipment = Equipment::of(&everybody)?;
            numbers.iter().map(|number| request(&mut equipment, *number, cases)).collect()
        })
        .collect::<anyhow::Result<_>>()?;
    let mut found = Found::new();
    for outcomes in shares.into_iter().flatten() {
        for (case, outcome) in cases.iter().zip(outcomes) {
            found.entry(case.key()).or_default().push(outcome);
        }
    }
    Ok(found)
}

/// Every case on one request.
fn request(equipment: &mut Equipment, number: usize, cases: &[Case]) -> anyhow::Result<Vec<Outcome>> {
    let all = equipment.cards().clone();
    let mut studio = Studio::new(equipment, &REQUESTS[number], FIRST_SEED + number as u64)?;
    let mut one = |case: &Case| {
        studio.begin(case.prices.cards(&all, &case.recipe));
        searched(&mut studio, case)
    };
    cases.iter().map(&mut one).collect()
}

fn searched(studio: &mut Studio<'_>, case: &Case) -> anyhow::Result<Outcome> {
    let run = drive(&*case.recipe.search_factory(), studio, &case.prices.budget(case.candidates))?;
    let chosen = run.chosen();
    let gold = chosen.and_then(|chosen| studio.judged(chosen)).map(|judged| judged.gold);
    let reward = RewardName::new(PHOTOMETRIC)?;
    let photometric = chosen.and_then(|chosen| studio.score(chosen, &reward));
    let both = gold.zip(photometric);
    let (gold, photometric) = both.ok_or_else(|| anyhow::anyhow!("{} chose nothing", case.policy.name))?;
    let budget = u64::from(case.candidates) * case.prices.candidate();
    Ok(Outcome {
        gold,
        photometric,
        edits: run.ledger.edits as f64,
        judgements: (run.ledger.reward_calls - run.critiques) as f64,
        critiques: run.critiques as f64,
        spent: run.ledger.cost.usd.micros as f64 / budget as f64,
    })
}

fn plot(found: &Found, budgets: &[u32]) -> anyhow::Result<Plot> {
    let line = |policy: &Policy| -> anyhow::Result<Line> {
        let point = |count: &u32| -> anyhow::Result<LinePoint> {
            let outcomes = &found[&(policy.name, Prices::CHEAP.judgement, *count)];
            let gold = interval(&table::golds(outcomes))?;
            Ok(LinePoint { x: f64::from(*count), y: gold.mean, band: None })
        };
        let points = budgets.iter().map(point).collect::<anyhow::Result<_>>()?;
        Ok(Line { name: policy.name.to_owned(), points, is_dashed: policy.name == BASELINE })
    };
    let drawn = POLICIES.iter().filter(|policy| policy.is_drawn).map(line).collect::<anyhow::Result<_>>()?;
    let drawn = Lines {
        alt: "Gold against the budget in edits, for each policy".to_owned(),
        x: Axis::log("budget, in plain edits with a judgement"),
        y: Axis::linear("mean gold of the held-out judge"),
        lines: drawn,
        marks: Vec::new(),
    };
    let caption = "Intervals, and the policies that are not drawn, stand in the table.".to_owned();
    Ok(Plot { name: "quality-against-edits", caption, drawn: drawn.draw() })
}
