//! A policy taken through many requests of a world.

use editscale_core::{Budget, SearchFactory};
use rayon::prelude::*;

use super::Seeds;
use crate::world::setting::EDIT_MICROS;
use crate::world::{Run, Setting, Simulation, Workshop as _, drive};

/// What came of one request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// The true quality of the chosen candidate.
    pub gold: f64,
    /// What the judge said of it.
    pub proxy: f64,
    /// Everything that was spent, in whole edits: denoising and judgements.
    pub cost: f64,
    /// Denoising alone, in whole edits.
    pub denoising: f64,
    /// Judgements.
    pub judgements: f64,
    /// Candidates that were begun.
    pub begun: f64,
    /// Candidates that were finished.
    pub finished: f64,
}

/// What came of all requests, in their order.
#[derive(Debug, Clone)]
pub struct Measured(pub Vec<Outcome>);

impl Measured {
    /// One number a request.
    pub fn each(&self, of: impl Fn(&Outcome) -> f64) -> Vec<f64> {
        self.0.iter().map(of).collect()
    }

    /// The mean over requests.
    pub fn mean(&self, of: impl Fn(&Outcome) -> f64) -> f64 {
        self.0.iter().map(of).sum::<f64>() / self.0.len() as f64
    }
}

/// Takes a policy through the first `count` requests of a set.
pub fn measure(
    setting: &Setting,
    policy: &dyn SearchFactory,
    (seeds, count): (Seeds, u64),
) -> anyhow::Result<Measured> {
    let numbers = seeds.first()..seeds.first() + count;
    let outcomes = numbers.into_par_iter().map(|number| one(setting, policy, number));
    Ok(Measured(outcomes.collect::<anyhow::Result<_>>()?))
}

fn one(setting: &Setting, policy: &dyn SearchFactory, number: u64) -> anyhow::Result<Outcome> {
    let mut simulation = Simulation::new(setting, number)?;
    let run = drive(policy, &mut simulation, &Budget::default())?;
    outcome(&run, &simulation).ok_or_else(|| anyhow::anyhow!("{} chose nothing finished", policy.revision()))
}

fn outcome(run: &Run, simulation: &Simulation) -> Option<Outcome> {
    let chosen = run.verdict.ranked.first()?;
    let in_edits = |micros: u64| micros as f64 / EDIT_MICROS as f64;
    Some(Outcome {
        gold: simulation.gold(chosen.id)?,
        proxy: chosen.utility.get(),
        cost: in_edits(run.ledger.cost.usd.micros),
        denoising: run.ledger.cost.nfe as f64 / f64::from(crate::world::setting::STEPS),
        judgements: run.ledger.reward_calls as f64,
        begun: run.begun as f64,
        finished: run.finished as f64,
    })
}
